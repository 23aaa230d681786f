"""Requests over real HTTP: every failure is of one kind, bounded in time and size."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.receiving import Answer, System, serving
from triage.backends.http import HttpClient, Outgoing, Reply
from triage.errors import DeliveryFailed, DeliveryRefused


@pytest.fixture
def system() -> System:
    return System()


@pytest.fixture
def ask(system: System) -> Iterator[Callable[[Answer], Reply]]:
    client = HttpClient(deadline_s=0.3)
    with serving(system) as url:

        def asked(answer: Answer) -> Reply:
            system.choose = lambda: answer
            return client(Outgoing(method="POST", url=url, headers={"Idempotency-Key": "k"}, body=b"{}"))

        yield asked
    client.close()


Ask = Callable[[Answer], Reply]


def test_an_answer_has_its_status_kind_and_bytes(ask: Ask, system: System) -> None:
    reply = ask(Answer(status=201, body=b'{"a": 1}', media_type="application/json; charset=utf-8"))
    assert (reply.status, reply.media_type, reply.json()) == (201, "application/json", {"a": 1})
    assert system.done == {"/ k": b"{}"}


@pytest.mark.parametrize("status", [301, 302, 401, 403, 408, 409, 425, 429, 500, 503])
def test_what_may_pass_is_a_failure(ask: Ask, status: int) -> None:
    with pytest.raises(DeliveryFailed, match=f"^HTTP {status}$") as caught:
        ask(Answer(status=status, headers={"Location": "/elsewhere"}))
    assert not isinstance(caught.value, DeliveryRefused)
    assert caught.value.retry_after_s is None


@pytest.mark.parametrize("status", [400, 404, 410, 413, 415, 422])
def test_what_will_not_pass_is_a_refusal(ask: Ask, status: int) -> None:
    with pytest.raises(DeliveryRefused, match=f"^HTTP {status}$"):
        ask(Answer(status=status))


def test_retry_after_is_read_in_seconds_and_as_a_date(ask: Ask) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        ask(Answer(status=429, headers={"Retry-After": "17"}))
    assert caught.value.retry_after_s == 17
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    with pytest.raises(DeliveryFailed) as caught:
        ask(Answer(status=503, headers={"Retry-After": later}))
    assert 50 < (caught.value.retry_after_s or 0) <= 60
    with pytest.raises(DeliveryFailed) as caught:
        ask(Answer(status=503, headers={"Retry-After": "soon"}))
    assert caught.value.retry_after_s is None


def test_silence_is_a_failure(ask: Ask) -> None:
    with pytest.raises(DeliveryFailed, match=r"^ReadTimeout$"):
        ask(Answer(after_s=1))


def test_an_answer_that_drips_without_end_is_a_failure(ask: Ask) -> None:
    with pytest.raises(DeliveryFailed, match=r"^ReadTimeout$"):
        ask(Answer(body=b"x", pieces=40))


def test_an_answer_without_measure_is_a_failure(ask: Ask) -> None:
    with pytest.raises(DeliveryFailed, match="too long"):
        ask(Answer(body=b"x" * 1_100_000))


def test_nobody_there_is_a_failure() -> None:
    with pytest.raises(DeliveryFailed, match=r"^ConnectError$"):
        HttpClient()(Outgoing(method="POST", url="http://127.0.0.1:9"))


def test_what_is_no_json_is_a_failure() -> None:
    with pytest.raises(DeliveryFailed, match="the answer is no JSON"):
        Reply(status=200, media_type="text/html", body=b"<html>").json()
