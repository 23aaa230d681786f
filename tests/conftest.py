"""Every test runs without a network and with a home of its own."""

import hashlib
import os
import socket
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from models.encoder import MiniLMEncoder, MultilingualEncoder

# A slow machine is no failing test: how long things take is measured in benchmarks.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class NetworkBlocked(RuntimeError):
    """A test tried to leave the machine."""


@pytest.fixture(autouse=True)
def _closed_world(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let only loopback and unix sockets through; forget the caller's settings and give an empty home."""
    for method in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, method, _guarded(getattr(socket.socket, method)))
    monkeypatch.setattr(socket, "getaddrinfo", _guarded_lookup(socket.getaddrinfo))
    for name in [name for name in os.environ if name.startswith("TRIAGE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TRIAGE_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def _guarded(method: Callable[..., object]) -> Callable[..., object]:
    def guarded(self: socket.socket, *args: object) -> object:
        address = args[-1]
        if isinstance(address, tuple) and address[0] not in LOOPBACK:
            raise NetworkBlocked(f"tests stay on this machine, got {address[0]!r}")
        return method(self, *args)

    return guarded


def _guarded_lookup(lookup: Callable[..., object]) -> Callable[..., object]:
    def guarded(host: object, *args: object, **kwargs: object) -> object:
        if host not in (None, *LOOPBACK):
            raise NetworkBlocked(f"tests stay on this machine, got {host!r}")
        return lookup(host, *args, **kwargs)

    return guarded


@pytest.fixture(scope="session")
def converted(request: pytest.FixtureRequest) -> Path:
    """The converted encoder, made once and kept between runs for as long as nothing it is made from changes."""
    from models import conversion

    assert request.config.cache is not None
    made_from = [conversion.PUBLISHED_SHA256, version("ctranslate2"), Path(conversion.__file__).read_text("utf-8")]
    name = hashlib.sha256("\n".join(made_from).encode()).hexdigest()[:12]
    folder = Path(request.config.cache.mkdir("encoder")) / name
    if not folder.exists():
        conversion.convert(str(conversion.packaged_weights()), folder)
    return folder


@pytest.fixture(scope="session")
def minilm(converted: Path) -> "MiniLMEncoder":
    """The real encoder, opened once."""
    from models.encoder import MiniLMEncoder

    return MiniLMEncoder.load(converted, workers=1)


@pytest.fixture(scope="session")
def multilingual(minilm: "MiniLMEncoder") -> "MultilingualEncoder":
    """The real encoder with the shipped student beside it."""
    from models.encoder import STUDENT, MiniLMEncoder, MultilingualEncoder

    return MultilingualEncoder(minilm, MiniLMEncoder.load(STUDENT, workers=1))
