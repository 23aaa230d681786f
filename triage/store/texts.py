"""The texts that are kept of contacts, by number and digest: the one with the highest number stands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from sqlalchemy import Connection, bindparam, select

from triage.store.database import chunks
from triage.store.identity import repeated_digest
from triage.store.schema import messages

_REVISIONS = select(messages.c.contact_id, messages.c.revision, messages.c.digest).where(
    messages.c.contact_id.in_(bindparam("contact_ids", expanding=True))
)


@dataclass(frozen=True, slots=True)
class KnownTexts:
    """The digest of each text, by contact and revision; a text that came back has a revision for each time."""

    digests: Mapping[int, dict[int, bytes]] = field(default_factory=dict)

    @classmethod
    def of(cls, connection: Connection, contact_ids: Iterable[int]) -> Self:
        """Read the texts of contacts, each of which is there, with no text if it has none."""
        chosen = list(contact_ids)
        digests: dict[int, dict[int, bytes]] = {contact_id: {} for contact_id in chosen}
        for chunk in chunks(chosen):
            for contact_id, revision, digest in connection.execute(_REVISIONS, {"contact_ids": chunk}):
                digests[contact_id][revision] = bytes(digest)
        return cls(digests)

    def newest(self, contact_id: int) -> int:
        """Return the number of a contact's newest text; 0 where it has none."""
        return max(self.digests[contact_id], default=0)

    def revisions(self, contact_id: int, digest: bytes) -> list[int]:
        """Return every number that a text has, lowest first; none where the text is not known."""
        found = self.digests[contact_id].items()
        return sorted(number for number, kept in found if kept in (digest, repeated_digest(digest, number)))

    def add(self, contact_id: int, digest: bytes) -> int:
        """Number a text as the newest, and return its number."""
        number = self.newest(contact_id) + 1
        is_known = bool(self.revisions(contact_id, digest))
        self.digests[contact_id][number] = repeated_digest(digest, number) if is_known else digest
        return number
