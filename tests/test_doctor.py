"""The doctor: each thing by itself, what is wrong said with what to do, and nothing changed by looking."""

import os
import shutil
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import doctor
from doctor import Finding, State, examine
from tests.fakes import FailingEncoder, fake_parts
from triage.access import Role
from triage.errors import ModelError
from triage.keys import create_key
from triage.pipeline import Pipeline
from triage.store import open_store
from wiring import Built, Settings

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a home that exists and is empty; nothing listens on port 9."""
    return Settings(home=tmp_path, port=9)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand fakes where the set-up's models would be opened."""
    monkeypatch.setattr(Built, "missing", lambda self: ())
    monkeypatch.setattr(Built, "classifier", property(lambda self: self.settings.home / "classifier"))
    monkeypatch.setattr(doctor, "build_pipeline", lambda settings: Pipeline(fake_parts()))


def found(settings: Settings) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(settings)}


@pytest.mark.usefixtures("built")
def test_a_sound_installation_has_nothing_broken(settings: Settings) -> None:
    open_store(settings.store_url).close()
    findings = found(settings)
    assert [finding for finding in findings.values() if finding.state is State.BROKEN] == []
    assert findings["database"].detail.endswith(", 0 contacts")
    assert findings["translation"].detail == "fake-translator"
    assert findings["access"].detail == "the local agent on 127.0.0.1; 0 keys"


def test_an_empty_home_is_said_part_by_part_and_stays_empty(settings: Settings) -> None:
    findings = found(settings)
    assert "run `triage setup`" in findings["models"].detail
    for name in ("models", "index", "pipeline"):
        assert findings[name].state is State.BROKEN
    assert findings["database"] == Finding(
        name="database", state=State.LOOK, detail="not there yet; the first start makes it"
    )
    assert findings["service"].state is State.LOOK
    assert os.listdir(settings.home) == []


def test_a_home_that_is_not_there_is_broken(tmp_path: Path) -> None:
    findings = found(Settings(home=tmp_path / "none", port=9))
    assert findings["home"].state is State.BROKEN
    assert findings["disk"].state is not State.BROKEN  # of the folder that it would be made in


@pytest.mark.parametrize(
    ("free", "state"), [(10**10, State.OK), (10**9, State.LOOK), (10**8, State.BROKEN)], ids=["10 GB", "1 GB", "100 MB"]
)
def test_room_on_the_disk_is_judged(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, free: int, state: State
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10**12, 0, free))
    assert found(settings)["disk"].state is state


@pytest.mark.usefixtures("built")
def test_a_pipeline_that_degrades_is_broken(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(doctor, "build_pipeline", lambda settings: Pipeline(fake_parts(encoder=FailingEncoder())))
    finding = found(settings)["pipeline"]
    assert (finding.state, finding.detail) == (State.BROKEN, "encoder failed on a message that is well")


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    ("error", "said"),
    [(ModelError("the encoder is damaged"), "the encoder is damaged"), (KeyError("x"), "KeyError while looking")],
)
def test_what_raises_is_a_finding_and_the_rest_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, error: Exception, said: str
) -> None:
    def fail(settings: Settings) -> Pipeline:
        raise error

    monkeypatch.setattr(doctor, "build_pipeline", fail)
    findings = found(settings)
    assert (findings["pipeline"].state, findings["pipeline"].detail) == (State.BROKEN, said)
    assert findings["service"].state is State.LOOK


@pytest.mark.parametrize(
    ("revision", "state", "said"),
    [("0000", State.LOOK, "run `triage db upgrade`"), ("9999", State.BROKEN, "is a newer release's")],
)
def test_a_database_of_another_release_is_told_and_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, revision: str, state: State, said: str
) -> None:
    open_store(settings.store_url).close()
    monkeypatch.setattr(doctor, "revision_at", lambda url: revision)
    finding = found(settings)["database"]
    assert finding.state is state
    assert said in finding.detail


def test_a_key_that_ends_soon_is_named(settings: Settings) -> None:
    with open_store(settings.store_url) as store:
        for name, days in (("crm", 400), ("phones", 13)):
            expires_at = datetime.now(UTC) + timedelta(days=days)
            create_key(store.keys, name=name, role=Role.SERVICE, scopes=(), expires_at=expires_at, created_by="jo")
    finding = found(Settings(home=settings.home, port=9, access="required"))["access"]
    assert (finding.state, finding.detail) == (State.LOOK, "within two weeks these keys expire: phones")


def test_a_service_that_nobody_can_reach_is_broken(settings: Settings) -> None:
    finding = found(Settings(home=settings.home, port=9, access="required"))["access"]
    assert finding.state is State.BROKEN
    assert "make a key, or set TRIAGE_OIDC_ISSUER" in finding.detail


def test_a_provider_that_does_not_answer_is_broken(settings: Settings) -> None:
    finding = found(Settings(home=settings.home, port=9, oidc_issuer="http://127.0.0.1:9"))["identity"]
    assert finding.state is State.BROKEN
    assert finding.detail.startswith("http://127.0.0.1:9/.well-known/openid-configuration does not answer")


@pytest.mark.parametrize(
    ("requirement", "wrong"),
    [
        ("pytest>=8.3", None),
        ("pytest==0.1", "pytest is "),
        ("no-such-package-of-ours>=1", "no-such-package-of-ours is not installed"),
        ("httpx[http2]>=0.28 ; extra == 'dev'", None),
    ],
)
def test_a_package_is_there_in_the_release_that_it_is_pinned_to(requirement: str, wrong: str | None) -> None:
    said = doctor._missing(requirement)
    assert said is None if wrong is None else (said or "").startswith(wrong)
