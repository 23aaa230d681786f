"""What the detector learns from text: the added profiles, a lexicon of frequent words, and how far to trust a sum.

Run as a program, it writes `models/weights/detector/` from the folder in TRIAGE_DATA_DIR.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from models.detector import Evidence, ProfileDetector
from models.detector_build import COLUMNS, WEIGHTS, build_detector, plain_letters, profile_letter
from models.detector_pieces import UNSPACED, Part, lines_of, pieces_of
from models.detector_scripts import DECIDED, Script, script_of_letter
from models.detector_tables import Tables
from models.detector_text import ideograph_pairs, words_of
from triage.languages import SERVED

ADDED_PROFILES = ("ht", "hmn", *COLUMNS[Script.HAN])
LEAST_SEEN = 3  # a word seen less often may be a name or an error
LEAST_SEEN_PAIR = 6
RAREST_GRAM = 5e-6


def learn(data: Path, weights: Path) -> None:
    """Write the added profiles and the lexicon of frequent words.

    Args:
        data: The folder of TRIAGE_DATA_DIR; only its lines that are not held out are read.
        weights: Folder to write; what people typed there (words.tsv) stays.
    """
    (weights / "profiles").mkdir(parents=True, exist_ok=True)
    by_script = set(DECIDED.values()) - set(ADDED_PROFILES)
    frequent = []
    for code in (code for code in SERVED if code not in by_script):
        lines = lines_of(data, code, Part.LEARN)
        frequent.append(f"{code}\t" + " ".join(f"{word}:{count}" for word, count in frequent_words(lines, code)))
        if code in ADDED_PROFILES:
            script = Script.HAN if code in UNSPACED else Script.LATIN
            _write_json(weights / "profiles" / f"{code}.json", profile_of(lines, script))
        if (
            code == "vi"
        ):  # langdetect's own profile has one letter for all that carry two marks: they cannot be taken off
            _write_json(weights / "profiles" / "vi-plain.json", profile_of(map(plain_letters, lines)))
    (weights / "frequent.tsv").write_text("\n".join(frequent) + "\n", encoding="utf-8")


def profile_of(lines: Iterable[str], script: Script = Script.LATIN) -> dict[str, object]:
    """Count grams of one to three letters as langdetect does, in its own format; of ideographs, only single ones."""
    counts: Counter[str] = Counter()
    for line in lines:
        for word in _spelled(line, script):
            counts.update(word if script is Script.HAN else _grams("".join(map(profile_letter, word))))
    totals = [sum(count for gram, count in counts.items() if len(gram) == length) for length in (1, 2, 3)]
    kept = {gram: counts[gram] for gram in sorted(counts) if counts[gram] > max(1, totals[0] * RAREST_GRAM)}
    return {"freq": kept, "n_words": totals}


def _spelled(line: str, script: Script) -> Iterator[str]:
    """Yield the words of a line, letters of other scripts left out."""
    for word in words_of(line).words:
        if own := "".join(letter for letter in word if script_of_letter(letter) is script):
            yield own


def _grams(word: str) -> Iterator[str]:
    spaced = f" {word} "
    yield from word
    yield from (spaced[start : start + 2] for start in range(len(spaced) - 1))
    yield from (spaced[start : start + 3] for start in range(len(spaced) - 2))


def frequent_words(lines: Iterable[str], code: str, *, most: int = 1_500) -> list[tuple[str, int]]:
    """Return frequent words with their count in a million, most frequent first; ties go to the word seen first.

    Runs of capitalized words and words that are always capitalized are names and left out. For a language without
    spaces, pairs of ideographs are counted.
    """
    counts: Counter[str] = Counter()
    total = 0
    for line in lines:
        units = _pairs(line) if code in UNSPACED else _common_words(line)
        total += len(units)
        counts.update(units)
    least = LEAST_SEEN_PAIR if code in UNSPACED else LEAST_SEEN
    best = [(word, count) for word, count in counts.most_common(most) if count >= least]
    return [(word, round(count / total * 1e6)) for word, count in best]


def _pairs(line: str) -> list[str]:
    return [pair for word in words_of(line).words for pair in ideograph_pairs(word)]


def _common_words(line: str) -> list[str]:
    words = words_of(line)
    return [word for place, word in enumerate(words.words) if place not in words.names and word in line]


def calibrate(data: Path, weights: Path) -> None:
    """Fit slope and exponent of each script to the calibration pieces by maximum likelihood, and write them.

    The pieces are of the half of the held-out lines that nothing is measured on.
    """
    from scipy.optimize import minimize  # only here: the service has no need of it

    pieces = [piece for code in SERVED for piece in pieces_of(lines_of(data, code, Part.CALIBRATE), code)]
    with TemporaryDirectory() as folder:
        tables = Tables.load(build_detector(Path(folder), weights=weights))
    detector = ProfileDetector(tables)
    evidence = detector.evidence([words_of(piece.text) for piece in pieces])
    columns = np.array([tables.codes.index(piece.code) if piece.code in tables.codes else -1 for piece in pieces])
    fitted = {}
    for script in COLUMNS:
        usable = np.flatnonzero((evidence.scripts == script) & (columns >= 0))
        usable = usable[tables.allowed[script][columns[usable]]]
        loss = partial(_loss, evidence.of(usable), columns[usable], detector, script)
        fitted[script.name] = minimize(loss, (2.0, 0.1), method="Nelder-Mead").x.round(3).tolist()
    _write_json(weights / "calibration.json", fitted)


def _loss(
    evidence: Evidence,
    columns: npt.NDArray[np.int64],
    detector: ProfileDetector,
    script: Script,
    found: Sequence[float],
) -> float:
    """Return the mean negative log probability of the right languages."""
    calibration = np.ones((len(Script), 2))
    calibration[script] = found
    probabilities = detector.probabilities(evidence, calibration)
    return float(-np.log(np.maximum(probabilities[np.arange(len(columns)), columns], 1e-12)).mean())


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    folder_of_data = Path(os.environ["TRIAGE_DATA_DIR"])
    learn(folder_of_data, WEIGHTS)
    calibrate(folder_of_data, WEIGHTS)
