"""Mails that no agent need see: spam, delivery reports, loops and automatic answers; told by marks, never by words."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from triage.channels.autoreply import MailKind, kind_of
from triage.channels.email import Mail
from triage.channels.spam import Repetition, judged
from triage.types import Mode, Triage

_SAID: Final = {
    MailKind.BOUNCE: "a delivery report",
    MailKind.LOOP: "a mail of this service that came back",
    MailKind.AUTOMATIC: "an automatic answer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """Why a mail is set aside, and whether as spam."""

    why: str
    is_spam: bool

    @property
    def note(self) -> str:
        """What the contact's decision says of it."""
        return f"set aside: {self.why}"


def aside_of(
    mail: Mail, triage: Triage, *, own_addresses: Collection[str], repetition: Repetition | None = None
) -> Aside | None:
    """Return why a mail is set aside; None for what an agent sees, and whenever the tripwire has found anything.

    Args:
        mail: As it was read.
        triage: Its answer.
        own_addresses: Every address that this service reads or sends from.
        repetition: What is known of the like; nothing where None.
    """
    if triage.safety.reasons:
        return None
    kind = kind_of(mail, own_addresses=own_addresses)
    if kind is not MailKind.ORDINARY:
        return Aside(why=_SAID[kind], is_spam=False)
    verdict = judged(mail, repetition, own_addresses=own_addresses)
    signs = "; ".join(sign for sign, _ in verdict.signs)
    return Aside(why=f"spam ({signs})", is_spam=True) if verdict.is_spam else None


def held(triage: Triage, aside: Aside) -> Triage:
    """Return the answer to a mail that is set aside: nothing is done by itself, whatever the policy would."""
    decision = replace(triage.decision, mode=Mode.ASK, reasons=(aside.note, *triage.decision.reasons))
    return replace(triage, decision=decision)
