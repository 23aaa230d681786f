"""Which back end has to be told what of a decision; called by the store within the decision's transaction.

A service type that changes leaves one back end and comes to another: the one is told to withdraw, the other to take it,
both under the one key of the change.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from triage.backends.settings import BackEnd, Kind
from triage.channels.zendesk import SYSTEM as ZENDESK
from triage.store.deliveries import Delivery
from triage.store.dispatching import Decided
from triage.types import Channel

# What follows every decision as it comes; the others are told when the route changes.
FOLLOWS: Final = frozenset({Kind.CLOUDEVENTS, Kind.ZENDESK})


class Step(StrEnum):
    """What a back end has to do."""

    SEND = "send"
    WITHDRAW = "withdraw"


class BackEndDispatch:
    """Tells every back end of a city what concerns it.

    Args:
        back_ends: As the city names them.
    """

    def __init__(self, back_ends: Sequence[BackEnd]) -> None:
        self.back_ends = tuple(back_ends)

    def deliveries(self, decided: Decided) -> tuple[Delivery, ...]:
        """Return what each back end has to be told of a decision that was just made."""
        steps = ((back_end, _step(back_end, decided)) for back_end in self.back_ends)
        return tuple(_delivery(back_end, step, decided) for back_end, step in steps if step)


def expected_code(back_end: BackEnd, decided: Decided) -> str | None:
    """Return under which code a back end must have a contact; None where it must not have it."""
    if back_end.settled_only and not decided.settled:
        return None
    if back_end.kind is Kind.ZENDESK and ticket_of(decided.channel, decided.thread_id) is None:
        return None
    return back_end.code_of(decided.decision.decision.service_type)


def ticket_of(channel: Channel, thread_id: str | None) -> str | None:
    """Return the number of the Zendesk ticket that a contact belongs to; None where it belongs to none."""
    system, _, number = (thread_id or "").partition("-")
    return number if channel is Channel.TICKET and system == ZENDESK and number.isalnum() else None


def change_key(message_id: str, version: int) -> str:
    """Return the idempotency key of one decision: the same for every back end that it concerns, and for each try."""
    return sha256(f"{version}:{message_id}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def held_code(told: Delivery | None) -> str | None:
    """Return the code under which a back end was last told to have a contact; None where it was not, or no more."""
    if told is None or told.kind != Step.SEND:
        return None
    code: str | None = told.payload.get("code")
    return code


def _step(back_end: BackEnd, decided: Decided) -> Step | None:
    code, held = expected_code(back_end, decided), held_code(decided.told.get(back_end.name))
    if code is None:
        return Step.WITHDRAW if held is not None else None
    return Step.SEND if back_end.kind in FOLLOWS or code != held else None


def _delivery(back_end: BackEnd, step: Step, decided: Decided) -> Delivery:
    return Delivery(
        key=f"{decided.message_id}:{back_end.name}:{decided.decision.version}",
        target=back_end.name,
        kind=step.value,
        payload=_payload(back_end, step, decided),
    )


def _payload(back_end: BackEnd, step: Step, decided: Decided) -> Mapping[str, Any]:
    """Return what is told: the decision as it is now, in this back end's code, and no word of the resident."""
    stored = decided.decision
    told = decided.told.get(back_end.name)
    return {
        "change": change_key(decided.message_id, stored.version),
        "version": stored.version,
        "decided_at": stored.decided_at.isoformat(),
        "action": stored.action.value,
        "actor": stored.actor.value,
        "mode": stored.decision.mode.value,
        "status": stored.status.value,
        "service_type": stored.decision.service_type,
        "department": stored.decision.department,
        "urgency": stored.urgency.value if stored.urgency else None,
        "code": expected_code(back_end, decided) if step is Step.SEND else None,
        "previous_code": held_code(told),
        "previous_change": told.payload["change"] if told else None,
        "channel": decided.channel.value,
        "thread_id": decided.thread_id,
    }
