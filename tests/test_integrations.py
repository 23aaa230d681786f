"""Every example of docs/integrations.md runs as it stands and gives what it says."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.routes.test_calls_socket import running
from tests.store.samples import message_of, triage_of
from tests.test_layers import ROOT
from tests.triage.backends.conftest import City, city_of, clock, empty_city  # noqa: F401
from tests.triage.backends.receivers import Events, Mailbox, Receiver, Tickets, WorkOrders
from triage import taxonomy
from triage.backends.http import Outgoing, Reply
from triage.backends.settings import BackEnd, load
from triage.channels.settings import ChannelSettings
from triage.store import Action, open_store
from triage.types import Channel, Decision, Mode

PAGE = (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = [(language, code, answer) for (language, code), (_, answer) in pairwise(BLOCKS) if language == "bash"]
EXAMPLES += [("python", code, answer) for (kind, code), (_, answer) in pairwise(BLOCKS) if "connect(" in code]
ANYTHING = "…"
SECRETS = {
    "TRIAGE_HOOK_SECRET": "a hook secret of the tests",
    "TRIAGE_TWILIO_TOKEN": "a twilio token of the tests",
    "TRIAGE_INBOUND_MAIL_SECRET": "a mail secret of the tests",
    "TRIAGE_ZENDESK_SECRET": "a zendesk secret of the tests",
    "TRIAGE_TEAMS_SECRET": base64.b64encode(b"\x00\x01 a key of the tests").decode(),
}
Cities = Callable[..., City]


def matches(expected: Any, actual: Any) -> bool:  # noqa: ANN401
    """Tell whether an answer is as a page says, in which `…` stands for anything."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        named = {key: value for key, value in expected.items() if key != ANYTHING}
        is_whole = ANYTHING in expected or named.keys() == actual.keys()
        return is_whole and all(key in actual and matches(value, actual[key]) for key, value in named.items())
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(matches, expected, actual))
    if isinstance(expected, str) and isinstance(actual, str):
        return re.fullmatch(".*".join(map(re.escape, expected.split(ANYTHING))), actual) is not None
    return expected == ANYTHING or bool(expected == actual)


def block(language: str, holds: str) -> str:
    """Return the one block of a language that holds some words."""
    [found] = [code for kind, code in BLOCKS if kind == language and holds in code]
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A running service, with the folder and the environment of whoever tries the examples."""
    folder = tmp_path_factory.mktemp("examples")
    command = folder / "bin" / "triage"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m tests.fake_triage "$@"\n', "utf-8")
    command.chmod(0o755)
    settings = ChannelSettings(
        generic_secret=SECRETS["TRIAGE_HOOK_SECRET"],
        twilio_token=SECRETS["TRIAGE_TWILIO_TOKEN"],
        inbound_mail_secret=SECRETS["TRIAGE_INBOUND_MAIL_SECRET"],
        zendesk_secret=SECRETS["TRIAGE_ZENDESK_SECRET"],
        chat_secret=SECRETS["TRIAGE_TEAMS_SECRET"],
    )
    with open_store(f"sqlite:///{folder / 'city.db'}") as store, running(store, settings) as address:
        path = f"{command.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        home = {"TRIAGE_HOME": str(folder / "home"), "PATH": path, "KEY": "none"}
        yield folder, {**SECRETS, **home, "BASE": address.replace("ws", "http", 1)}


@pytest.mark.system
@pytest.mark.parametrize(("language", "code", "answer"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_runs_and_answers_as_the_page_says(
    place: tuple[Path, dict[str, str]], language: str, code: str, answer: str
) -> None:
    folder, environment = place
    command = ["bash", "-euo", "pipefail", "-c", code] if language == "bash" else [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    if answer.lstrip().startswith(("{", "[")):
        assert matches(json.loads(answer), json.loads(run.stdout)), run.stdout
    else:
        assert run.stdout.strip() == answer.strip()


def test_the_page_has_an_example_for_every_hook() -> None:
    hooks = re.findall(r'@router.post\("/(\w+)"\)', (ROOT / "routes" / "hooks.py").read_text("utf-8"))
    assert [name for name in hooks if f"/v1/hooks/{name}" not in PAGE] == []
    assert len(EXAMPLES) == 14


@pytest.fixture
def back_ends(tmp_path: Path) -> dict[str, BackEnd]:
    """The back ends of the page, read from its file and its crosswalks."""
    (tmp_path / "city.yaml").write_text(block("yaml", "back_ends:"), "utf-8")
    (tmp_path / "works.csv").write_text(block("csv", "DUMP-1"), "utf-8")
    (tmp_path / "parks.csv").write_text(block("csv", "parks@example.org"), "utf-8")
    found = load(tmp_path / "city.yaml", secret_of=lambda name: f"value of {name}", service_types=taxonomy.load().codes)
    return {back_end.name: back_end for back_end in found}


def accepted(
    city: City, code: str = "waste.dumping", message_id: str = "m-1", department: str = "Public Works"
) -> None:
    """Let the policy suggest a service type and a person accept it."""
    decision = Decision(mode=Mode.SUGGEST, service_type=code, department=department)
    ticket = {"channel": Channel.TICKET, "thread_id": message_id} if message_id.startswith("zendesk") else {}
    city.store.save([(message_of(message_id, **ticket), triage_of(message_id, decision))])
    city.store.decide(message_id, decision, "ada", 1, action=Action.ACCEPT)


def request_of(block_: str) -> tuple[str, str, str]:
    """Return method, URL and body of a request as a page shows it."""
    head, _, body = block_.partition("\n\n")
    method, _, url = head.strip().partition(" ")
    return method, url, body.strip()


def test_events_are_as_the_page_says_and_its_receiver_believes_them(
    back_ends: dict[str, BackEnd],
    city_of: Cities,  # noqa: F811
) -> None:
    city, events = city_of(back_ends["events"]), Events()
    accepted(city)
    city.send(events)
    last = events.requests[-1]
    assert matches(json.loads(block("json", "specversion")), json.loads(last.body or b""))
    namespace: dict[str, Any] = {}
    exec(block("python", "is_genuine"), namespace)
    now = float(last.headers["webhook-timestamp"])
    secret = "value of EVENTS_SECRET"
    assert namespace["is_genuine"](last.headers, last.body, secret, now)
    assert not namespace["is_genuine"](last.headers, last.body, secret, now + 301)
    assert not namespace["is_genuine"](last.headers, (last.body or b"") + b" ", secret, now)


def test_work_orders_are_as_the_page_says(back_ends: dict[str, BackEnd], city_of: Cities) -> None:  # noqa: F811
    city, works = city_of(back_ends["works"]), WorkOrders()
    accepted(city)
    city.send(works)
    [sent] = works.requests
    method, url, body = request_of(block("http", "service_code=DUMP-1"))
    assert (sent.method, sent.url) == (method, url)
    assert matches(dict(parse_qsl(body)), dict(parse_qsl((sent.body or b"").decode())))


def test_ticket_updates_are_as_the_page_says(back_ends: dict[str, BackEnd], city_of: Cities) -> None:  # noqa: F811
    city, tickets = city_of(back_ends["desk"]), Tickets()
    accepted(city, message_id="zendesk-35")
    city.send(tickets)
    sent = tickets.requests[-1]
    method, url, body = request_of(block("http", "safe_update"))
    assert (sent.method, sent.url) == (method, url)
    assert matches(json.loads(body), json.loads(sent.body or b""))


def test_mail_to_a_department_is_as_the_page_says(back_ends: dict[str, BackEnd], city_of: Cities) -> None:  # noqa: F811
    city, mail = city_of(back_ends["parks"]), Mailbox()
    accepted(city, code="trees.hazard", department="Parks")
    city.send(Receiver(), mail)
    [(message, _, recipients)] = mail.taken
    shown = "".join(f"{name}: {message[name]}\n" for name in ("From", "To", "Subject"))
    assert f"{shown}\n{message.get_content()}" == block("", "To: parks@example.org")
    assert recipients == ("parks@example.org",)


def test_one_service_feeds_another(back_ends: dict[str, BackEnd], city_of: Cities) -> None:  # noqa: F811
    """The event's second signature is the one that the generic hook takes."""
    from datetime import UTC, datetime

    from triage.channels.signatures import Hook, check_generic

    seen: list[Outgoing] = []

    def exchange(outgoing: Outgoing) -> Reply:
        seen.append(outgoing)
        return Reply(status=204, media_type="", body=b"")

    city = city_of(back_ends["events"])
    accepted(city)
    city.send(exchange)
    headers = {name.lower(): value for name, value in seen[0].headers.items()}
    now = datetime.fromtimestamp(int(headers["x-timestamp"]), UTC)
    hook = Hook(headers=headers, body=seen[0].body or b"", url=seen[0].url, now=now)
    assert check_generic(hook, "value of EVENTS_SECRET") == headers["webhook-id"]
