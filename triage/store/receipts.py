"""The chain of receipts, checked: every answer and decision is as it was stored, and none was taken out or put in."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from triage.store.chain import (
    RECEIPTS,
    TABLES,
    LinkKind,
    link_digest,
    row_digest,
    text_key,
    tombstone_digest,
)
from triage.store.database import chunks
from triage.store.documents import json_object
from triage.store.identity import message_key, text_digest
from triage.store.reading import contact_id_of, message_of
from triage.store.resource import Resource
from triage.store.schema import contacts, heads, messages, receipts, tombstones

_PAGE: Final = 500
_SHOWN: Final = 100

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One link of the chain.

    Attributes:
        number: Counts up by one, 0 for the beginning.
        kind: What it attests.
        row_id: The row of `triages` or `decisions`; None for a beginning or a deletion.
        document: Digests of the row, of the input and of each stage's output, and the versions.
        digest: SHA-256 of the previous link's digest and the document, hexadecimal.
        created_at: When it was stored.
    """

    number: int
    kind: LinkKind
    row_id: int | None
    document: Mapping[str, Any]
    digest: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a check of the chain found.

    Attributes:
        links: How many links there are.
        head: Digest of the last one, hexadecimal: written down elsewhere, it proves later that nothing was cut off.
        problems: What does not fit, a hundred at most, in the order of the links; empty where all does.
    """

    links: int
    head: str
    problems: tuple[str, ...]


class ReceiptChain(Resource):
    """Reads and checks the chain; `triage.store.chain` writes it."""

    def of(self, message_id: str) -> tuple[Receipt, ...]:
        """Return the links of a message's contact, oldest first.

        Raises:
            NotFound: If no such message is stored.
        """
        with self._database.reading() as connection:
            here = receipts.c.contact_id == contact_id_of(connection, message_id)
            rows = connection.execute(select(receipts).where(here).order_by(receipts.c.number)).all()
        return tuple(
            Receipt(
                number=row.number,
                kind=LinkKind(row.kind),
                row_id=row.row_id,
                document=json_object(row.document),
                digest=bytes(row.digest).hex(),
                created_at=row.created_at,
            )
            for row in rows
        )

    def verify(self, progress: Progress | None = None) -> Verification:
        """Check every link, and every row against its link; the whole in one state of the database.

        Args:
            progress: Told now and then of how many links have been checked.
        """
        with self._database.reading() as connection:
            check = _Check(connection)
            check.walk(progress)
            return Verification(links=check.links, head=check.head.hex(), problems=tuple(check.problems[:_SHOWN]))


class _Check:
    """One walk along the chain, from its beginning to its head."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.links = 0
        self.head = bytes(32)
        self.problems: list[str] = []

    def walk(self, progress: Progress | None) -> None:
        number, digest = self._connection.execute(
            select(heads.c.number, heads.c.digest).where(heads.c.name == RECEIPTS)
        ).one()
        for page in self._pages():
            for row in page:
                self._check_link(row)
            for kind in TABLES:
                self._check_rows(kind, [row for row in page if row.kind == kind.value])
            self._check_deletions([row for row in page if row.kind == LinkKind.DELETION.value])
            if progress is not None:
                progress("receipts", self.links, number + 1)
        if (self.links - 1, self.head) != (number, bytes(digest)):
            self.problems.append(f"the last link is not number {number}, as the head says: links were cut off or added")
        self._check_unattested()

    def _pages(self) -> Iterator[Sequence[Row[Any]]]:
        last = -1
        statement = select(receipts).order_by(receipts.c.number).limit(_PAGE)
        while page := self._connection.execute(statement.where(receipts.c.number > last)).all():
            yield page
            last = page[-1].number

    def _check_link(self, row: Row[Any]) -> None:
        if row.number != self.links:
            self.problems.append(f"link {self.links} is missing")
            self.links = row.number
        elif bytes(row.previous) != self.head:
            self.problems.append(f"link {row.number} does not follow the one before it")
        if link_digest(bytes(row.previous), row.document) != bytes(row.digest):
            self.problems.append(f"link {row.number} was changed")
        elif not _is_of_its_row(row):
            self.problems.append(f"link {row.number} was changed: it is of another row")
        self.links, self.head = row.number + 1, bytes(row.digest)

    def _check_rows(self, kind: LinkKind, links: Sequence[Row[Any]]) -> None:
        found = self._rows(kind, [link.row_id for link in links])
        inputs = self._inputs(found.values()) if kind is LinkKind.TRIAGE else {}
        gone = self._tombstones([link.contact_id for link in links if link.row_id not in found])
        for link in links:
            document, row = json_object(link.document), found.get(link.row_id)
            name = f"{kind.value} {link.row_id}"
            if not _is_of_its_row(link):
                continue  # told already
            if row is None:
                if link.contact_id not in gone:
                    self.problems.append(f"{name} is missing (link {link.number})")
            elif row_digest(kind, row._asdict()) != document["row"]:
                self.problems.append(f"{name} was changed (link {link.number})")
            elif kind is LinkKind.TRIAGE and inputs.get((row.contact_id, row.revision)) != document["input"]:
                self.problems.append(f"the message of {name} was changed (link {link.number})")

    def _rows(self, kind: LinkKind, ids: Sequence[int]) -> dict[int | None, Row[Any]]:
        table = TABLES[kind]
        return {row.id: row for row in self._connection.execute(select(table).where(table.c.id.in_(ids)))}

    def _inputs(self, answers: Iterable[Row[Any]]) -> dict[tuple[int, int], str]:
        """Return the digest of each text that was triaged, computed from the text as it is now."""
        columns = [column for column in messages.c if column.name not in ("created_at", "raw")]
        ids = {row.contact_id for row in answers}
        statement = select(contacts, *columns).join(messages, messages.c.contact_id == contacts.c.id)
        rows = self._connection.execute(statement.where(contacts.c.id.in_(ids)))
        return {
            (row.id, row.revision): text_key(message_key(row.message_id), text_digest(message_of(row))) for row in rows
        }

    def _check_deletions(self, links: Sequence[Row[Any]]) -> None:
        found = self._tombstones([link.contact_id for link in links])
        for link in links:
            tombstone = found.get(link.contact_id)
            if tombstone is None or tombstone_digest(tombstone._asdict()) != json_object(link.document)["row"]:
                self.problems.append(f"the tombstone of link {link.number} is missing or was changed")

    def _tombstones(self, contact_ids: Sequence[int]) -> dict[int, Row[Any]]:
        """Return the tombstones of contacts whose deletion the chain attests."""
        attested = select(receipts.c.contact_id).where(receipts.c.kind == LinkKind.DELETION.value)
        statement = select(tombstones).where(tombstones.c.contact_id.in_(attested))
        return {
            row.contact_id: row
            for chunk in chunks(set(contact_ids))
            for row in self._connection.execute(statement.where(tombstones.c.contact_id.in_(chunk)))
        }

    def _check_unattested(self) -> None:
        """Name rows that have no link and are not older than the chain."""
        beginning = self._connection.execute(select(receipts.c.document).where(receipts.c.number == 0)).scalar()
        if beginning is None:
            return
        before = json_object(beginning)
        for kind, table in TABLES.items():
            attested = select(receipts.c.row_id).where(receipts.c.kind == kind.value, receipts.c.row_id == table.c.id)
            new = select(table.c.id).where(table.c.id > before[table.name], ~attested.exists()).limit(_SHOWN)
            for row_id in self._connection.execute(new).scalars():
                self.problems.append(f"{kind.value} {row_id} has no link: it was put in past the store")


def _is_of_its_row(link: Row[Any]) -> bool:
    """Tell whether a link's columns, which its digest leaves out, say what its document says, which it covers.

    The beginning's document has no kind, and those of earlier releases no contact.
    """
    document = json_object(link.document)
    kind = document.get("kind", LinkKind.BEGINNING.value)
    said = (kind, document.get("row_id"), document.get("contact_id", link.contact_id))
    return said == (link.kind, link.row_id, link.contact_id) and (said[0] == LinkKind.BEGINNING) == (link.number == 0)
