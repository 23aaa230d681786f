"""Builds the detector's tables from langdetect's profiles, the added ones and a lexicon.

Each row of the matrix is a gram of one to three letters, each column a language, each cell a log probability. The sum
of a text's rows is its exact log-likelihood up to a constant, which langdetect itself only samples (Shuyo 2010,
"Language Detection Library").
"""

import json
import math
import os
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from langdetect.utils.ngram import NGram

from models.detector_scripts import CODE_POINTS, Script, han_class, script_of_letter, script_table
from triage.errors import ModelError

WEIGHTS = Path(__file__).parent / "weights" / "detector"
FILE_NAME = "detector.npz"
RULES = 1  # raise it when the code of the detector changes an answer

FLOOR = 3e-5
TEMPER = 5.0  # grams of a word overlap: three of them do not say three times as much
PLAIN_SHARE = 0.4  # how much of a language is written without its accents
WORD_WEIGHT = 4.0  # of a frequent word, as log odds before calibration
PAIR_WEIGHT = 0.4  # of two ideographs, which are not always one word
MARKER_WEIGHT = 1.0
TYPED_STRENGTH = 0.7
PLAIN_WORD = 0.9  # a word without its accents may be another one

_IN_LATIN_LETTERS = (
    "af ca cs cy da de en es et fi fr hr ht hmn hu id it lt lv nl no pl pt ro sk sl so sq sv sw tl tr vi"
)
LATIN = tuple(_IN_LATIN_LETTERS.split())
COLUMNS = {
    Script.LATIN: LATIN,
    Script.CYRILLIC: ("ru", "uk", "bg", "mk"),
    Script.ARABIC: ("ar", "fa", "ur"),
    Script.DEVANAGARI: ("hi", "mr", "ne"),
    Script.HAN: ("zh-Hans", "zh-Hant", "yue", "ja"),
}
MARKERS = {"uk": "іїєґ", "ru": "ыэё", "mk": "ѓќѕџљњј", "fa": "پچژگ", "ur": "ٹڈڑںے"}
CANTONESE = "嘅咗喺冇唔佢哋嚟啲嗰咁嘢乜睇俾畀揾搵諗嗌瞓攞咪嘥啱嘈喎啩咩嘞㗎吖噃冚唥孭餸氹靚嗱咋喇啦噉"
FREQUENT_IDEOGRAPH = 8e-4  # summed over the four languages
_BASES = str.maketrans("đłøħıĐŁØ", "dlohiDLO")


def build_detector(out: Path, *, weights: Path = WEIGHTS) -> Path:
    """Build the tables from the installed langdetect and `weights`, and write `out`/detector.npz in one step.

    The same packages give the same bytes. A file that stands there is replaced.

    Raises:
        ModelError: If a langdetect profile is not the one of release 1.0.9.
    """
    columns = _columns()
    profiles = _with_kinds({code: _profile(code, weights) for code in columns})
    arrays = _gram_arrays(columns, profiles) | _word_arrays(columns, weights)
    arrays["codes"] = np.array(" ".join(columns))
    arrays["allowed"] = _allowed(columns)
    arrays["calibration"] = _calibration(weights)
    arrays["version"] = np.array(f"langdetect-1.0.9-{_digest(weights)}-r{RULES}")
    return _write(out / FILE_NAME, arrays)


def _with_kinds(profiles: Mapping[str, Mapping[str, float]]) -> dict[str, Mapping[str, float]]:
    """Leave only frequent ideographs to themselves; all others are one letter a kind, as counts of few say nothing."""
    of_han = [profiles[code] for code in COLUMNS[Script.HAN]]
    total: Counter[str] = Counter()
    for profile in of_han:
        total.update(profile)
    kept = {letter for letter, probability in total.items() if probability >= FREQUENT_IDEOGRAPH} | set(CANTONESE)
    merged: dict[str, Mapping[str, float]] = dict(profiles)
    for code, profile in zip(COLUMNS[Script.HAN], of_han, strict=True):
        by_kind: dict[str, float] = {}
        for letter, probability in profile.items():
            kind = letter if letter in kept else han_class(letter)
            by_kind[kind] = by_kind.get(kind, 0.0) + probability
        merged[code] = by_kind
    return merged


def _columns() -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for codes in COLUMNS.values() for code in codes))


def _profile(code: str, weights: Path) -> Mapping[str, float]:
    """Return gram to probability in one language, lower-cased, partly without accents."""
    added = weights / "profiles" / f"{code}.json"
    exact = _read_profile(added.read_bytes() if added.exists() else installed_profile(code, weights))
    plain_file = weights / "profiles" / f"{code}-plain.json"
    plain = _read_profile(plain_file.read_bytes()) if plain_file.exists() else _folded(exact)
    if code not in LATIN or plain == exact:
        return exact
    grams = exact.keys() | plain.keys()
    return {
        gram: (1 - PLAIN_SHARE) * exact.get(gram, 0.0) + PLAIN_SHARE * plain.get(gram, 0.0) for gram in sorted(grams)
    }


def installed_profile(code: str, weights: Path = WEIGHTS) -> bytes:
    """Return the bytes of a langdetect profile.

    Raises:
        ModelError: If they are not those of release 1.0.9.
    """
    stored = (files("langdetect") / "profiles" / code).read_bytes()
    lines = (weights / "profiles.sha256").read_text(encoding="utf-8").splitlines()
    expected = {name: digest for digest, name in map(str.split, lines)}
    if sha256(stored).hexdigest() != expected.get(code):
        raise ModelError(f"langdetect's profile {code!r} is not the one of release 1.0.9; install langdetect==1.0.9")
    return stored


def _read_profile(stored: bytes) -> dict[str, float]:
    profile = json.loads(stored)
    counts: dict[str, int] = {}
    for gram, count in profile["freq"].items():
        lowered = "".join(map(profile_letter, gram))
        counts[lowered] = counts.get(lowered, 0) + count
    return {gram: count / profile["n_words"][len(gram) - 1] for gram, count in counts.items()}


def plain_letters(text: str) -> str:
    """Return the text without accents, letter for letter where it is composed."""
    decomposed = unicodedata.normalize("NFD", text.translate(_BASES))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _folded(profile: Mapping[str, float]) -> dict[str, float]:
    folded: dict[str, float] = {}
    for gram, probability in profile.items():
        plain = plain_letters(gram)
        folded[plain] = folded.get(plain, 0.0) + probability
    return folded


def _gram_arrays(columns: tuple[str, ...], profiles: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    grams = sorted({gram for profile in profiles.values() for gram in profile})
    letters = sorted({letter for gram in grams for letter in gram} - {" "})
    number_of = {" ": 0} | {letter: number for number, letter in enumerate(letters, start=2)}
    rows = np.full((len(grams) + 1, len(columns)), 0, dtype=np.float32)
    row_of = {gram: row for row, gram in enumerate(grams)}
    for column, code in enumerate(columns):
        for gram, probability in profiles[code].items():
            rows[row_of[gram], column] = np.log(probability / FLOOR + 1) / TEMPER
    for code, markers in (MARKERS | {"yue": CANTONESE}).items():
        for marker in markers:
            if marker in row_of:
                rows[row_of[marker], columns.index(code)] += MARKER_WEIGHT
    n_symbols = len(letters) + 2
    keys = np.array([_key([number_of[letter] for letter in gram], n_symbols) for gram in grams], dtype=np.int64)
    order = np.argsort(keys)
    rows[:-1] = rows[:-1][order]
    return {
        "script_of": script_table(),
        "symbol_of": _symbols(number_of),
        "n_symbols": np.int64(n_symbols),
        "keys": keys[order],
        "rows": rows,
    }


def _key(numbers: list[int], n_symbols: int) -> int:
    """Return the number that `gram_keys` gives to a gram."""
    if len(numbers) == 2:
        return n_symbols**3 + numbers[0] * n_symbols + numbers[1]
    key = 0
    for number in numbers:
        key = key * n_symbols + number
    return key


def _symbols(number_of: Mapping[str, int]) -> npt.NDArray[np.uint16]:
    scripts = script_table()
    symbols = np.zeros(CODE_POINTS, dtype=np.uint16)
    for code_point in np.flatnonzero(scripts):
        letter = chr(code_point)
        known = number_of.get(profile_letter(letter))
        symbols[code_point] = known or (number_of.get(han_class(letter), 1) if scripts[code_point] == Script.HAN else 1)
    return symbols


@cache
def profile_letter(letter: str) -> str:
    """Return a letter as the profiles know it.

    Lower-cased, then as langdetect's own `NGram.normalize` has it; an ideograph stays as it is.
    """
    if script_of_letter(letter) is Script.HAN:
        return letter
    lowered = letter.lower()
    normal: str = NGram.normalize(lowered[0] if lowered else letter)
    return normal


def _word_arrays(columns: tuple[str, ...], weights: Path) -> dict[str, Any]:
    strengths: dict[str, dict[str, float]] = {}
    for code, word, strength in _lexicon(weights):
        for form in {word, plain_letters(word) if code in LATIN else word}:
            of_word = strengths.setdefault(form, {})
            of_word[code] = max(of_word.get(code, 0.0), strength if form == word else strength * PLAIN_WORD)
    words = sorted(strengths)
    rows = np.zeros((len(words), len(columns)), dtype=np.float32)
    for row, word in enumerate(words):
        for code, strength in strengths[word].items():
            rows[row, columns.index(code)] = (PAIR_WEIGHT if code in COLUMNS[Script.HAN] else WORD_WEIGHT) * strength
    return {"words": np.array("\n".join(words)), "word_rows": rows}


def _lexicon(weights: Path) -> Iterable[tuple[str, str, float]]:
    """Yield language, word and strength in (0, 1]: typed words, and frequent ones by how frequent they are."""
    for line in (weights / "words.tsv").read_text(encoding="utf-8").splitlines():
        code, words = line.split("\t")
        yield from ((code, word, TYPED_STRENGTH) for word in words.split())
    for line in (weights / "frequent.tsv").read_text(encoding="utf-8").splitlines():
        code, words = line.split("\t")
        for entry in words.split():
            word, per_million = entry.rsplit(":", 1)
            yield code, word, frequency_strength(int(per_million))


def frequency_strength(per_million: int) -> float:
    """Return how much a word counts: 1 from 2,000 in a million on, half of it at 180, nothing at 0."""
    return min(1.0, math.log10(1 + per_million / 20) / 2)


def _allowed(columns: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    allowed = np.zeros((len(Script), len(columns)), dtype=np.bool_)
    for script, codes in COLUMNS.items():
        allowed[script, [columns.index(code) for code in codes]] = True
    return allowed


def _calibration(weights: Path) -> npt.NDArray[np.float64]:
    fitted = json.loads((weights / "calibration.json").read_text(encoding="utf-8"))
    calibration = np.ones((len(Script), 2))
    for script in COLUMNS:
        calibration[script] = fitted[script.name]
    return calibration


def _digest(weights: Path) -> str:
    digest = sha256()
    for path in sorted(weights.rglob("*")):
        if path.is_file() and path.suffix != ".md":
            digest.update(path.relative_to(weights).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _write(path: Path, arrays: Mapping[str, Any]) -> Path:
    """Write beside `path` and rename, so that a reader sees the old file or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
