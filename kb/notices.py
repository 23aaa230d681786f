"""Pinned notices: first for the messages they concern, from the second they are pinned until they expire.

They stand beside the index: a notice is read from the store and compared with each query by its own vector, so that
pinning one rebuilds nothing.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock

import numpy as np

from kb.districts import DISTRICT, says_district
from kb.lexical import words_of
from triage.errors import StoreError
from triage.protocols import Encoder, KnowledgeBase
from triage.store.notices import Notice, StoredNotice
from triage.store.resource import utc_now
from triage.types import Answer, AnswerStatus, Language, Query, SearchResult, Vectors

log = logging.getLogger(__name__)
REFRESH_S = 0.5
# Set by eye on six notices and fifteen questions with all-MiniLM-L6-v2, not measured: what a notice concerns mostly
# lies above, "my bill is too high" beside a boil-water notice (.44) below; with the type alike, less will do.
NEAR = 0.46
NEAR_OF_TYPE = 0.3
LEAST_TYPE_PROBABILITY = 0.5


@dataclass(frozen=True, slots=True)
class _Pinned:
    stored: StoredNotice
    vectors: Vectors


class NoticeBoard:
    """A knowledge base that puts pinned notices before its answers; see `protocols.KnowledgeBase`.

    Args:
        below: What answers otherwise.
        active: The notices that hold now, newest first.
        encoder: Of the same vectors as the queries'.
        against: Returns the ids of the articles that say otherwise, for a notice that names none itself.
        now: The moment, aware.
        refresh_s: How long a look into the store is good for.
    """

    def __init__(
        self,
        below: KnowledgeBase,
        active: Callable[[], Sequence[StoredNotice]],
        encoder: Encoder,
        *,
        against: Callable[[Notice, Vectors], tuple[str, ...]] = lambda _, __: (),
        now: Callable[[], datetime] = utc_now,
        refresh_s: float = REFRESH_S,
    ) -> None:
        self._below, self._active, self._encoder, self._against = below, active, encoder, against
        self._now, self._refresh_s = now, refresh_s
        self._pinned: tuple[_Pinned, ...] = ()
        self._looked_at = -np.inf
        self._lock = Lock()

    @property
    def version(self) -> str:
        """Of the knowledge base below: a notice is told by its own number."""
        return self._below.version

    def search(self, queries: Sequence[Query], *, k: int = 3) -> list[SearchResult]:
        """Return the notices that concern a query, then its answers, k in all; a notice counts as an answer."""
        results = self._below.search(queries, k=k)
        now, pinned = self._now(), self._current()
        holding = [one for one in pinned if one.stored.is_active_at(now)]
        if not holding:
            return results
        return [_with(holding, query, result, k) for query, result in zip(queries, results, strict=True)]

    def _current(self) -> tuple[_Pinned, ...]:
        """Return what was pinned at the last look, which is at most `refresh_s` ago."""
        with self._lock:
            if time.monotonic() - self._looked_at >= self._refresh_s:
                self._looked_at = time.monotonic()
                try:
                    self._pinned = self._encoded(self._active())
                except StoreError as error:
                    log.warning("notices cannot be read, those of the last look go on: %s", error)
            return self._pinned

    def _encoded(self, stored: Sequence[StoredNotice]) -> tuple[_Pinned, ...]:
        known = {one.stored.id: one for one in self._pinned}
        return tuple(known[one.id] if one.id in known else self._read(one) for one in stored)

    def _read(self, stored: StoredNotice) -> _Pinned:
        notice = stored.notice
        vectors = vectors_of(notice, self._encoder)
        said_otherwise = notice.contradicts or self._against(notice, vectors)
        return _Pinned(replace(stored, notice=replace(notice, contradicts=said_otherwise)), vectors)


def vectors_of(notice: Notice, encoder: Encoder) -> Vectors:
    """Return the vectors of a notice's wordings, shape (n, dim)."""
    texts = wordings(notice)
    return encoder.encode(texts, [Language(code=notice.language or "en", probability=1.0)] * len(texts))


def wordings(notice: Notice) -> list[str]:
    """Return what a notice is found by: its title without district and date, its text, and its words."""
    return list(dict.fromkeys(text for text in (subject_of(notice.title), notice.text, *notice.words) if text.strip()))


def subject_of(text: str) -> str:
    """Return a notice's line without the parts that say where and until when."""
    parts = [part.strip() for part in text.split(",")]
    kept = [part for part in parts if not DISTRICT.match(part) and not part.casefold().startswith("until ")]
    return ", ".join(kept) or text


def _with(pinned: Sequence[_Pinned], query: Query, result: SearchResult, k: int) -> SearchResult:
    found = [(similarity, one.stored) for one in pinned if (similarity := _similarity(one, query)) is not None]
    if not found:
        return result
    notices = tuple(_answer(stored, query) for _, stored in sorted(found, key=lambda pair: -pair[0])[:k])
    # A district that the message does not name is asked for before the notice is read out.
    is_open = notices[0].condition is not None
    status = AnswerStatus.POSSIBLE if is_open and result.status is not AnswerStatus.ANSWER else AnswerStatus.ANSWER
    return replace(result, status=status, answers=(*notices, *result.answers)[:k])


def _similarity(pinned: _Pinned, query: Query) -> float | None:
    """Return the cosine of a notice with a query that it concerns; None where it does not."""
    notice = pinned.stored.notice
    if notice.district is not None and says_district(query.text, notice.district) is False:
        return None
    if query.filter.language is not None and notice.language not in (None, query.filter.language):
        return None
    similarity = float((pinned.vectors @ query.vector).max())
    of_type = any(
        likely.label in notice.service_types and likely.probability >= LEAST_TYPE_PROBABILITY
        for likely in query.service_types
    )
    told = set(words_of(query.text))
    is_named = any(words and words <= told for words in map(set, map(words_of, notice.words)))
    enough = is_named or similarity >= (NEAR_OF_TYPE if of_type else NEAR)
    return similarity if enough else None


def _answer(stored: StoredNotice, query: Query) -> Answer:
    notice = stored.notice
    is_open = notice.district is not None and not says_district(query.text, notice.district)
    return Answer(
        article_id=f"notice-{stored.id}",
        title=notice.title,
        section="Notice",
        quote=notice.text or notice.title,
        probability=1.0,
        url=notice.url,
        reviewed_on=stored.created_at.date().isoformat(),
        condition=f"district {notice.district}" if is_open else None,
        language=notice.language,
        pinned_until=notice.valid_until.isoformat(),
        contradicts=notice.contradicts,
    )
