"""Puts the sample contacts into a store as if the last two weeks had happened there: by a clock that runs through them.

Everything goes through the functions that the service itself uses, in the order of its times: the pipeline's answer is
the policy's decision, and an agent's step is compared with what stands, so that whether it is an acceptance or an
override is told by the models at hand and not by the sample.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate
from typing import Final

from triage.calendar import DAY, CityCalendar
from triage.errors import NotFound
from triage.incident_watch import IncidentWatch
from triage.pipeline import Pipeline
from triage.samples import Do, Sample, SampleNotice, Step, sample_notices, samples
from triage.store import Action, SqlTriageStore, Status, StoredContact
from triage.store.feedback import Verdict
from triage.store.notices import Notice
from triage.types import Channel, Decision, Message, Mode, Triage, UrgencyLevel

Progress = Callable[[str, int, int], None]
Pairs = Sequence[tuple[Message, Triage]]
_Event = tuple[datetime, Callable[[], object]]

WATCHER: Final = "service"  # opens the incidents, as while the service runs
# What an agent talks to somebody about; the lines are staffed on working days.
_SPOKEN: Final = frozenset({Channel.CALL, Channel.TRANSCRIPT, Channel.TICKET})
# Within it an agent answers at any hour; what takes longer is done by an office, while it is open.
_AT_ONCE: Final = timedelta(hours=3)
_LONGEST_REST_DAYS: Final = 366  # no calendar is closed longer
_SPREAD_MINUTES: Final = 47  # what waited for the office is not done in its first minute
_BATCH: Final = 50
_NOTHING: Final = Decision(mode=Mode.ASK, service_type=None, department=None)


class SampleClock:
    """Tells a store the time that the samples have come to; real time before they begin.

    Attributes:
        moment: The time told, aware.
    """

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.moment


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleDays:
    """The last two weeks of the fictional city, on their way into a store.

    Attributes:
        pipeline: Triages the contacts.
        store: Where they go; it stamps its rows by `clock`.
        clock: What the store was opened with.
        calendar: When the city works.
        watch: Finds the surge, in the same store.
        noted: Is given every answer when its contact comes, to note questions that no article answered.
        samples: What comes in.
        notices: What is pinned.
    """

    pipeline: Pipeline
    store: SqlTriageStore
    clock: SampleClock
    calendar: CityCalendar
    watch: IncidentWatch
    noted: Callable[[Pairs], object]
    samples: tuple[Sample, ...] = field(default_factory=samples)
    notices: tuple[SampleNotice, ...] = field(default_factory=sample_notices)

    def load(self, progress: Progress) -> int:
        """Triage the samples that are not stored yet, relive what was done with them, and return how many came in."""
        now = self.clock.moment
        coming = [sample for sample in self.samples if not self._is_stored(sample.id)]
        if not coming:
            return 0
        messages = [_message(sample, self._came_at(sample, now)) for sample in coming]
        triages = self._triaged(messages, progress)
        lived = zip(coming, messages, triages, strict=True)
        events = [event for sample, message, triage in lived for event in self._events(sample, message, triage, now)]
        events += self._pinning(now)
        self._relive(sorted(events, key=lambda event: event[0]), progress)
        self.clock.moment = now
        self.watch.open_surges(now, WATCHER)
        return len(coming)

    def _is_stored(self, message_id: str) -> bool:
        try:
            self.store.contact_of(message_id)
        except NotFound:
            return False
        return True

    def _came_at(self, sample: Sample, now: datetime) -> datetime:
        """Return when a sample came; a call that would fall on a day off is moved to the nearest working day."""
        if sample.day is None or sample.at is None:
            return now - timedelta(minutes=sample.ago or 0)
        today = now.astimezone(self.calendar.zone).date()
        day = today - sample.day * DAY
        if sample.channel in _SPOKEN:
            near = (day + sign * shift * DAY for shift in range(_LONGEST_REST_DAYS) for sign in (-1, 1))
            day = next(each for each in near if each < today and self.calendar.is_working_day(each))
        return datetime.combine(day, sample.at, self.calendar.zone).astimezone(UTC)

    def _triaged(self, messages: Sequence[Message], progress: Progress) -> list[Triage]:
        triages: list[Triage] = []
        for start in range(0, len(messages), _BATCH):
            triages += self.pipeline.triage_batch(messages[start : start + _BATCH])
            progress("triaging sample contacts", len(triages), len(messages))
        return triages

    def _events(self, sample: Sample, message: Message, triage: Triage, now: datetime) -> Iterator[_Event]:
        """Yield the arrival and every step that lies in the past, in their order."""
        came_at = message.received_at or now
        yield came_at, partial(self._arrive, message, triage)
        moments = accumulate((self._done_at(came_at, step) for step in sample.steps), max)
        for moment, step in zip(moments, sample.steps, strict=True):
            if moment < now:
                yield moment, partial(self._step, sample, step)

    def _done_at(self, came_at: datetime, step: Step) -> datetime:
        done_at = came_at + timedelta(minutes=step.after)
        if timedelta(minutes=step.after) <= _AT_ONCE or self.calendar.is_open(done_at):
            return done_at
        return self.calendar.next_opening(done_at) + timedelta(minutes=step.after % _SPREAD_MINUTES)

    def _pinning(self, now: datetime) -> Iterator[_Event]:
        for sample in self.notices:
            pinned_at = now - timedelta(minutes=sample.ago)
            notice = Notice(
                title=sample.title,
                text=sample.text,
                valid_until=pinned_at + timedelta(hours=sample.hours),
                service_types=sample.service_types,
                words=sample.words,
                language="en",
            )
            yield pinned_at, partial(self.store.notices.pin, notice, sample.by)

    def _relive(self, events: Sequence[_Event], progress: Progress) -> None:
        for number, (moment, happen) in enumerate(events, start=1):
            self.clock.moment = moment
            happen()
            progress("two weeks of work", number, len(events))

    def _arrive(self, message: Message, triage: Triage) -> None:
        self.store.save([(message, triage)])
        self.noted([(message, triage)])

    def _step(self, sample: Sample, step: Step) -> None:
        _DONE[step.do](self, sample, step)

    def _take(self, sample: Sample, step: Step) -> None:
        kind = self.watch.taxonomy[sample.service_type]
        contact = self.store.contact_of(sample.id)
        standing = _standing(contact)
        self._decide(
            contact,
            replace(standing, service_type=kind.code, department=kind.department),
            step,
            Action.ACCEPT if standing.service_type == kind.code else Action.OVERRIDE,
            urgency=sample.urgency or kind.default_urgency,
        )

    def _answer(self, sample: Sample, step: Step) -> None:
        contact = self.store.contact_of(sample.id)
        article_id, section = _used(contact, step.article or "")
        self._decide(contact, _standing(contact), step, Action.ANSWER_USED, article_id=article_id, section=section)
        self.store.feedback.give(
            article_id=article_id, section=section, verdict=Verdict.USED, by=step.by, message_id=sample.id
        )

    def _reroute(self, sample: Sample, step: Step) -> None:
        contact = self.store.contact_of(sample.id)
        self._decide(contact, replace(_standing(contact), department=step.department), step, Action.REROUTE)

    def _close(self, sample: Sample, step: Step) -> None:
        contact = self.store.contact_of(sample.id)
        self._decide(contact, _standing(contact), step, Action.CLOSE, status=Status.CLOSED)

    def _decide(
        self,
        contact: StoredContact,
        decision: Decision,
        step: Step,
        action: Action,
        *,
        urgency: UrgencyLevel | None = None,
        status: Status = Status.OPEN,
        article_id: str | None = None,
        section: str | None = None,
    ) -> None:
        self.store.decide(
            contact.message.id,
            replace(decision, reasons=()),
            step.by,
            contact.version,
            urgency=urgency,
            action=action,
            status=status,
            note=step.note,
            article_id=article_id,
            section=section,
        )

    def _undo(self, sample: Sample, step: Step) -> None:
        self.store.undo(sample.id, step.by, self.store.contact_of(sample.id).version, note=step.note)

    def _pause(self, sample: Sample, step: Step) -> None:
        self.store.incidents.pause(sample.id, step.note or "the resident is asked")

    def _resume(self, sample: Sample, step: Step) -> None:
        self.store.incidents.resume(sample.id)

    def _claim(self, sample: Sample, step: Step) -> None:
        self.store.claims.claim(sample.id, step.by)


_DONE: Final[Mapping[Do, Callable[[SampleDays, Sample, Step], None]]] = {
    Do.TAKE: SampleDays._take,
    Do.ANSWER: SampleDays._answer,
    Do.REROUTE: SampleDays._reroute,
    Do.CLOSE: SampleDays._close,
    Do.UNDO: SampleDays._undo,
    Do.PAUSE: SampleDays._pause,
    Do.RESUME: SampleDays._resume,
    Do.CLAIM: SampleDays._claim,
}


def _message(sample: Sample, came_at: datetime) -> Message:
    return Message(
        id=sample.id,
        text=sample.text,
        channel=sample.channel,
        subject=sample.subject,
        received_at=came_at,
        thread_id=sample.thread_id,
    )


def _standing(contact: StoredContact) -> Decision:
    return contact.decision.decision if contact.decision else _NOTHING


def _used(contact: StoredContact, article: str) -> tuple[str, str]:
    """Return the article and its section as the service offered it, in the resident's language or in English."""
    offered = contact.triage.answer["answers"] if contact.triage else ()
    found = (each for each in offered if each["article_id"].split(".")[0] == article)
    best = next(found, {"article_id": article, "section": ""})
    return best["article_id"], best["section"]
