"""`triage key` and `triage doctor`: a key is printed once, lists never show one, the exit code says what is broken."""

import orjson
import pytest
from typer.testing import CliRunner

import cli
import doctor
from doctor import Finding, State
from triage.access import Right
from triage.keys import actor_of_key
from wiring import Settings, open_database

RUN = CliRunner()


def created(*options: str) -> str:
    """Make a key by command and return it."""
    shown = RUN.invoke(cli.app, ["key", "create", *options])
    assert shown.exit_code == 0, shown.stderr
    return shown.stdout.strip()


def test_a_key_is_printed_alone_on_its_line_and_works() -> None:
    secret = created("crm", "--scope", "triage", "--scope", "contacts:read")
    with open_database(Settings.from_env()) as store:
        actor = actor_of_key(store.keys, secret)
        assert actor.name == "crm"
        assert actor.rights == {Right.TRIAGE, Right.CONTACTS_READ}
        [entry] = store.audit.list()
        assert (entry.action, entry.target, entry.detail) == ("key_create", "key:1", {"role": "service"})


def test_a_list_tells_keys_apart_and_shows_none_whole() -> None:
    secrets = [created("crm", "--days", "10"), created("auditors", "--role", "auditor")]
    page = RUN.invoke(cli.app, ["key", "list"]).stdout
    told = orjson.loads(RUN.invoke(cli.app, ["key", "list", "--json"]).stdout)
    assert [(key["id"], key["name"], key["role"]) for key in told] == [
        (2, "auditors", "auditor"),
        (1, "crm", "service"),
    ]
    for secret in secrets:
        assert secret[:11] in page
        assert secret not in page + str(told)
    assert page.count(" active ") == 2


def test_a_revoked_key_stays_in_the_list() -> None:
    created("crm")
    assert RUN.invoke(cli.app, ["key", "revoke", "1"]).exit_code == 0
    assert " revoked " in RUN.invoke(cli.app, ["key", "list"]).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["revoke", "7"], 1, "no API key has the number 7"),
        (["create", "crm", "--scope", "models:write"], 1, "service has no models:write"),
        (["create", " "], 1, "needs the name of what uses it"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    monkeypatch.setattr("sys.argv", ["triage", "key", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == code
    assert said in capsys.readouterr().err


def test_a_role_a_scope_or_a_span_that_is_none_is_a_mistake_of_usage() -> None:
    for options in (["--role", "boss"], ["--scope", "all"], ["--days", "0"]):
        assert RUN.invoke(cli.app, ["key", "create", "crm", *options]).exit_code == 2


@pytest.mark.parametrize(("state", "code"), [(State.OK, 0), (State.LOOK, 0), (State.BROKEN, 1)])
def test_the_doctors_exit_code_says_whether_something_is_broken(
    monkeypatch: pytest.MonkeyPatch, state: State, code: int
) -> None:
    findings = [
        Finding(name="home", state=State.OK, detail="/srv"),
        Finding(name="disk", state=state, detail="0.1 GB free"),
    ]
    monkeypatch.setattr(doctor, "examine", lambda settings: iter(findings))
    page = RUN.invoke(cli.app, ["doctor"])
    told = RUN.invoke(cli.app, ["doctor", "--json"])
    assert (page.exit_code, told.exit_code) == (code, code)
    assert page.stdout.splitlines()[1] == f"{state:<7} disk         0.1 GB free"
    assert orjson.loads(told.stdout)[1] == {"name": "disk", "state": state.value, "detail": "0.1 GB free"}
