"""The only home of spaCy: the sentence splitter. No pretrained pipeline is used.

spaCy's thinc imports torch wherever it is installed, which costs seconds and 180 MB; the import is
kept away from it here, and torch still imports later for whoever needs it.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from triage import languages

_KEPT_OUT = ("torch", "tensorflow", "mxnet", "cupy")


@contextmanager
def _without_tensor_libraries() -> Iterator[None]:
    """Make `import torch` fail inside, unless it has been imported already."""
    blocked = [name for name in _KEPT_OUT if name not in sys.modules]
    for name in blocked:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in blocked:
            del sys.modules[name]


with _without_tensor_libraries():
    import spacy
    from spacy.language import Language as SpacyPipeline
    from spacy.tokens import Span

SENTENCE_ENDS = [".", "!", "?", "。", "！", "？", "؟", "።", "…", "\n"]
ANY_LANGUAGE = "xx"


@cache
def _splitter(language: str) -> SpacyPipeline:
    row = languages.BY_CODE.get(language)
    pipeline = spacy.blank(row.tokenizer if row else ANY_LANGUAGE)
    pipeline.add_pipe("sentencizer", config={"punct_chars": SENTENCE_ENDS})
    pipeline.max_length = 10_000_000
    return pipeline


def sentences(texts: Sequence[str], language: str = "en") -> list[list[tuple[int, int]]]:
    """Return the (start, end) offsets of the sentences of each text, in order, without outer white space."""
    docs = _splitter(language).pipe(texts)
    return [[_offsets(sentence) for sentence in doc.sents if sentence.text.strip()] for doc in docs]


def _offsets(sentence: Span) -> tuple[int, int]:
    text: str = sentence.text
    start = sentence.start_char + len(text) - len(text.lstrip())
    return start, start + len(text.strip())
