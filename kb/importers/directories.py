"""Open Referral HSDS, the CSV tables of 211 directories, versions 1.x to 3.x: a service an article.

The services are read in order; of every other table only the places of its rows are kept in memory, by the service,
location or organization they belong to.
"""

import csv
from array import array
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TypeAlias

from kb.importers.hsds_text import Card, body_of, card_title
from kb.importers.items import Defaults, Item, LeftOut, Source, compose
from kb.importers.tables import encoding_of
from triage.errors import DataError

Record: TypeAlias = Mapping[str, str]

# The name of a table's file in 3.x, and what it was called before.
TABLES: Mapping[str, tuple[str, ...]] = {
    "service": ("services",),
    "organization": ("organizations",),
    "location": ("locations",),
    "service_at_location": ("services_at_location", "service_at_locations"),
    "address": ("addresses", "physical_addresses", "physical_address"),
    "phone": ("phones",),
    "schedule": ("schedules", "regular_schedules", "regular_schedule"),
    "required_document": ("required_documents",),
    "cost_option": ("cost_options",),
    "service_area": ("service_areas",),
    "language": ("languages",),
    "eligibility": ("eligibilities",),
    "taxonomy_term": ("taxonomy_terms", "taxonomy", "taxonomies"),
    "attribute": ("attributes", "service_attribute", "service_attributes"),
    "service_taxonomy": ("services_taxonomy", "service_taxonomies"),
}
_NEEDED = ("service", "organization")


def is_directory(folder: Path) -> bool:
    """Whether a folder holds the tables of services and organizations."""
    return all(_file_of(folder, table) is not None for table in _NEEDED)


def read_directory(source: Source, defaults: Defaults) -> Iterator[Item]:
    """Yield an article for each active service of a folder of tables.

    Raises:
        DataError: If a table has no header, or a quote in it is never closed.
    """
    directory = _Directory(source)
    for number, service in enumerate(directory.tables["service"].all_rows(), start=1):
        yield _article(directory, service, f"{source.name}/service {service.get('id') or number}", defaults)


def _article(directory: "_Directory", service: Record, place: str, defaults: Defaults) -> Item:
    if not service.get("id"):
        return LeftOut(source=place, reason="the service has no id")
    identifier = f"hsds-{service['id']}"
    status = service.get("status", "").lower()
    if status not in ("", "active"):
        return LeftOut(source=place, id=identifier, reason=f"the service is {status}", is_fault=False)
    card = directory.card(service)
    url = service.get("url") or card.organization.get("website") or card.organization.get("url")
    fields = {
        "aliases": [name for name in (service.get("alternate_name", ""),) if name],
        "department": card.organization.get("name"),
        "owner": service.get("assurer_email"),
        "reviewed_on": _day(service.get("assured_date", "")),
        "url": url,
    }
    return compose(
        id=identifier, title=card_title(card), body=body_of(card), source=place, defaults=defaults, fields=fields
    )


class _Directory:
    """The tables of one folder, opened by key."""

    def __init__(self, source: Source) -> None:
        files = {table: _file_of(source.path, table) for table in TABLES}
        self.tables = {
            table: _Table(Source(path=path, name=path.name, tell=source.tell))
            for table, path in files.items()
            if path is not None
        }

    def card(self, service: Record) -> Card:
        """Return a service with all that belongs to it."""
        key = service["id"]
        links = self._rows("service_at_location", "service_id", key)
        places = [self._one("location", link.get("location_id", "")) | {"link": link.get("id", "")} for link in links]
        return Card(
            service=service,
            organization=self._one("organization", service.get("organization_id", "")),
            locations=tuple(places),
            addresses={
                place["id"]: self._rows("address", "location_id", place["id"]) for place in places if place.get("id")
            },
            phones=self._of_places("phone", key, places),
            schedules=self._of_places("schedule", key, places),
            documents=self._rows("required_document", "service_id", key),
            costs=self._rows("cost_option", "service_id", key),
            areas=self._rows("service_area", "service_id", key),
            languages=self._rows("language", "service_id", key),
            eligibility=self._rows("eligibility", "service_id", key),
            topics=self._topics(key),
        )

    def _of_places(self, table: str, key: str, places: list[dict[str, str]]) -> list[dict[str, str]]:
        """Return the rows of the service itself, then those of its places, each with the `place` it is for."""
        own = [{**row, "place": row.get("location_id", "")} for row in self._rows(table, "service_id", key)]
        for place in places:
            of_link = self._rows(table, "service_at_location_id", place["link"])
            of_place = self._rows(table, "location_id", place.get("id", ""))
            own += [{**row, "place": place.get("id", "")} for row in (of_link or of_place) if not row.get("service_id")]
        return own

    def _topics(self, key: str) -> list[str]:
        links = [
            *self._rows("service_taxonomy", "service_id", key),
            *self._rows("attribute", "link_id", key),
            *self._rows("attribute", "service_id", key),
        ]
        terms = [
            self._one("taxonomy_term", link.get("taxonomy_term_id") or link.get("taxonomy_id") or "") for link in links
        ]
        names = (term.get("name") or term.get("term") or "" for term in terms)
        return list(dict.fromkeys(name for name in names if name))

    def _rows(self, table: str, column: str, key: str) -> list[dict[str, str]]:
        return self.tables[table].rows(column, key) if key and table in self.tables else []

    def _one(self, table: str, key: str) -> dict[str, str]:
        return next(iter(self._rows(table, "id", key)), {})


class _Table:
    """A CSV file whose rows are found by the value of a column; only their places in the file are kept."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._encoding = encoding_of(source)
        if self._encoding == "utf-16":
            raise DataError(f"{source.name} is UTF-16; save it as UTF-8")
        self._places: dict[str, dict[str, array[int]]] = {}
        with source.path.open("rb") as file:
            self._header = next(csv.reader([file.readline().decode(self._encoding)]), [])
            self._start = file.tell()
        if not any(self._header):
            raise DataError(f"{source.name} has no header line")

    def all_rows(self) -> Iterator[dict[str, str]]:
        """Yield all rows in order."""
        for _, row in self._placed_rows():
            yield row

    def rows(self, column: str, key: str) -> list[dict[str, str]]:
        """Return the rows with a value, in order; none where the table has no such column."""
        if column not in self._header:
            return []
        if column not in self._places:
            self._places[column] = self._index(column)
        with self._source.path.open("rb") as file:
            return [self._row_at(file, place) for place in self._places[column].get(key, ())]

    def _index(self, column: str) -> dict[str, "array[int]"]:
        places: dict[str, array[int]] = {}
        for place, row in self._placed_rows():
            if row.get(column):
                places.setdefault(row[column], array("q")).append(place)
        return places

    def _row_at(self, file: "Iterator[bytes] | object", place: int) -> dict[str, str]:
        file.seek(place)  # type: ignore[union-attr]
        lines = (line.decode(self._encoding) for line in file)  # type: ignore[union-attr]
        return self._record(next(csv.reader(lines), []))

    def _placed_rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        place = self._start
        with self._source.open() as file:
            file.seek(self._start)
            lines = _Lines(file, self._encoding)
            reader = csv.reader(lines, strict=True)
            while True:
                try:
                    row = next(reader, None)
                except csv.Error as error:
                    raise DataError(f"{self._source.name}: {error}; is the file cut off?") from error
                if row is None:
                    return
                if row:
                    yield place, self._record(row)
                place = self._start + lines.count

    def _record(self, row: list[str]) -> dict[str, str]:
        return {name: cell.strip() for name, cell in zip(self._header, row, strict=False)}


class _Lines:
    """The lines of a file, decoded, with the number of bytes that were handed out."""

    def __init__(self, file: Iterator[bytes], encoding: str) -> None:
        self._file, self._encoding, self.count = file, encoding.removesuffix("-sig"), 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._file)
        self.count += len(line)
        return line.decode(self._encoding)


def _file_of(folder: Path, table: str) -> Path | None:
    names = (table, *TABLES[table])
    return next((path for name in names if (path := folder / f"{name}.csv").is_file()), None)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None
