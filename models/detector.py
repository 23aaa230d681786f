"""Tells the language of a message: script first, then langdetect's profiles summed exactly, a lexicon, a prior.

`langdetect.detect()` is never called: it samples, keeps global state that threads break, and is often wrong on short
texts. Its n-gram profiles are good. Here they are one matrix, and a text's log-likelihood is one sum over its rows, the
same in every process and thread.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from models.detector_scripts import CODE_POINTS, DECIDED, Script
from models.detector_tables import Tables, gram_keys
from models.detector_text import NAME_WEIGHT, Words, ideograph_pairs, words_of
from triage.languages import SERVED, code_of
from triage.types import Language, Vectors

BATCH = 256
SURE = 0.6  # below it, one or two words are taken for English
FEW_WORDS = 2
SCRIPT_PROBABILITY = 0.995
HINT_WEIGHT = 20.0  # a form's language is right about that much more often than any other
OTHER_WEIGHT = 0.04  # of a language that the city does not serve
PRIOR = {"en": 3.0, "es": 2.0, "yue": 0.6, "ja": 0.5}  # of a text that its script does not decide

_DECIDED = {int(script): code for script, code in DECIDED.items()}

_HAN = int(Script.HAN)  # looking up a member takes longer than a word
_DENSE = (Script.HAN, Script.KANA, Script.HANGUL)  # a sign stands for two Latin letters at least

Floats = npt.NDArray[np.float64]


class ProfileDetector:
    """Language of short texts; see `protocols.LanguageDetector`.

    Safe to share between threads: nothing changes after construction.
    """

    def __init__(self, tables: Tables, *, prior: Mapping[str, float] | None = None) -> None:
        """Keep the tables.

        Args:
            tables: What `build_detector` made.
            prior: BCP 47 code to how often a city hears the language, relative to the others it serves (weight 1).
        """
        self._tables = tables
        self._column_of = {code: column for column, code in enumerate(tables.codes)}
        self._log_prior = np.log([_weight(code, PRIOR if prior is None else prior) for code in tables.codes])
        self._english = self._column_of["en"]
        self.version = tables.version

    @classmethod
    def load(cls, path: Path, *, prior: Mapping[str, float] | None = None) -> Self:
        """Open the file that `models.detector_build.build_detector` returned.

        Raises:
            ModelError: If the file is missing or damaged.
        """
        return cls(Tables.load(path), prior=prior)

    def detect(self, texts: Sequence[str], hints: Sequence[str | None]) -> list[Language]:
        """Return one language a text; `hints` are a prior, never the answer.

        One or two words whose best language is under 0.6 are taken for English, and that language is the
        runner-up. A text without words is `Language.unknown()`, whatever the hint.
        """
        languages: list[Language] = []
        for start in range(0, len(texts), BATCH):
            messages = [words_of(text) for text in texts[start : start + BATCH]]
            languages += self._detect_batch(messages, hints[start : start + BATCH])
        return languages

    def _detect_batch(self, messages: Sequence[Words], hints: Sequence[str | None]) -> list[Language]:
        evidence = self.evidence(messages)
        probabilities = self.probabilities(evidence, self._tables.calibration, self._log_hints(hints))
        second, first = np.argsort(probabilities, axis=1, kind="stable")[:, -2:].T
        few = np.array([len(message.words) <= FEW_WORDS for message in messages])
        best = probabilities[np.arange(len(messages)), first]
        doubtful = few & (evidence.scripts == Script.LATIN) & (best < SURE) & (first != self._english)
        answers = np.where(doubtful, self._english, first), np.where(doubtful, first, second)
        taken = probabilities[np.arange(len(messages)), answers[0]]
        codes = self._tables.codes
        return [
            _language(script, codes[answer], codes[runner_up], probability)
            for script, answer, runner_up, probability in zip(
                evidence.scripts.tolist(), *(numbers.tolist() for numbers in answers), taken.tolist(), strict=True
            )
        ]

    def probabilities(self, evidence: "Evidence", calibration: Floats, log_hints: Floats | float = 0.0) -> Floats:
        """Return the probability of each language, shape (n_messages, n_languages); all 0 where the script decides.

        Args:
            evidence: Of n messages.
            calibration: Slope and exponent of each script, shape (n_scripts, 2).
            log_hints: What is added to the log odds.
        """
        logits = calibrated(evidence, calibration) + self._log_prior + log_hints
        return _softmax(np.where(self._tables.allowed[evidence.scripts], logits, -np.inf))

    def _log_hints(self, hints: Sequence[str | None]) -> Floats:
        """Return what the hints add to the log odds, shape (n_messages, n_languages)."""
        added = np.zeros((len(hints), len(self._tables.codes)))
        for number, hint in enumerate(hints):
            column = self._column_of.get(code_of(hint) or "") if hint else None
            if column is not None:
                added[number, column] = math.log(HINT_WEIGHT)
        return added

    def evidence(self, messages: Sequence[Words]) -> "Evidence":
        """Return what script, grams and lexicon say of each message, before calibration and prior."""
        letters = self._letters(messages)
        scripts = np.array([_script_of(counts) for counts in letters.counts.tolist()], dtype=np.int64)
        sums, grams = self._gram_sums(letters, scripts)
        self._add_words(sums, messages, scripts)
        return Evidence(sums=sums, grams=grams, scripts=scripts)

    def _letters(self, messages: Sequence[Words]) -> "_Letters":
        spelled = [f" {' '.join(message.words)} " for message in messages]
        lengths = np.array([len(text) for text in spelled])
        encoded = "".join(spelled).encode("utf-32-le", errors="surrogatepass")
        code_points = np.minimum(np.frombuffer(encoded, dtype=np.uint32), CODE_POINTS - 1)
        scripts = self._tables.script_of[code_points]
        owners = np.repeat(np.arange(len(messages)), lengths)
        counts = np.bincount(owners * len(Script) + scripts, minlength=len(messages) * len(Script))
        return _Letters(
            symbols=self._tables.symbol_of[code_points],
            scripts=scripts,
            weights=_weights(messages, lengths),
            owners=owners,
            counts=counts.reshape(len(messages), len(Script)),
        )

    def _gram_sums(self, letters: "_Letters", scripts: npt.NDArray[np.int64]) -> tuple[Vectors, Floats]:
        """Return the summed rows of every message, shape (n_messages, n_languages), and how many grams were known."""
        tables = self._tables
        own = letters.scripts == scripts[letters.owners]
        places = tables.rows_of(gram_keys(np.where(own, letters.symbols, 0), tables.n_symbols))
        known = places < len(tables.keys)
        grams = np.bincount(letters.owners, known.sum(axis=1), len(scripts)).astype(np.float64)
        # One zero row a message keeps `reduceat` from reading into the next where nothing is known.
        known[np.flatnonzero(np.diff(letters.owners, prepend=-1)), 0] = True
        repeats = known.sum(axis=1)
        starts = np.flatnonzero(np.diff(np.repeat(letters.owners, repeats), prepend=-1))
        rows = tables.rows[places[known]] * np.repeat(letters.weights, repeats)[:, None]
        sums: Vectors = np.add.reduceat(rows, starts)
        return sums, grams

    def _add_words(self, sums: Vectors, messages: Sequence[Words], scripts: npt.NDArray[np.int64]) -> None:
        row_of = self._tables.words
        found: list[tuple[int, int, float]] = []
        for number, (message, script) in enumerate(zip(messages, scripts.tolist(), strict=True)):
            for place, word in enumerate(message.words):
                weight = NAME_WEIGHT if place in message.names else 1.0
                units = ideograph_pairs(word) if script == _HAN else (word,)
                found += [(number, row_of[unit], weight) for unit in units if unit in row_of]
        if found:
            numbers, rows, weights = zip(*found, strict=True)
            shares = np.array(weights, dtype=np.float32)[:, None]
            np.add.at(sums, list(numbers), self._tables.word_rows[list(rows)] * shares)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of some messages before calibration and prior.

    Attributes:
        sums: Summed rows of grams and words, float32, shape (n_messages, n_languages).
        grams: How many grams were known, shape (n_messages,).
        scripts: The `Script` that decides, shape (n_messages,).
    """

    sums: Vectors
    grams: Floats
    scripts: npt.NDArray[np.int64]

    def of(self, numbers: npt.NDArray[np.int64]) -> "Evidence":
        """Return the evidence of some of the messages."""
        return Evidence(sums=self.sums[numbers], grams=self.grams[numbers], scripts=self.scripts[numbers])


def calibrated(evidence: Evidence, calibration: Floats) -> Floats:
    """Return the sums as log odds: times slope × grams^-exponent, as grams of one message depend on each other.

    Args:
        evidence: Of n messages.
        calibration: Slope and exponent of each script, shape (n_scripts, 2).
    """
    slopes, exponents = calibration[evidence.scripts].T
    factors = slopes * np.maximum(evidence.grams, 1.0) ** -exponents
    scaled: Floats = evidence.sums * factors[:, None]
    return scaled


@dataclass(frozen=True, slots=True)
class _Letters:
    """All letters of a batch in one row, each message between spaces.

    Attributes:
        symbols: Letter numbers, shape (n_letters,).
        scripts: `Script` of each letter.
        weights: How much each letter counts.
        owners: Number of the message that each letter belongs to.
        counts: Letters of each script, shape (n_messages, n_scripts).
    """

    symbols: npt.NDArray[np.int64]
    scripts: npt.NDArray[np.uint8]
    weights: npt.NDArray[np.float32]
    owners: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]


def _softmax(logits: Floats) -> Floats:
    """Return probabilities by row; a row of nothing but -inf, where the script decides, is all zero."""
    highest = logits.max(axis=1, keepdims=True)
    powers = np.exp(logits - np.where(np.isfinite(highest), highest, 0.0))
    shares: Floats = powers / np.maximum(powers.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    return shares


def _language(script: int, code: str, runner_up: str, probability: float) -> Language:
    if script == Script.NONE:
        return Language.unknown()
    if script in _DECIDED:
        return Language(code=_DECIDED[script], probability=SCRIPT_PROBABILITY, method="script")
    return Language(code=code, probability=probability, runner_up=runner_up, method="ngram")


def _script_of(counts: Sequence[int]) -> Script:
    """Return the script that decides.

    Any other wins over Latin from half of its letters on, because loan words and street names are Latin. Kana wins over
    Han unless it is a stray sign.
    """
    counts = list(counts)
    for script in _DENSE:
        counts[script] *= 2
    if counts[Script.KANA] * 8 >= counts[Script.HAN] and counts[Script.KANA]:
        counts[Script.KANA] += counts[Script.HAN]
    best = max(range(Script.CYRILLIC, len(counts)), key=counts.__getitem__)
    if counts[best] and counts[best] * 2 >= counts[Script.LATIN]:
        return Script(best)
    return Script.LATIN if counts[Script.LATIN] else Script.NONE


def _weights(messages: Sequence[Words], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    weights = np.ones(int(lengths.sum()), dtype=np.float32)
    for start, message in zip(np.cumsum(lengths) - lengths, messages, strict=True):
        if message.names:
            place = int(start)
            for number, word in enumerate(message.words):
                if number in message.names:
                    weights[place : place + len(word) + 2] = NAME_WEIGHT
                place += len(word) + 1
    return weights


def _weight(code: str, prior: Mapping[str, float]) -> float:
    return prior.get(code, 1.0 if code in SERVED else OTHER_WEIGHT)
