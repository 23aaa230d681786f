"""The gap ledger's reader: what residents asked and no article answered, by topic and language.

Questions come masked. Those with like vectors in one language make a gap; a gap is closed when one article answers
at least half of its examples.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from triage.protocols import Encoder, KnowledgeBase
from triage.store.gaps import Gap, GapLedger, GapQuery
from triage.types import AnswerStatus, Language, Query, Vectors

SAME_TOPIC = 0.6  # cosine with a topic's middle from which a question belongs to it
MAX_TOPIC_CHARS = 90
BATCH = 1_000

Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class _Topic:
    """A gap that is growing: `total` is the sum of its vectors, `gap_id` None until it is stored."""

    language: str
    total: Vectors
    gap_id: int | None = None
    queries: list[GapQuery] = field(default_factory=list)
    vectors: list[Vectors] = field(default_factory=list)

    def similarity(self, vector: Vectors) -> float:
        return float(self.total @ vector / max(float(np.linalg.norm(self.total)), 1e-9))

    def add(self, query: GapQuery, vector: Vectors) -> None:
        self.total = self.total + vector
        self.queries.append(query)
        self.vectors.append(vector)


def gather(ledger: GapLedger, encoder: Encoder) -> int:
    """Put every question that belongs to no gap yet into one, or into a new one; return how many there were."""
    gathered = 0
    while waiting := ledger.unclustered(BATCH):
        topics = _open_topics(ledger, encoder)
        vectors = _encoded([query.query for query in waiting], [query.language for query in waiting], encoder)
        for query, vector in zip(waiting, vectors, strict=True):
            _topic_of(topics, query, vector).add(query, vector)
        for topic in topics:
            _keep(ledger, topic)
        gathered += len(waiting)
    return gathered


def _open_topics(ledger: GapLedger, encoder: Encoder) -> list[_Topic]:
    gaps = [gap for gap in ledger.list(limit=BATCH) if gap.examples]
    return [
        _Topic(gap.language, _encoded(gap.examples, [gap.language] * len(gap.examples), encoder).sum(axis=0), gap.id)
        for gap in gaps
    ]


def _topic_of(topics: list[_Topic], query: GapQuery, vector: Vectors) -> _Topic:
    """Return the nearest topic in the question's language that is near enough; a new one where none is."""
    same = [topic for topic in topics if topic.language == query.language]
    nearest = max(same, key=lambda topic: topic.similarity(vector), default=None)
    if nearest is not None and nearest.similarity(vector) >= SAME_TOPIC:
        return nearest
    topics.append(_Topic(query.language, np.zeros_like(vector)))
    return topics[-1]


def _keep(ledger: GapLedger, topic: _Topic) -> None:
    if not topic.queries:
        return
    ids = [query.id for query in topic.queries]
    if topic.gap_id is not None:
        ledger.assign(topic.gap_id, ids)
        return
    middle = int(np.argmax([topic.similarity(vector) for vector in topic.vectors]))
    ledger.cluster(_short(topic.queries[middle].query), topic.language, ids)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_TOPIC_CHARS else line[:MAX_TOPIC_CHARS].rpartition(" ")[0] + " …"


def close_answered(ledger: GapLedger, search: KnowledgeBase, encoder: Encoder, *, by: str) -> tuple[Gap, ...]:
    """Close every open gap at least half of whose examples one article answers now; return those."""
    closed = []
    for gap in ledger.list(limit=BATCH):
        article_id = _answered_by(gap, search, encoder)
        if article_id is not None:
            ledger.close(gap.id, article_id, by)
            closed.append(gap)
    return tuple(closed)


def _answered_by(gap: Gap, search: KnowledgeBase, encoder: Encoder) -> str | None:
    if not gap.examples:
        return None
    vectors = _encoded(gap.examples, [gap.language] * len(gap.examples), encoder)
    queries = [
        Query(text=text, vector=vector, language=gap.language)
        for text, vector in zip(gap.examples, vectors, strict=True)
    ]
    results = search.search(queries, k=1)
    answering = Counter(result.answers[0].article_id for result in results if result.status is AnswerStatus.ANSWER)
    article_id, count = max(answering.items(), key=lambda answered: answered[1], default=(None, 0))
    return article_id if 2 * count >= len(gap.examples) else None


def _encoded(texts: Sequence[str], languages: Sequence[str], encoder: Encoder) -> Vectors:
    return encoder.encode(list(texts), [Language(code=code, probability=1.0) for code in languages])
