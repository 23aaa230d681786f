"""The file of mailboxes: what it may say, and that all that is wrong with it is said at once."""

from pathlib import Path

import pytest

from triage.errors import SettingsError
from triage.inbox_settings import InboxSettings, Outgoing, Security, load

DEPARTMENTS = ("Streets", "Water")
ENV = {"MAIL": "correct horse", "POST": "battery staple"}
WHOLE = """
outgoing: {host: smtp.example.org, user: 311, password_env: POST, address: 311@example.org}
acknowledgments_per_day: 3
mailboxes:
  - name: city
    host: imap.example.org
    user: "311"
    password_env: MAIL
    addresses: [311@example.org, Help@example.org]
    departments: {Water: Departments/Water, Streets: "Straßen"}
    forward: {Water: water@example.org}
    acknowledge: true
"""


def loaded(tmp_path: Path, text: str, env: dict[str, str] | None = None) -> InboxSettings:
    path = tmp_path / "inbox.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, ENV if env is None else env, DEPARTMENTS)


def problems(tmp_path: Path, text: str, env: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, text, env)
    return [line.removeprefix(f"{tmp_path / 'inbox.yaml'}: ") for line in str(caught.value).splitlines()]


def test_a_file_is_read_with_its_passwords_from_the_environment(tmp_path: Path) -> None:
    settings = loaded(tmp_path, WHOLE)
    [mailbox] = settings.mailboxes
    assert (mailbox.password, mailbox.port, mailbox.security, mailbox.poll_s) == (ENV["MAIL"], 993, Security.TLS, 60)
    assert mailbox.key == "city/INBOX"
    assert mailbox.targets == ("Review", "Spam", "Automatic", "Departments/Water", "Straßen")
    assert settings.addresses == {"311@example.org", "help@example.org"}
    assert settings.outgoing == Outgoing(
        host="smtp.example.org", user="311", password_env="POST", address="311@example.org", password=ENV["POST"]
    )
    assert ENV["MAIL"] not in repr(settings)
    assert ENV["POST"] not in repr(settings)


def test_all_that_breaks_the_form_is_said_at_once_and_no_password_is_repeated(tmp_path: Path) -> None:
    text = """
outgoing: {host: smtp.example.org, address: nobody, security: perhaps}
mailboxes:
  - {name: City, host: imap.example.org, port: 99999, user: x, password: hunter2, password_env: P, addresses: []}
  - {name: b, host: imap.example.org, user: x, password_env: P, addresses: [a@example.org], colour: red, poll_s: 1801}
"""
    assert problems(tmp_path, text) == [
        "mailboxes.0: a password does not belong here: name its variable as password_env",
        "mailboxes.0.name: string should match pattern '^[a-z0-9][a-z0-9-]{0,39}$', got 'City'",
        "mailboxes.0.addresses: tuple should have at least 1 item after validation, not 0",
        "mailboxes.0.port: input should be less than or equal to 65535, got 99999",
        "mailboxes.1.poll_s: input should be less than or equal to 1700, got 1801",
        "mailboxes.1.colour: unexpected keyword argument, got 'red'",
        "outgoing.address: string should match pattern '^[^\\s@<>,;:\\\"()]{1,64}@[A-Za-z0-9.-]{1,253}$', got 'nobody'",
        "outgoing.security: input should be 'tls', 'starttls' or 'none', got 'perhaps'",
    ]


def test_all_that_does_not_fit_together_is_said_at_once(tmp_path: Path) -> None:
    text = """
outgoing: {host: smtp.example.org, address: 311@example.org, security: none, user: x}
mailboxes:
  - {name: a, host: imap.example.org, user: x, password_env: NONE, addresses: [a@example.org], review: INBOX,
     departments: {Watr: W}, forward: {Water: w@example.org}, ca_file: /nowhere}
  - {name: a, host: imap.example.org, user: x, password_env: MAIL, addresses: [a@example.org]}
"""
    assert problems(tmp_path, text) == [
        "mailboxes: two are named a",
        "a: password_env: the environment variable NONE is not set",
        "a: ca_file: must name a file that exists, got '/nowhere'",
        "a: there is no department 'Watr'; one of: Streets, Water",
        "a: forward: 'Water' needs a folder in departments too, where its mail is kept",
        "a: folder: mail cannot be moved to 'INBOX', where it comes in",
        "outgoing: security: none is for a server on this machine alone, got smtp.example.org",
        "outgoing: user and password_env must be given both, or neither",
    ]


def test_whoever_answers_needs_a_server_to_send_by(tmp_path: Path) -> None:
    text = WHOLE.replace(WHOLE.splitlines()[1], "")
    assert problems(tmp_path, text) == ["city: acknowledge and forward need `outgoing`, the server that mail leaves by"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "needs `mailboxes`, see docs/operations.md"),
        ("- a", "needs `mailboxes`, see docs/operations.md"),
        ("mailboxes: [}", "is not YAML"),
        ("mailboxes: []", "mailboxes: tuple should have at least 1 item"),
        ("mailboxes: 3", "mailboxes: input should be a valid tuple, got 3"),
    ],
)
def test_a_file_that_is_none_says_what_it_needs(tmp_path: Path, text: str, said: str) -> None:
    assert problems(tmp_path, text)[0].startswith(said)


def test_a_file_that_is_not_there_says_which_variable_names_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="set TRIAGE_INBOX to a YAML file"):
        load(tmp_path / "none.yaml", ENV, DEPARTMENTS)


def test_the_example_of_the_documents_is_a_file_that_works(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text("utf-8")
    example = page.split("`TRIAGE_INBOX` names a YAML file:\n\n```\n")[1].split("```")[0]
    example = example.replace("/etc/ssl/city.pem", str(tmp_path / "inbox.yaml"))
    settings = loaded(tmp_path, example, {"SMTP_PASSWORD": "a", "CITY_MAIL_PASSWORD": "b"})
    assert settings.mailboxes[0].forward == {"Water": "water@example.org"}
