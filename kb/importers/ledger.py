"""What earlier imports wrote: for each article its source and the hash of its text, for each source its hash."""

import hashlib
import json
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from kb.importers.items import Defaults, Source
from triage.errors import DataError

FILE_NAME = ".imported.jsonl"
FORMAT = "1"  # raised when an importer gives another text for the same input


@dataclass
class Ledger:
    """Read at the beginning of an import, saved at its end.

    The keys of sources are `origin<tab>name`; hashes are kept as bytes, which take a third of the memory.
    """

    _articles: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    _sources: dict[str, str] = field(default_factory=dict)
    _keys: dict[str, str] = field(default_factory=dict)
    _before: dict[str, list[str]] = field(default_factory=dict)  # ids by source, as they were read

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the ledger of a folder of articles; empty where there is none.

        Raises:
            DataError: If it is damaged.
        """
        ledger = cls()
        path = folder / FILE_NAME
        try:
            with path.open(encoding="utf-8") as lines:
                for line in lines:
                    ledger._take(json.loads(line))
        except FileNotFoundError:
            pass
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{path} is damaged ({error}); delete it: articles that are the same are known again"
            ) from error
        return ledger

    def save(self, folder: Path) -> None:
        """Write the ledger, whole or not at all; nothing where nothing was ever imported."""
        if not self._articles and not self._sources:
            return
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{FILE_NAME}.part"
        with part.open("w", encoding="utf-8") as file:
            for line in self._lines():
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        os.replace(part, folder / FILE_NAME)

    def unchanged(self, key: str, digest: str, folder: Path) -> list[str]:
        """Return the articles of a source that has not changed since; none where one of them is missing."""
        if not digest or self._sources.get(key) != digest:
            return []
        ids = self.read_from(key)
        return ids if all((folder / f"{id}.md").exists() for id in ids) else []

    def read_from(self, key: str) -> list[str]:
        """Return the articles that were known of a source when the ledger was read."""
        return self._before.get(key, [])

    def note_source(self, key: str, digest: str) -> None:
        """Remember a source that was read to its end; an empty digest has it read again the next time."""
        self._sources[self._one(key)] = digest

    def note_article(self, id: str, key: str, written: str) -> None:
        """Remember an article."""
        self._articles[id] = (self._one(key), bytes.fromhex(written))

    def forget(self, id: str) -> None:
        """Remember an article no more."""
        del self._articles[id]

    def written(self, id: str) -> str | None:
        """Return the hash of what was last written, None where nothing was."""
        return self._articles[id][1].hex() if id in self._articles else None

    def origin_of(self, id: str) -> str | None:
        """Return which import an article came from."""
        return self._articles[id][0].partition("\t")[0] if id in self._articles else None

    def key_of(self, id: str) -> str:
        """Return the key of the source that an article came from."""
        return self._articles[id][0]

    def source_of(self, id: str) -> str:
        """Return the name of the source that an article came from."""
        return self._articles[id][0].partition("\t")[2]

    def ids_of(self, origins: Collection[str]) -> list[str]:
        """Return the articles of these imports, in order of their ids."""
        return sorted(id for id in self._articles if self.origin_of(id) in origins)

    def _one(self, key: str) -> str:
        return self._keys.setdefault(key, key)

    def _take(self, line: dict[str, str]) -> None:
        if "id" in line:
            self.note_article(line["id"], line["source"], line["written"])
            self._before.setdefault(self._one(line["source"]), []).append(line["id"])
        else:
            self.note_source(line["source"], line["digest"])

    def _lines(self) -> Iterator[dict[str, str]]:
        yield from ({"source": key, "digest": digest} for key, digest in sorted(self._sources.items()))
        for id, (key, written) in sorted(self._articles.items()):
            yield {"id": id, "source": key, "written": written.hex()}


def digest_of(text: str) -> str:
    """Return the first half of SHA-256, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def file_digest(source: Source, defaults: Defaults) -> str:
    """Return the hash of a source, of what it is read with, and of the importers' format."""
    whole = hashlib.sha256(f"{FORMAT}\0{defaults!r}".encode())
    for path in source.files():
        with path.open("rb") as file:
            whole.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()[:32]
