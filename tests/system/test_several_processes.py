"""A city's service as several processes on one PostgreSQL: API processes and inboxes, killed and counted."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.mail.conftest import dovecot, fresh_user, post
from tests.mail.desks import mail_of, settings_of
from tests.mail.dying import Death, forked
from tests.mail.imap_server import ImapServer
from tests.mail.smtp_server import Post
from tests.mail.test_killed_inbox import ended
from tests.store.conftest import postgres, schema_url
from tests.store.postgres import free_port
from triage.store import Actor, open_store

__all__ = ["dovecot", "post", "postgres", "schema_url"]

APIS, CLIENTS, EACH, MAILS = 4, 6, 12, 24
GIVE_UP_S = 300.0


class Api:
    """One process of the API."""

    def __init__(self, url: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "tests.system.serving", url, str(self.port)]
        self._process = subprocess.Popen(command)

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=10).status_code == 200
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        assert self._process.wait(10) == -signal.SIGKILL

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


Start = Callable[[int], list[Api]]


@pytest.fixture
def start(schema_url: str) -> Iterator[Start]:
    """Start so many processes of the API and wait until they are ready; none outlives the test."""
    started: list[Api] = []
    open_store(schema_url).close()

    def begun(number: int) -> list[Api]:
        new = [Api(schema_url) for _ in range(number)]
        started.extend(new)
        until(lambda: all(api.is_ready() for api in new))
        return new

    yield begun
    for api in started:
        api.stop()


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + GIVE_UP_S
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def contact(number: int) -> dict[str, str]:
    return {"id": f"c-{number}", "text": f"There is a pothole in front of number {number}.", "channel": "web"}


def stored(apis: Sequence[Api], number: int) -> tuple[str, int]:
    """Store a contact as a client behind a proxy does: the next process where one does not answer, with one key."""
    end = time.monotonic() + GIVE_UP_S
    for attempt in range(1_000_000):
        api = apis[(number + attempt) % len(apis)]
        headers = {"Idempotency-Key": f"key-{number}"}
        try:
            answer = httpx.post(f"{api.url}/v1/contacts", json=contact(number), headers=headers, timeout=30)
        except httpx.HTTPError:
            answer = None
        if answer is not None and answer.status_code < 300:
            return answer.json()["message_id"], answer.status_code
        assert answer is None or answer.status_code in (409, 503), answer.text  # 409: the first try is under way
        assert time.monotonic() < end, "no process answers"
        time.sleep(0.1)
    raise AssertionError


def test_four_apis_and_two_inboxes_of_which_some_are_killed_lose_and_double_nothing(
    start: Start, schema_url: str, dovecot: ImapServer, post: Post
) -> None:
    apis = start(APIS)
    user = fresh_user(dovecot)
    settings = settings_of(dovecot, user, post, acknowledge=True)
    mails = [mail_of(number, "My street.", sender=f"r{number}@example.com") for number in range(MAILS)]
    dovecot.put(user, mails)
    inboxes = [forked(schema_url, settings, Death(step=60)), forked(schema_url, settings, None)]
    numbers = list(range(CLIENTS * EACH))
    # Every fifth is sent by two clients at once, with one key, as a client does that has lost patience.
    sent = sorted([*numbers, *numbers[::5]])
    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = [clients.submit(stored, apis, number) for number in sent]
        for count, api in ((10, apis[0]), (30, apis[1])):
            until(lambda count=count: sum(answer.done() for answer in answers) >= count)  # type: ignore[misc]
            api.kill()
        acknowledged = [answer.result()[0] for answer in answers]
    assert sorted(map(ended, inboxes)) == [False, True]
    if dovecot.mails(user, "INBOX"):
        assert not ended(forked(schema_url, settings, None))
    assert Counter(acknowledged) == Counter(f"c-{number}" for number in sent)
    with open_store(schema_url) as store:
        contacts = store.recent(1_000)
        by_web = {one.message.id for one in contacts if one.message.id.startswith("c-")}
        assert by_web == {f"c-{number}" for number in numbers}
        assert store.counts().contacts == len(contacts) == len(numbers) + MAILS
        assert all(one.decision is not None and one.decision.actor is Actor.POLICY for one in contacts)
        assert store.receipts.verify().problems == ()
        events = [event.number for event in store.events.since(0, limit=10_000)]
        assert events == list(range(1, len(events) + 1))


def test_a_change_in_one_process_reaches_the_listeners_of_all(start: Start) -> None:
    apis = start(2)
    heard: list[list[tuple[str, str]]] = [[], []]

    def listen(number: int) -> None:
        with httpx.stream("GET", f"{apis[number].url}/v1/events", params={"since": 0}, timeout=60) as answer:
            event = ""
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                if line.startswith("data: "):
                    heard[number].append((event, json.loads(line.removeprefix("data: "))["message_id"]))
                if len(heard[number]) == 4:
                    return

    listeners = [threading.Thread(target=listen, args=(number,), daemon=True) for number in range(2)]
    for listener in listeners:
        listener.start()
    for number, api in enumerate(apis):
        assert httpx.post(f"{api.url}/v1/contacts", json=contact(number), timeout=30).status_code == 201
    for listener in listeners:
        listener.join(60)
    assert heard[0] == heard[1]
    assert Counter(heard[0]) == {
        (kind, message_id): 1 for kind in ("received", "triaged") for message_id in ("c-0", "c-1")
    }


def counted(api: Api, name: str) -> float:
    page = httpx.get(f"{api.url}/metrics", timeout=30).text
    return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(f"{name}{{"))


def test_each_process_counts_what_it_answered_and_together_it_is_all(start: Start) -> None:
    apis = start(3)
    for number in range(7):
        stored(apis, number)
    assert [counted(api, "triage_requests_total") for api in apis] == [3, 2, 2]
    assert sum(counted(api, "triage_stage_seconds_count") for api in apis) >= 7
    # The same contact once more, at another process: answered from the store, triaged by nobody.
    again = httpx.post(f"{apis[1].url}/v1/contacts", json=contact(0), headers={"Idempotency-Key": "key-0"}, timeout=30)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert sum(counted(api, "triage_requests_total") for api in apis) == 7
