"""Translation into English for people to read: sentence by sentence, numbers and addresses kept, every output checked.

The multilingual vector decides what a message is about; a translation is never waited for beyond its deadline. A large
batch goes to its engine in slices: other callers' sentences come in between, and what is given up is one slice of it.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as DeadlineError
from dataclasses import dataclass
from itertools import chain, islice
from typing import Protocol

from models.translation_guard import faults, protected, restored
from triage.types import Translation, TranslationStatus, Vectors

log = logging.getLogger(__name__)

MOST_CHARACTERS = 6_000  # of one message; what follows stays in its language
MOST_SENTENCE_CHARACTERS = 500
SLICE_SENTENCES = 32  # that an engine gets in one call: what it has begun cannot be broken off
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
            deadline_s: How long a text, or a slice of short ones, is waited for. An engine that takes longer is given
                up for this batch; the texts that are not whole by then are `unavailable`.
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
        """Return one translation a text, in order; the texts of a language go through its engine in slices."""
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
        pieces = [self._pieces(text, language) for text in texts]
        done: list[Translation] = []
        for group in _groups(pieces):
            outputs = self._outputs(engine, [piece.masked for number in group for piece in pieces[number]])
            if outputs is None:
                break
            done += self._checked(engine, [texts[n] for n in group], [pieces[n] for n in group], outputs, language)
        return done + [Translation(status=TranslationStatus.UNAVAILABLE)] * (len(texts) - len(done))

    def _outputs(self, engine: Engine, sentences: Sequence[str]) -> list[str] | None:
        """Return the English of the sentences; None where the engine took too long for them."""
        until = time.monotonic() + self._deadline_s
        outputs: list[str] = []
        for start in range(0, len(sentences), SLICE_SENTENCES):
            job = self._pool.submit(engine.translate, sentences[start : start + SLICE_SENTENCES])
            try:
                outputs += job.result(timeout=max(0.0, until - time.monotonic()))
            except DeadlineError:
                job.cancel()
                log.warning("%s took longer than %g s and was given up", engine.name, self._deadline_s)
                return None
        return outputs

    def _checked(
        self,
        engine: Engine,
        texts: Sequence[str],
        pieces: Sequence[Sequence[_Piece]],
        outputs: Sequence[str],
        language: str,
    ) -> list[Translation]:
        """Put the English sentences of each text together, and doubt what is not the text's."""
        pairs = zip(chain.from_iterable(pieces), outputs, strict=True)
        sentences = iter([restored(output, piece.kept) for piece, output in pairs])
        english, broken = [], []
        for text_pieces in pieces:
            told = list(zip(text_pieces, islice(sentences, len(text_pieces)), strict=True))
            english.append("".join(piece.before + sentence for piece, sentence in told))
            broken.append(any(faults(piece.source, sentence) for piece, sentence in told))
        strange = self._strangers(texts, english, language)
        return [
            Translation(
                status=TranslationStatus.DOUBTFUL if broken[i] or strange[i] else TranslationStatus.MACHINE,
                text=english[i].strip() + (CUT if len(text) > MOST_CHARACTERS else ""),
                engine=engine.name,
            )
            for i, text in enumerate(texts)
        ]

    def _pieces(self, text: str, language: str) -> list[_Piece]:
        text = text[:MOST_CHARACTERS]
        keep = list(self._keep(text)) if self._keep else []
        pieces: list[_Piece] = []
        last = 0
        for start, end in _sentences(text, language):
            inside = [(a - start, b - start) for a, b in keep if start <= a and b <= end]
            masked, kept = protected(text[start:end], inside)
            pieces.append(_Piece(_gap(text[last:start]) if pieces else "", masked, text[start:end], kept))
            last = end
        return pieces

    def _strangers(self, texts: Sequence[str], english: Sequence[str], language: str) -> list[bool]:
        """Return whose English means something else than its source."""
        if self._similarity is None:
            return [False] * len(texts)
        return [
            bool(cosine < LEAST_COSINE) for cosine in self._similarity(texts, english, [language] * len(texts)).tolist()
        ]


def _groups(pieces: Sequence[Sequence[_Piece]]) -> Iterator[list[int]]:
    """Yield the numbers of texts that go to the engine together: a slice of sentences at most, or one long text."""
    group: list[int] = []
    size = 0
    for number, text_pieces in enumerate(pieces):
        if group and size + len(text_pieces) > SLICE_SENTENCES:
            yield group
            group, size = [], 0
        group.append(number)
        size += len(text_pieces)
    if group:
        yield group


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
