"""What was decided, beside what other systems were told and took: every contact on which the two differ."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from triage.backends.planning import FOLLOWS, Step, expected_code
from triage.backends.settings import BackEnd, Kind
from triage.outbox import SUPERSEDED
from triage.store import SqlTriageStore
from triage.store.cases import Case
from triage.store.deliveries import DeliveryState, StoredDelivery
from triage.store.dispatching import Decided, is_settled

Progress = Callable[[str, int, int], None]


class Why(StrEnum):
    """How a back end differs from what was decided."""

    WAITING = "waiting"
    GIVEN_UP = "given up"
    NEVER_TOLD = "never told"
    DIFFERS = "differs"
    BY_HAND = "close by hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A contact that a back end has otherwise than decided.

    Attributes:
        message_id: The contact's message.
        back_end: Its name.
        version: The decision that stands.
        decided: The back end's code by that decision; None where it must not have the contact.
        delivered: The code that it last took; None where it took none, or took its withdrawal.
        why: How they differ; one that waits is under way and no fault.
        detail: The delivery's failure, or the request to close.
    """

    message_id: str
    back_end: str
    version: int
    decided: str | None
    delivered: str | None
    why: Why
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """The report.

    Attributes:
        contacts: How many contacts were decided.
        expected: How many of them some back end must have, each back end counted.
        agreed: How many pairs of contact and back end are as decided.
        differences: The others, oldest contact first.
    """

    contacts: int
    expected: int
    agreed: int
    differences: tuple[Difference, ...]

    @property
    def is_clean(self) -> bool:
        """Whether nothing differs but what is under way."""
        return all(each.why is Why.WAITING for each in self.differences)


def reconcile(
    store: SqlTriageStore, back_ends: Sequence[BackEnd], *, since: datetime | None = None, progress: Progress
) -> Reconciliation:
    """Compare every decided contact with what each back end took.

    Args:
        store: Where both are written down.
        back_ends: As the city names them.
        since: Only contacts stored from this moment on; all where None.
        progress: Told of how many contacts are done.
    """
    total, seen, contacts, expected, agreed = store.cases.count(since), 0, 0, 0, 0
    differences: list[Difference] = []
    for seen, case in enumerate(store.cases.each(since), start=1):
        if case.decisions:
            decided = _decided(case)
            found = list(_differences(store, back_ends, decided))
            differences += found
            contacts += 1
            expected += sum(expected_code(back_end, decided) is not None for back_end in back_ends)
            agreed += len(back_ends) - len({each.back_end for each in found})
        progress("reconcile", seen, total)
    return Reconciliation(contacts=contacts, expected=expected, agreed=agreed, differences=tuple(differences))


def _decided(case: Case) -> Decided:
    message = case.message
    return Decided(
        message_id=message.id,
        channel=message.channel,
        thread_id=message.thread_id,
        decision=case.decisions[-1],
        settled=is_settled(case.decisions),
    )


def _differences(store: SqlTriageStore, back_ends: Sequence[BackEnd], decided: Decided) -> Iterator[Difference]:
    written = store.outbox.of(decided.message_id)
    for back_end in back_ends:
        mine = [stored for stored in written if stored.delivery.target == back_end.name]
        why, detail = _why(back_end, decided, mine), mine[-1].last_error if mine else None
        found = Difference(
            message_id=decided.message_id,
            back_end=back_end.name,
            version=decided.decision.version,
            decided=expected_code(back_end, decided),
            delivered=_taken(mine)[0],
            why=why or Why.BY_HAND,
            detail=detail,
        )
        if why:
            yield found
        elif left := _left_over(store, back_end, found):
            yield left


def _why(back_end: BackEnd, decided: Decided, mine: Sequence[StoredDelivery]) -> Why | None:
    code, (taken, version) = expected_code(back_end, decided), _taken(mine)
    if any(stored.state is DeliveryState.DUE for stored in mine):
        return Why.WAITING
    if mine and mine[-1].state is DeliveryState.DEAD:
        return Why.GIVEN_UP
    if taken == code:
        is_behind = back_end.kind in FOLLOWS and code is not None and version != decided.decision.version
        return Why.DIFFERS if is_behind else None
    return Why.DIFFERS if mine else Why.NEVER_TOLD


def _taken(mine: Sequence[StoredDelivery]) -> tuple[str | None, int | None]:
    """Return the code that the back end took last and the version it came with."""
    taken = [each for each in mine if each.state is DeliveryState.SENT and each.answer != SUPERSEDED]
    if not taken or taken[-1].delivery.kind != Step.SEND:
        return None, None
    return taken[-1].delivery.payload["code"], taken[-1].decision_version


def _left_over(store: SqlTriageStore, back_end: BackEnd, found: Difference) -> Difference | None:
    """Return what an Open311 server still has and should not: nobody could withdraw it there."""
    if back_end.kind is not Kind.OPEN311:
        return None
    links = [
        link.external_id
        for link in store.links.of(found.message_id)
        if link.system == back_end.name and link.withdrawn_at is None
    ]
    over = links[:-1] if found.decided else links
    if not over:
        return None
    return Difference(
        message_id=found.message_id,
        back_end=found.back_end,
        version=found.version,
        decided=found.decided,
        delivered=found.delivered,
        why=Why.BY_HAND,
        detail=", ".join(over),
    )
