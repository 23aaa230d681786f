"""Looks over an installation: what is installed, built, loaded, reachable and up to date. It changes nothing."""

import platform
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, requires, version
from re import match

from triage.access import Role
from triage.errors import TriageError
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore, open_store
from triage.store.inspection import is_there, revision_at
from triage.store.schema import REVISION
from triage.types import Message
from wiring import Built, Settings, build_pipeline

GIGABYTE = 10**9
LITTLE_DISK = 2 * GIGABYTE
NO_DISK = GIGABYTE // 5
SOON = timedelta(days=14)
TIMEOUT_S = 5
SAMPLE = "someone dumped a couch behind 2210 Florin Rd"


class State(StrEnum):
    """How something stands."""

    OK = "ok"
    LOOK = "look"  # the service works; a person should know
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was looked at, how it stands, and what to do where it is not well."""

    name: str
    state: State
    detail: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at one thing after the other; what raises is a finding, and the next is looked at."""
    opened = cache(partial(build_pipeline, settings))
    checks: dict[str, Callable[[Settings], Finding]] = {
        "python": _python,
        "packages": _packages,
        "home": _home,
        "disk": _disk,
        "models": _models,
        "index": _index,
        "pipeline": partial(_pipeline, opened),
        "translation": partial(_translation, opened),
        "database": _database,
        "access": _access,
        "identity": _identity,
        "service": _service,
    }
    for name, check in checks.items():
        try:
            yield check(settings)
        except TriageError as error:
            yield _broken(name, str(error))
        except Exception as error:  # whatever is wrong with an installation, the rest of it is looked at too
            yield _broken(name, f"{type(error).__name__} while looking")


def _ok(name: str, detail: str) -> Finding:
    return Finding(name=name, state=State.OK, detail=detail)


def _look(name: str, detail: str) -> Finding:
    return Finding(name=name, state=State.LOOK, detail=detail)


def _broken(name: str, detail: str) -> Finding:
    return Finding(name=name, state=State.BROKEN, detail=detail)


def _python(_: Settings) -> Finding:
    return _ok("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _packages(settings: Settings) -> Finding:
    try:
        wanted = requires("triage-311") or []
    except PackageNotFoundError:
        return _look("packages", "triage-311 runs from its source and is not installed; what it needs is not known")
    extras = {"postgres": settings.store_url.startswith("postgres"), "otel": settings.otlp_endpoint is not None}
    needed = [each for each in wanted if "extra ==" not in each or any(_is_of(each, e) for e in extras if extras[e])]
    missing = [wrong for each in needed if (wrong := _missing(each))]
    if missing:
        return _broken("packages", f"{', '.join(missing)}: pip install the release again, with its constraints.txt")
    return _ok("packages", f"triage-311 {version('triage-311')}, {len(needed)} packages it needs are there")


def _is_of(requirement: str, extra: str) -> bool:
    return match(rf".*extra == ['\"]{extra}['\"]", requirement) is not None


def _missing(requirement: str) -> str | None:
    """Return what is wrong with a required package: not there, or not the release it is pinned to."""
    found = match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*(?:==\s*([0-9.]+))?", requirement)
    if found is None:
        return None
    name, pinned = found.groups()
    try:
        installed = version(name)
    except PackageNotFoundError:
        return f"{name} is not installed"
    matches = pinned is None or installed.split("+")[0] == pinned
    return None if matches else f"{name} is {installed}, not {pinned}"


def _home(settings: Settings) -> Finding:
    if not settings.home.is_dir():
        return _broken("home", f"{settings.home} is not there; `triage setup` makes it")
    probe = settings.home / f".doctor-{datetime.now(UTC):%H%M%S%f}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        return _broken("home", f"{settings.home} cannot be written: {error.strerror}")
    return _ok("home", str(settings.home))


def _disk(settings: Settings) -> Finding:
    existing = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    told = f"{free / GIGABYTE:.1f} GB free"
    if free < NO_DISK:
        return _broken("disk", f"{told}; contacts can soon no longer be stored")
    return _look("disk", f"{told}; make room") if free < LITTLE_DISK else _ok("disk", told)


def _models(settings: Settings) -> Finding:
    missing = [part for part in Built(settings).missing() if part != "index"]
    if missing:
        return _broken("models", f"{', '.join(missing)} not built; run `triage setup`")
    built = Built(settings)
    return _ok("models", f"encoder {built.encoder.name}, classifier {built.classifier.name}")


def _index(settings: Settings) -> Finding:
    built = Built(settings)
    if "index" not in built.missing():
        return _ok("index", f"up to date with {built.articles}")
    if built.index_note.exists():
        return _look("index", f"older than the articles in {built.articles}; run `triage kb build`")
    return _broken("index", "not built; run `triage kb build`")


def _pipeline(opened: Callable[[], Pipeline], settings: Settings) -> Finding:
    if Built(settings).missing():
        return _broken("pipeline", "not tried: something is not built")
    started = datetime.now(UTC)
    triage = opened().triage(Message(id="doctor", text=SAMPLE))
    if triage.degraded:
        return _broken("pipeline", f"{', '.join(triage.degraded)} failed on a message that is well")
    seconds = (datetime.now(UTC) - started).total_seconds()
    return _ok("pipeline", f"opened and triaged a message in {seconds:.1f} s")


def _translation(opened: Callable[[], Pipeline], settings: Settings) -> Finding:
    if Built(settings).missing():
        return _broken("translation", "not tried: something is not built")
    packages = opened().versions.translator
    if packages in (None, "none"):
        return _look("translation", "no package is installed: messages that are not English stay untranslated")
    return _ok("translation", str(packages))


def _database(settings: Settings) -> Finding:
    if not is_there(settings.store_url):
        return _look("database", "not there yet; the first start makes it")
    found = revision_at(settings.store_url)
    if found is None:
        return _look("database", "empty; the first start makes its tables")
    if found > REVISION:
        return _broken("database", f"revision {found} is a newer release's; this one knows those up to {REVISION}")
    if found < REVISION:
        return _look("database", f"revision {found}; this release's is {REVISION}: run `triage db upgrade`")
    with open_store(settings.store_url) as store:
        return _ok("database", f"revision {found}, {store.counts().contacts} contacts")


def _access(settings: Settings) -> Finding:
    signs_in = settings.identity_provider is not None
    keys = _active_keys(settings)
    if settings.host in ("127.0.0.1", "::1", "localhost") and not signs_in and settings.access == "local":
        return _ok("access", f"the local agent on {settings.host}; {len(keys)} keys")
    if not signs_in and not keys:
        return _broken("access", f"nobody can come in at {settings.host}: make a key, or set TRIAGE_OIDC_ISSUER")
    ending = [name for name, expires_at in keys if expires_at and expires_at < datetime.now(UTC) + SOON]
    if ending:
        return _look("access", f"within two weeks these keys expire: {', '.join(ending)}")
    return _ok("access", f"{len(keys)} keys" + (", sign-in at the identity provider" if signs_in else ""))


def _active_keys(settings: Settings) -> list[tuple[str, datetime | None]]:
    """Return name and end of every key that works; none where the database is not this release's."""
    if not is_there(settings.store_url) or revision_at(settings.store_url) != REVISION:
        return []
    with open_store(settings.store_url) as store:
        return list(_working(store))


def _working(store: SqlTriageStore) -> Iterator[tuple[str, datetime | None]]:
    now = datetime.now(UTC)
    return ((key.name, key.expires_at) for key in store.keys.list() if key.is_valid_at(now))


def _identity(settings: Settings) -> Finding:
    provider = settings.identity_provider
    if provider is None:
        return _ok("identity", "no identity provider is set")
    unheld = [role.value for role in Role if role not in provider.roles.values() and role is not Role.SERVICE]
    try:
        _fetch(provider.discovery_url)
    except OSError as error:
        return _broken("identity", f"{provider.discovery_url} does not answer ({type(error).__name__})")
    told = f"{provider.issuer} answers, {len(provider.roles)} groups have a role"
    return _look("identity", f"{told}; no group is {', '.join(unheld)}") if unheld else _ok("identity", told)


def _service(settings: Settings) -> Finding:
    address = f"http://{settings.host}:{settings.port}"
    try:
        _fetch(f"{address}/readyz")
    except OSError as error:  # refused, timed out, or an answer that is no 200
        return _look("service", f"nothing ready answers at {address} ({type(error).__name__}); start it: triage serve")
    return _ok("service", f"ready at {address}")


def _fetch(url: str) -> None:
    with urllib.request.urlopen(url, timeout=TIMEOUT_S):  # a 4xx or 5xx raises
        pass
