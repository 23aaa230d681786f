from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.fakes import fake_parts, shipped_taxonomy
from triage.calendar_file import load as load_calendar
from triage.incident_watch import IncidentWatch
from triage.incidents import IncidentRules
from triage.pipeline import Pipeline
from triage.sample_days import SampleClock, SampleDays
from triage.samples import Do, Sample, SampleNotice, Step
from triage.store import Action, Actor, SqlTriageStore, Status, open_store
from triage.store.feedback import Verdict
from triage.types import Channel, Message, Triage, UrgencyLevel

ZONE = ZoneInfo("America/Los_Angeles")
NOW = datetime(2026, 11, 17, 10, 0, tzinfo=ZONE)  # a Tuesday
COUCH = "a couch on the curb"  # the fake classifier says waste.dumping
NOTICE = SampleNotice(id="n", ago=20, by="lead-1", title="Alder closed", text="Until noon.", hours=3)


@pytest.fixture
def clock() -> SampleClock:
    clock = SampleClock()
    clock.moment = NOW
    return clock


@pytest.fixture
def store(tmp_path: Path, clock: SampleClock) -> Iterator[SqlTriageStore]:
    with open_store(f"sqlite:///{tmp_path / 'city.db'}", now=clock) as opened:
        yield opened


def days(store: SqlTriageStore, clock: SampleClock, *samples: Sample) -> SampleDays:
    seen: list[tuple[Message, Triage]] = []
    return SampleDays(
        pipeline=Pipeline(fake_parts()),
        store=store,
        clock=clock,
        calendar=load_calendar(),
        watch=IncidentWatch(store=store, rules=IncidentRules(), taxonomy=shipped_taxonomy()),
        noted=seen.extend,
        samples=samples,
        notices=(NOTICE,),
    )


def silent(name: str, done: int, total: int) -> None:
    assert 0 < done <= total, name


def sample(name: str, *steps: Step, code: str = "waste.dumping", ago: int | None = 60, **fields: object) -> Sample:
    chosen: dict[str, object] = {"channel": Channel.WEB, "text": COUCH, **fields}
    return Sample(id=name, service_type=code, ago=ago, steps=steps, **chosen)  # type: ignore[arg-type]


def step(do: Do, after: int = 5, **more: str) -> Step:
    return Step(by="agent-1", after=after, do=do, **more)


def local(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZONE).astimezone(UTC)


def test_a_contact_stands_at_its_own_time_and_decisions_at_theirs(store: SqlTriageStore, clock: SampleClock) -> None:
    assert days(store, clock, sample("s", step(Do.TAKE, 5), step(Do.CLOSE, 12))).load(silent) == 1
    contact, (policy, taken, closed) = store.contact_of("s"), store.decisions_of("s")
    assert contact.created_at == contact.message.received_at == NOW - timedelta(minutes=60)
    assert (policy.actor, policy.decided_at) == (Actor.POLICY, NOW - timedelta(minutes=60))
    assert (taken.decided_by, taken.action, taken.decided_at) == ("agent-1", Action.ACCEPT, NOW - timedelta(minutes=55))
    assert (closed.action, closed.status, closed.decided_at) == (
        Action.CLOSE, Status.CLOSED, NOW - timedelta(minutes=48)
    )  # fmt: skip
    assert clock.moment == NOW


def test_a_type_that_the_service_did_not_suggest_is_an_override(store: SqlTriageStore, clock: SampleClock) -> None:
    days(store, clock, sample("s", step(Do.TAKE), code="waste.bulky", urgency=UrgencyLevel.HIGH)).load(silent)
    stands = store.decisions_of("s")[-1]
    assert (stands.action, stands.decision.service_type, stands.decision.department) == (
        Action.OVERRIDE, "waste.bulky", "Solid waste"
    )  # fmt: skip
    assert stands.urgency is UrgencyLevel.HIGH


def test_an_urgency_that_is_not_told_is_the_types_own(store: SqlTriageStore, clock: SampleClock) -> None:
    days(store, clock, sample("s", step(Do.TAKE), code="water.no_water")).load(silent)
    assert store.decisions_of("s")[-1].urgency is UrgencyLevel.URGENT


def test_an_answer_that_was_used_is_counted_with_the_section_offered(store: SqlTriageStore, clock: SampleClock) -> None:
    days(store, clock, sample("s", step(Do.ANSWER, article="bulky-item-pickup"))).load(silent)
    used = store.decisions_of("s")[-1]
    assert (used.action, used.article_id, used.section) == (Action.ANSWER_USED, "bulky-item-pickup", "How to book")
    assert [(each.verdict, each.given_by) for each in store.feedback.of("bulky-item-pickup")] == [
        (Verdict.USED, "agent-1")
    ]


def test_reroute_undo_pause_and_claim_are_what_the_service_would_have_kept(
    store: SqlTriageStore, clock: SampleClock
) -> None:
    moved = sample("moved", step(Do.REROUTE, 1, department="Water"), step(Do.UNDO, 2))
    asked = sample("asked", step(Do.PAUSE, 1, note="which gate"), step(Do.RESUME, 9), step(Do.CLAIM, 58))
    days(store, clock, moved, asked).load(silent)
    assert [one.decision.department for one in store.decisions_of("moved")] == ["Solid waste", "Water", "Solid waste"]
    [pause] = store.incidents.pauses_of(["asked"])["asked"]
    assert (pause.reason, pause.resumed_at) == ("which gate", NOW - timedelta(minutes=51))
    claim = store.claims.of("asked")
    assert claim is not None
    assert claim.agent == "agent-1"


def test_a_step_that_would_lie_in_the_future_has_not_been_done(store: SqlTriageStore, clock: SampleClock) -> None:
    days(store, clock, sample("s", step(Do.TAKE, 5), step(Do.CLOSE, 61))).load(silent)
    assert [one.action for one in store.decisions_of("s")] == [Action.POLICY, Action.ACCEPT]


@pytest.mark.parametrize(
    ("channel", "day", "came_at"),
    [
        pytest.param(Channel.CALL, 3, "2026-11-13 09:30", id="a Saturday's call came on Friday"),
        pytest.param(Channel.CALL, 2, "2026-11-16 09:30", id="a Sunday's call came on Monday"),
        pytest.param(Channel.CALL, 1, "2026-11-16 09:30", id="a Monday's call came on Monday"),
        pytest.param(Channel.APP, 2, "2026-11-15 09:30", id="an app knows no Sunday"),
    ],
)
def test_calls_come_on_working_days(
    store: SqlTriageStore, clock: SampleClock, channel: Channel, day: int, came_at: str
) -> None:
    days(store, clock, sample("s", channel=channel, ago=None, day=day, at=time(9, 30))).load(silent)
    assert store.contact_of("s").created_at == local(came_at)


def test_what_takes_an_office_is_done_while_it_is_open(store: SqlTriageStore, clock: SampleClock) -> None:
    friday_night = sample("s", step(Do.TAKE, 10), step(Do.CLOSE, 600), ago=None, day=4, at=time(20, 0))
    days(store, clock, friday_night).load(silent)
    _, taken, closed = store.decisions_of("s")
    assert taken.decided_at == local("2026-11-13 20:10")
    assert closed.decided_at == local("2026-11-16 08:36")  # 600 = 12 · 47 + 36 minutes after Monday's opening


def test_loading_again_brings_in_only_what_is_missing(store: SqlTriageStore, clock: SampleClock) -> None:
    old, new = sample("old", step(Do.TAKE)), sample("new")
    assert days(store, clock, old).load(silent) == 1
    assert days(store, clock, old, new).load(silent) == 1
    assert days(store, clock, old, new).load(silent) == 0
    assert store.counts().contacts == 2
    assert len(store.decisions_of("old")) == 2


def test_notices_are_pinned_at_their_time(store: SqlTriageStore, clock: SampleClock) -> None:
    days(store, clock, sample("s")).load(silent)
    [pinned] = store.notices.active()
    assert (pinned.pinned_by, pinned.created_at) == ("lead-1", NOW - timedelta(minutes=20))
    assert pinned.notice.valid_until == NOW + timedelta(minutes=160)


def test_every_answer_is_given_on_when_its_contact_comes(store: SqlTriageStore, clock: SampleClock) -> None:
    seen: list[tuple[datetime, str]] = []
    city = days(store, clock, sample("b", ago=5), sample("a", ago=50))
    object.__setattr__(city, "noted", lambda pairs: seen.extend((clock.moment, pair[0].id) for pair in pairs))
    city.load(silent)
    assert seen == [(NOW - timedelta(minutes=50), "a"), (NOW - timedelta(minutes=5), "b")]
