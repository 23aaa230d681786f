"""Who works on a contact: one agent at a time, for as long as the claim is renewed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from triage.errors import ClaimConflict
from triage.store.events import EventKind, publish
from triage.store.reading import contact_id_of
from triage.store.resource import Resource
from triage.store.schema import contacts
from triage.store.schema_service import claims

LEASE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An agent's claim on a contact, until it expires."""

    message_id: str
    agent: str
    claimed_at: datetime
    expires_at: datetime


class ClaimStore(Resource):
    """Claims of contacts; an expired claim is none."""

    def claim(self, message_id: str, agent: str, *, lease: timedelta = LEASE) -> Claim:
        """Let an agent work on a contact; the agent's own claim is renewed.

        Raises:
            NotFound: If no such message is stored.
            ClaimConflict: If another agent works on it.
            ValueError: If `agent` is empty.
        """
        if not agent:
            raise ValueError("a claim needs the name of the agent")
        now = self._now()
        with self._database.writing() as connection:
            contact_id = contact_id_of(connection, message_id, lock=True)
            found = _claim_of(connection, contact_id)
            held = found if found and found.expires_at > now else None
            if held and held.agent != agent:
                raise ClaimConflict(f"another agent works on this contact until {held.expires_at:%H:%M} UTC")
            claimed = Claim(
                message_id=message_id,
                agent=agent,
                claimed_at=held.claimed_at if held else now,
                expires_at=now + lease,
            )
            values = {"agent": agent, "claimed_at": claimed.claimed_at, "expires_at": claimed.expires_at}
            if found:
                connection.execute(update(claims).where(claims.c.contact_id == contact_id).values(values))
            else:
                connection.execute(insert(claims).values(contact_id=contact_id, **values))
            if not held:
                publish(connection, [(EventKind.CLAIMED, contact_id, {"agent": agent})], now)
        return claimed

    def release(self, message_id: str, agent: str, *, force: bool = False) -> bool:
        """Give a contact back; False where the agent had no claim on it.

        Args:
            message_id: The contact's message.
            agent: Who gives it back.
            force: Take it from whoever has it.

        Raises:
            NotFound: If no such message is stored.
        """
        with self._database.writing() as connection:
            contact_id = contact_id_of(connection, message_id, lock=True)
            here = claims.c.contact_id == contact_id
            mine = delete(claims).where(here) if force else delete(claims).where(here, claims.c.agent == agent)
            if not connection.execute(mine).rowcount:
                return False
            publish(connection, [(EventKind.RELEASED, contact_id, {"agent": agent})], self._now())
        return True

    def of(self, message_id: str) -> Claim | None:
        """Return the claim on a contact; None where nobody works on it.

        Raises:
            NotFound: If no such message is stored.
        """
        with self._database.reading() as connection:
            found = _claim_of(connection, contact_id_of(connection, message_id))
        return found if found and found.expires_at > self._now() else None

    def active(self) -> tuple[Claim, ...]:
        """Return every claim that has not expired, those first that expire first."""
        statement = _all().where(claims.c.expires_at > self._now()).order_by(claims.c.expires_at)
        with self._database.reading() as connection:
            return tuple(_claim(row) for row in connection.execute(statement))


def _all() -> Select[Any]:
    return select(claims, contacts.c.message_id).join(contacts, contacts.c.id == claims.c.contact_id)


def _claim_of(connection: Connection, contact_id: int) -> Claim | None:
    row = connection.execute(_all().where(claims.c.contact_id == contact_id)).one_or_none()
    return _claim(row) if row else None


def _claim(row: Row[Any]) -> Claim:
    return Claim(message_id=row.message_id, agent=row.agent, claimed_at=row.claimed_at, expires_at=row.expires_at)
