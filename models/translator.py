"""Translation into English for people to read: sentence by sentence, numbers and addresses kept, every output checked.

The multilingual vector decides what a message is about; a translation is never waited for beyond its deadline.
"""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as DeadlineError
from dataclasses import dataclass
from typing import Protocol

from models.translation_guard import faults, protected, restored
from triage.types import Translation, TranslationStatus, Vectors

log = logging.getLogger(__name__)

MOST_CHARACTERS = 6_000  # of one message; what follows stays in its language
MOST_SENTENCE_CHARACTERS = 500
LEAST_COSINE = 0.35  # between the vectors of source and English; parallel pairs stay above, inventions fall below
CUT = " […]"

Spans = Callable[[str], Sequence[tuple[int, int]]]
Similarity = Callable[[Sequence[str], Sequence[str], Sequence[str]], Vectors]


class Engine(Protocol):
    """Translates from one language into English."""

    @property
    def name(self) -> str:
        """Engine, direction and version, as people read it: `argos es→en 1.0`."""
        ...

    def translate(self, sentences: Sequence[str]) -> list[str]:
        """Return one English sentence a sentence, in order."""
        ...


@dataclass(frozen=True, slots=True)
class _Piece:
    """A sentence of one message, with tags in the place of what must survive."""

    text_index: int
    before: str  # white space between the last sentence and this one
    masked: str
    source: str
    kept: tuple[str, ...]


class GuardedTranslator:
    """Puts texts into English by the engine of each language; see `protocols.Translator`.

    A language without an engine is `unavailable`. An output that repeats itself, loses numbers, copies its source or
    means something else is `doubtful`: shown with a warning, never classified from.
    """

    def __init__(
        self,
        engines: Mapping[str, Engine],
        *,
        keep: Spans | None = None,
        similarity: Similarity | None = None,
        deadline_s: float = 10.0,
    ) -> None:
        """Keep the engines.

        Args:
            engines: By BCP 47 code of the language they read.
            keep: Spans of a text that must come out unchanged, beside every number.
            similarity: Cosines of texts in the given languages with English texts, shape (n,).
            deadline_s: Engines that take longer for a batch are given up; their texts are `unavailable`.
        """
        self._engines = dict(engines)
        self._keep = keep
        self._similarity = similarity
        self._deadline_s = deadline_s
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="translator")
        self.version = "; ".join(sorted({engine.name for engine in engines.values()})) or "none"

    def reads(self, language: str) -> bool:
        """Tell whether the language has an engine."""
        return language in self._engines

    def translate(self, texts: Sequence[str], languages: Sequence[str]) -> list[Translation]:
        """Return one translation a text, in order; all sentences of a language go through its engine in one call."""
        done = [Translation(status=TranslationStatus.UNAVAILABLE)] * len(texts)
        for language in dict.fromkeys(languages):
            engine = self._engines.get(language)
            if engine is None:
                continue
            chosen = [i for i, code in enumerate(languages) if code == language and texts[i].strip()]
            for i, translation in zip(chosen, self._by(engine, [texts[i] for i in chosen], language), strict=True):
                done[i] = translation
        return done

    def _by(self, engine: Engine, texts: Sequence[str], language: str) -> list[Translation]:
        pieces = [piece for number, text in enumerate(texts) for piece in self._pieces(number, text, language)]
        job = self._pool.submit(engine.translate, [piece.masked for piece in pieces])
        try:
            outputs = job.result(timeout=self._deadline_s)
        except DeadlineError:
            job.cancel()
            log.warning("%s took longer than %g s and was given up", engine.name, self._deadline_s)
            return [Translation(status=TranslationStatus.UNAVAILABLE)] * len(texts)
        english = ["" for _ in texts]
        broken = [False for _ in texts]
        for piece, output in zip(pieces, outputs, strict=True):
            put_back = restored(output, piece.kept)
            broken[piece.text_index] |= bool(faults(piece.source, put_back))
            english[piece.text_index] += piece.before + put_back
        strange = self._strangers(texts, english, language)
        return [
            Translation(
                status=TranslationStatus.DOUBTFUL if broken[i] or strange[i] else TranslationStatus.MACHINE,
                text=english[i].strip() + (CUT if len(text) > MOST_CHARACTERS else ""),
                engine=engine.name,
            )
            for i, text in enumerate(texts)
        ]

    def _pieces(self, number: int, text: str, language: str) -> list[_Piece]:
        text = text[:MOST_CHARACTERS]
        keep = list(self._keep(text)) if self._keep else []
        pieces: list[_Piece] = []
        last = 0
        for start, end in _sentences(text, language):
            inside = [(a - start, b - start) for a, b in keep if start <= a and b <= end]
            masked, kept = protected(text[start:end], inside)
            pieces.append(_Piece(number, _gap(text[last:start]) if pieces else "", masked, text[start:end], kept))
            last = end
        return pieces

    def _strangers(self, texts: Sequence[str], english: Sequence[str], language: str) -> list[bool]:
        """Return whose English means something else than its source."""
        if self._similarity is None:
            return [False] * len(texts)
        return [
            bool(cosine < LEAST_COSINE) for cosine in self._similarity(texts, english, [language] * len(texts)).tolist()
        ]


def _sentences(text: str, language: str) -> list[tuple[int, int]]:
    """Return the sentences' offsets; one without an end, as transcripts have them, is cut at spaces."""
    from triage.nlp import sentences  # spaCy takes a second or two: only a service that translates pays for it

    found = []
    for start, end in sentences([text], language)[0]:
        while end - start > MOST_SENTENCE_CHARACTERS:
            at = text.rfind(" ", start + MOST_SENTENCE_CHARACTERS // 2, start + MOST_SENTENCE_CHARACTERS)
            middle = at if at > 0 else start + MOST_SENTENCE_CHARACTERS
            found.append((start, middle))
            start = middle + (at > 0)
        found.append((start, end))
    return found


def _gap(between: str) -> str:
    return re.sub(r"[^\n]+", "", between) or " "
