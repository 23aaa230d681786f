"""Sentence embeddings on CTranslate2 in int8, for a service that never imports torch.

English is read by sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), a BERT of six layers: token vectors are
averaged and brought to unit length. Every other language is read by a student of it with a vocabulary of its own, which
was trained to put a sentence where the teacher puts its English (`models.recipes.encoder`, weights/encoder/card.md).
Texts over 256 word pieces are read in windows and averaged.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Self
from weakref import WeakValueDictionary

import ctranslate2
import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from models.ear import Ear
from triage.errors import ModelError
from triage.types import Encoded, Language, Vectors

STUDENT = Path(str(files("models") / "weights" / "encoder"))  # shipped, ready to run
TOKENIZER = "tokenizer.json"  # in a network's folder
WINDOW = 254  # word pieces beside [CLS] and [SEP]: the 256 that the model was trained on
MAX_WINDOWS = 64  # of one text, spread over its length
PIECES_PER_BATCH = 2_048
_TOKENIZERS: WeakValueDictionary[bytes, Tokenizer] = WeakValueDictionary()
SURELY_ENGLISH = 0.9  # probability below which a text may be mixed, and the student reads it


@dataclass(frozen=True, slots=True)
class _Window:
    text_index: int
    pieces: tuple[int, ...]


class MiniLMEncoder:
    """Sentence embeddings of one network; see `protocols.Encoder`."""

    def __init__(
        self,
        engine: ctranslate2.Encoder,
        tokenizer: Tokenizer,
        *,
        version: str,
        dim: int,
        workers: int,
        ear: Ear | None = None,
    ) -> None:
        self._engine = engine
        self._ear = ear
        self._tokenizer = tokenizer
        self._start, self._end = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="encoder")
        self.version = version
        self.dim = dim

    @classmethod
    def load(cls, folder: Path, *, workers: int = 2, ear: Ear | None = None) -> Self:
        """Open a folder that `models.conversion` made.

        Args:
            folder: Holds model.bin, tokenizer.json and encoder.json.
            workers: Batches computed side by side, one thread each.
            ear: Listens for danger while it reads; one that was fitted on another encoder is left out.

        Raises:
            ModelError: If a file is missing or damaged.
        """
        try:
            facts = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
            version, dim = str(facts["version"]), int(facts["dim"])
            tokenizer = open_tokenizer(folder / TOKENIZER)
            engine = ctranslate2.Encoder(
                str(folder), device="cpu", compute_type="int8", inter_threads=workers, intra_threads=1
            )
        except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ModelError(
                f"the encoder in {folder} cannot be opened ({error}); delete the folder and start again"
            ) from error
        listens = ear is not None and ear.encoder == version
        return cls(engine, tokenizer, version=version, dim=dim, workers=workers, ear=ear if listens else None)

    def encode(self, texts: Sequence[str], languages: Sequence[Language] = ()) -> Vectors:
        """Return float32 embeddings of shape (n_texts, dim), rows of unit length; an empty text is all zero.

        Each text is computed in batches sorted by length; its vector does not depend on its neighbors by more
        than the rounding of int8 (cosine > 0.999). `languages` are not read.
        """
        return self.read(texts).vectors

    def read(self, texts: Sequence[str], languages: Sequence[Language] = ()) -> Encoded:
        """Return the embeddings as `encode` does, and what the ear heard: of a long text its most alarming window."""
        windows = sorted(self._windows(texts), key=lambda window: len(window.pieces))
        batches = list(_batches(windows))
        pooled = map(self._pooled, batches) if len(batches) < 2 else self._pool.map(self._pooled, batches)
        sums: Vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        alarms: Vectors = np.full((len(texts), 2), np.nan, dtype=np.float32)
        for batch, (vectors, heard) in zip(batches, pooled, strict=True):
            for window, vector, alarm in zip(batch, vectors, heard, strict=True):
                at = window.text_index
                sums[at] += vector * len(window.pieces)
                if not alarms[at, 0] > alarm[0]:
                    alarms[at] = alarm
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        np.divide(sums, lengths, out=sums, where=lengths > 0)
        return Encoded(vectors=sums, alarms=alarms)

    def _windows(self, texts: Sequence[str]) -> Iterator[_Window]:
        for index, encoding in enumerate(self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)):
            pieces = encoding.ids
            count = -(-len(pieces) // WINDOW)
            for number in _spread(count, MAX_WINDOWS):
                # Windows of equal size: a short rest would weigh as much as it says, not more.
                low, high = number * len(pieces) // count, (number + 1) * len(pieces) // count
                yield _Window(index, tuple(pieces[low:high]))

    def _pooled(self, batch: Sequence[_Window]) -> tuple[Vectors, Vectors]:
        """Return the mean token vector of each window, unit length, shape (n, dim), and what the ear heard, (n, 2)."""
        states, lengths = self.states([window.pieces for window in batch])
        mask = np.arange(states.shape[1]) < lengths[:, None]
        means = np.einsum("ntd,nt->nd", states, mask.astype(np.float32)) / lengths[:, None]
        vectors: Vectors = (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)
        heard = np.full((len(batch), 2), np.nan, np.float32) if self._ear is None else self._ear.hear(states, lengths)
        return vectors, heard

    def states(self, pieces: Sequence[Sequence[int]]) -> tuple[Vectors, npt.NDArray[np.int64]]:
        """Return the token states of texts of word pieces, shape (n, most tokens, dim), and the tokens of each."""
        ids = [[self._start, *some, self._end] for some in pieces]
        states: Vectors = np.asarray(self._engine.forward_batch(ids).last_hidden_state)
        return states, np.array([len(row) for row in ids])

    def pieces(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the word pieces of each text, at most a window of them."""
        return [
            tuple(encoding.ids[:WINDOW])
            for encoding in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        ]


class MultilingualEncoder:
    """English by the teacher; other, mixed, doubtful and unknown languages by the student: one space of vectors."""

    def __init__(self, teacher: MiniLMEncoder, student: MiniLMEncoder) -> None:
        """Join them.

        Raises:
            ModelError: If their dimensions differ.
        """
        if teacher.dim != student.dim:
            raise ModelError(
                f"the multilingual encoder gives {student.dim} numbers and the English one {teacher.dim}; "
                "unset TRIAGE_ENCODER, or name one of the same dimension"
            )
        self._teacher, self._student = teacher, student
        self.version = f"{teacher.version}+{student.version}"
        self.dim = teacher.dim

    def encode(self, texts: Sequence[str], languages: Sequence[Language] = ()) -> Vectors:
        """Return float32 embeddings of shape (n_texts, dim), rows of unit length; an empty text is all zero.

        Args:
            texts: In any language.
            languages: One a text; none given means English throughout.
        """
        foreign = [number for number, language in enumerate(languages) if not _is_english(language)]
        if not foreign:
            return self._teacher.encode(texts)
        vectors: Vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        vectors[foreign] = self._student.encode([texts[number] for number in foreign])
        english = sorted(set(range(len(texts))) - set(foreign))
        vectors[english] = self._teacher.encode([texts[number] for number in english])
        return vectors

    def read(self, texts: Sequence[str], languages: Sequence[Language]) -> Encoded:
        """Return the embeddings as `encode` does, and what the ear of whoever read a text heard."""
        vectors: Vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        alarms: Vectors = np.empty((len(texts), 2), dtype=np.float32)
        for encoder, english in ((self._teacher, True), (self._student, False)):
            chosen = [number for number, language in enumerate(languages) if _is_english(language) == english]
            if chosen:
                found = encoder.read([texts[number] for number in chosen])
                vectors[chosen], alarms[chosen] = found.vectors, found.alarms
        return Encoded(vectors=vectors, alarms=alarms)


def _is_english(language: Language) -> bool:
    return language.code == "en" and language.probability >= SURELY_ENGLISH


def open_tokenizer(path: Path) -> Tokenizer:
    """Open a tokenizer that neither cuts nor fills up; networks whose files are the same share it: 50 MB each.

    Raises:
        OSError: If the file is missing.
        ValueError: If it is damaged; the library itself raises a bare Exception.
    """
    content = path.read_bytes()
    digest = hashlib.sha256(content).digest()
    if (tokenizer := _TOKENIZERS.get(digest)) is None:
        try:
            tokenizer = Tokenizer.from_buffer(content)
        except Exception as error:
            raise ValueError(f"{path.name}: {error}") from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        _TOKENIZERS[digest] = tokenizer
    return tokenizer


def _spread(count: int, most: int) -> list[int]:
    """Return at most `most` of the numbers 0 … count - 1, evenly spread, first and last among them."""
    if count <= most:
        return list(range(count))
    return [round(i * (count - 1) / (most - 1)) for i in range(most)]


def _batches(windows: Sequence[_Window]) -> Iterator[list[_Window]]:
    """Cut windows, sorted by length, into batches of about PIECES_PER_BATCH pieces after padding."""
    batch: list[_Window] = []
    for window in windows:
        if batch and (len(window.pieces) + 2) * (len(batch) + 1) > PIECES_PER_BATCH:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch
