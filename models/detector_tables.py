"""The detector's tables as they lie in memory: a matrix of log probabilities, a row a gram and a column a language."""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from triage.errors import ModelError
from triage.types import Vectors


@dataclass(frozen=True, slots=True)
class Tables:
    """All that detection reads; made by `build_detector`, never changed.

    Attributes:
        codes: Language of each column, shape (n_languages,).
        script_of: `Script` of each code point, uint8, shape (65536,).
        symbol_of: Letter number of each code point, 0 for a space, 1 for a letter of no profile, shape (65536,).
        n_symbols: Letter numbers are below it.
        keys: Sorted gram numbers (see `gram_keys`), int64, shape (n_grams,).
        rows: log probability / TEMPER less its floor, float32, shape (n_grams + 1, n_languages); the last row is 0.
        words: Lexicon word to its row in `word_rows`.
        word_rows: float32, shape (n_words, n_languages).
        allowed: Whether a script may be a language, bool, shape (n_scripts, n_languages).
        calibration: Slope and exponent of each script, float64, shape (n_scripts, 2).
        version: Names profiles, weights and rules.
    """

    codes: tuple[str, ...]
    script_of: npt.NDArray[np.uint8]
    symbol_of: npt.NDArray[np.int64]
    n_symbols: int
    keys: npt.NDArray[np.int64]
    rows: Vectors
    words: Mapping[str, int]
    word_rows: Vectors
    allowed: npt.NDArray[np.bool_]
    calibration: npt.NDArray[np.float64]
    version: str

    @classmethod
    def load(cls, path: Path) -> Self:
        """Open a file that `build_detector` wrote.

        Raises:
            ModelError: If the file is missing or damaged.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                words = stored["words"].item().split("\n")
                return cls(
                    codes=tuple(stored["codes"].item().split()),
                    script_of=stored["script_of"],
                    symbol_of=stored["symbol_of"].astype(np.int64),
                    n_symbols=int(stored["n_symbols"]),
                    keys=stored["keys"],
                    rows=stored["rows"],
                    words={word: row for row, word in enumerate(words)},
                    word_rows=stored["word_rows"],
                    allowed=stored["allowed"],
                    calibration=stored["calibration"],
                    version=stored["version"].item(),
                )
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ModelError(f"the language detector {path} cannot be opened ({error}); build it again") from error

    def rows_of(self, keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the number in `rows` of each gram, the last one where it is in no profile."""
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[places] == keys, places, len(self.keys))


def gram_keys(symbols: npt.NDArray[np.int64], n_symbols: int) -> npt.NDArray[np.int64]:
    """Return the grams of one, two and three letters that end at each letter, and -1 where there is none.

    Args:
        symbols: Letter numbers, 0 for a space, shape (n,).
        n_symbols: Letter numbers are below it.

    Returns:
        Gram numbers, shape (n, 3). A gram holds a space only at its ends, as in langdetect.
    """
    before, twice_before = np.roll(symbols, 1), np.roll(symbols, 2)
    before[:1], twice_before[:2] = 0, 0
    keys = np.empty((len(symbols), 3), dtype=np.int64)
    keys[:, 0] = symbols
    keys[:, 1] = n_symbols**3 + before * n_symbols + symbols
    keys[:, 2] = (twice_before * n_symbols + before) * n_symbols + symbols
    keys[symbols == 0, 0] = -1
    keys[(symbols == 0) & (before == 0), 1] = -1
    keys[before == 0, 2] = -1
    return keys
