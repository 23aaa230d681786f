"""A contact's names in other systems, its attachments, and how far a mailbox or feed has been read."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select, update

from triage.errors import NotFound
from triage.store.database import insert_ignoring, insert_new
from triage.store.identity import name_key
from triage.store.reading import contact_id_of
from triage.store.resource import Resource
from triage.store.schema import attachments, contacts
from triage.store.schema_service import cursors, links


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactLink:
    """A contact's name in another system; `withdrawn_at` where it is not there any more."""

    message_id: str
    system: str
    external_id: str
    created_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that came with a message: its bytes and its text, each None where it is not kept."""

    name: str
    media_type: str
    size_bytes: int
    content: bytes | None = None
    text: str | None = None


class LinkStore(Resource):
    """What ties contacts to the world outside."""

    def link(self, message_id: str, system: str, external_id: str) -> None:
        """Name a contact in another system; a name that is known stays with the contact it has.

        Raises:
            NotFound: If no such message is stored.
        """
        with self._database.writing() as connection:
            row = {
                "contact_id": contact_id_of(connection, message_id),
                "link_key": name_key(system, external_id),
                "system": system,
                "external_id": external_id,
                "created_at": self._now(),
            }
            connection.execute(insert_ignoring(self._database.dialect, links, "link_key"), row)

    def withdraw(self, system: str, external_id: str) -> None:
        """Say that the other system does not have the contact any more.

        Raises:
            NotFound: If the name is not known.
        """
        here = links.c.link_key == name_key(system, external_id)
        with self._database.writing() as connection:
            if not connection.execute(update(links).where(here).values(withdrawn_at=self._now())).rowcount:
                raise NotFound(f"nothing is linked to that name in {system}")

    def find(self, system: str, external_id: str) -> str | None:
        """Return the message of the contact with that name in another system; None where there is none."""
        here = links.c.link_key == name_key(system, external_id)
        statement = select(contacts.c.message_id).join(links, links.c.contact_id == contacts.c.id).where(here)
        with self._database.reading() as connection:
            return connection.execute(statement).scalar_one_or_none()

    def of(self, message_id: str) -> tuple[ContactLink, ...]:
        """Return a contact's names elsewhere, oldest first.

        Raises:
            NotFound: If no such message is stored.
        """
        with self._database.reading() as connection:
            here = links.c.contact_id == contact_id_of(connection, message_id)
            rows = connection.execute(select(links).where(here).order_by(links.c.id)).all()
        return tuple(
            ContactLink(
                message_id=message_id,
                system=row.system,
                external_id=row.external_id,
                created_at=row.created_at,
                withdrawn_at=row.withdrawn_at,
            )
            for row in rows
        )

    def cursor(self, name: str) -> str | None:
        """Return how far something has been read; None before the first time."""
        with self._database.reading() as connection:
            return connection.execute(select(cursors.c.position).where(cursors.c.name == name)).scalar_one_or_none()

    def set_cursor(self, name: str, position: str) -> None:
        """Remember how far something has been read."""
        row = {"name": name, "position": position, "updated_at": self._now()}
        with self._database.writing() as connection:
            if not insert_new(connection, cursors, row, "name"):
                connection.execute(update(cursors).where(cursors.c.name == name).values(row))

    def attach(self, message_id: str, attachment: Attachment) -> None:
        """Keep a file of a message; the same file again changes nothing.

        Raises:
            NotFound: If no such message is stored.
        """
        with self._database.writing() as connection:
            row = {
                "contact_id": contact_id_of(connection, message_id),
                "name": attachment.name,
                "media_type": attachment.media_type,
                "digest": sha256(attachment.content or b"").digest(),
                "size_bytes": attachment.size_bytes,
                "content": attachment.content,
                "text": attachment.text,
                "created_at": self._now(),
            }
            unique = ("contact_id", "name", "digest")
            connection.execute(insert_ignoring(self._database.dialect, attachments, *unique), row)

    def attachments(self, message_id: str) -> tuple[Attachment, ...]:
        """Return the files of a message, in the order they came.

        Raises:
            NotFound: If no such message is stored.
        """
        with self._database.reading() as connection:
            here = attachments.c.contact_id == contact_id_of(connection, message_id)
            rows = connection.execute(select(attachments).where(here).order_by(attachments.c.id)).all()
        return tuple(
            Attachment(
                name=row.name, media_type=row.media_type, size_bytes=row.size_bytes, content=row.content, text=row.text
            )
            for row in rows
        )
