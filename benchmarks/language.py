"""Language detection on held-out pieces and noisy messages, beside langdetect, py3langid and lingua.

Run with TRIAGE_DATA_DIR set: `python -m benchmarks.language`. A detector whose package is not installed is named and
left out. Pieces come from lines that nothing was learned or calibrated from (`models.detector_pieces`). Simplified
and traditional Chinese and Cantonese count as one language, because the others do not tell them apart; our own
accuracy on all 25 is printed below the table. A language that a detector does not have counts as wrong.
"""

import importlib
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from models.detector import ProfileDetector
from models.detector_build import build_detector, plain_letters
from models.detector_pieces import BUCKETS, Part, Piece, lines_of, pieces_of
from triage.languages import SERVED, code_of
from wiring import Settings

Detect: TypeAlias = Callable[[Sequence[str]], list[str]]

CHINESE = frozenset({"zh-Hans", "zh-Hant", "yue"})
PLAIN = ("es", "pt", "fr", "vi", "ht", "ro", "pl", "it", "de")
LINGUA_LACKS = frozenset({"am", "ht", "hmn"})
BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class NoisyMessage:
    """A hand-written message; any of `codes` is right."""

    text: str
    codes: tuple[str, ...]
    bucket: str


def main() -> int:
    """Print the tables; 2 where the data is missing."""
    data = Settings.from_env().data
    if data is None:
        print("TRIAGE_DATA_DIR is not set: it must name the folder that holds lid/train, lid/dev and parallel")
        return 2
    pieces = [piece for code in SERVED for piece in pieces_of(lines_of(data, code, Part.TEST), code)]
    noisy = list(_noisy_messages(data / "lid" / "dev" / "noise.tsv"))
    with TemporaryDirectory() as folder:
        path = build_detector(Path(folder))
        started = time.perf_counter()
        detector = ProfileDetector.load(path)
        loaded_s = time.perf_counter() - started
    print(f"{len(pieces)} pieces of {len(SERVED)} languages, {len(noisy)} noisy messages, {detector.version}")
    print(f"load {loaded_s:.3f} s\n")
    _print_peers(detector, pieces, noisy)
    _print_own(detector, pieces, noisy)
    return 0


def _print_peers(detector: ProfileDetector, pieces: Sequence[Piece], noisy: Sequence[NoisyMessage]) -> None:
    print(f"macro accuracy %, {len({_merged(code) for code in SERVED})} languages (Chinese is one)")
    titles = [*BUCKETS, "3-5 plain", "lingua's 3-5", "noisy", "messages/s"]
    print("| detector | " + " | ".join(titles) + " |\n|---|" + "---|" * len(titles))
    for name, make in _detectors(detector):
        try:
            detect = make()
        except ImportError as error:
            print(f"| {name} | not installed: {error.name} |")
            continue
        print(f"| {name} | " + " | ".join(_row(detect, pieces, noisy)) + " |", flush=True)


def _row(detect: Detect, pieces: Sequence[Piece], noisy: Sequence[NoisyMessage]) -> Iterator[str]:
    started = time.perf_counter()
    answers = detect([piece.text for piece in pieces])
    rate = len(pieces) / (time.perf_counter() - started)
    for bucket in BUCKETS:
        yield f"{_macro(pieces, answers, bucket):.1f}"
    plain = [
        replace(piece, text=plain_letters(piece.text).lower())
        for piece in pieces
        if piece.code in PLAIN and piece.bucket == "3-5 words"
    ]
    yield f"{_macro(plain, detect([piece.text for piece in plain]), '3-5 words'):.1f}"
    yield f"{_macro(pieces, answers, '3-5 words', without=LINGUA_LACKS):.1f}"
    yield f"{100 * np.mean(_noisy_right(noisy, detect([message.text for message in noisy]))):.1f}"
    yield f"{rate:,.0f}"


def _macro(
    pieces: Sequence[Piece],
    answers: Sequence[str],
    bucket: str,
    *,
    merge: bool = True,
    without: frozenset[str] = frozenset(),
) -> float:
    """Return the mean over languages of the percentage of right answers."""
    right: dict[str, list[bool]] = defaultdict(list)
    name = _merged if merge else str
    for piece, answer in zip(pieces, answers, strict=True):
        if piece.bucket == bucket and piece.code not in without:
            right[name(piece.code)].append(name(piece.code) == name(answer))
    return 100 * float(np.mean([np.mean(values) for values in right.values()]))


def _merged(code: str) -> str:
    return "zh" if code in CHINESE else code


def _noisy_right(noisy: Sequence[NoisyMessage], answers: Sequence[str]) -> list[bool]:
    return [
        _merged(answer) in {_merged(code) for code in message.codes}
        for message, answer in zip(noisy, answers, strict=True)
    ]


def _noisy_messages(path: Path) -> Iterator[NoisyMessage]:
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        codes, bucket, text, *_ = line.split("\t")
        known = tuple(code_of(code) or code for code in codes.split("|"))
        yield NoisyMessage(text=text.replace("\\n", "\n"), codes=known, bucket=bucket)


def _print_own(detector: ProfileDetector, pieces: Sequence[Piece], noisy: Sequence[NoisyMessage]) -> None:
    languages = detector.detect([piece.text for piece in pieces], [None] * len(pieces))
    answers = [language.code for language in languages]
    right = np.array([piece.code == answer for piece, answer in zip(pieces, answers, strict=True)])
    probabilities = np.array([language.probability for language in languages])
    print("\nthis detector, all 25 apart")
    for bucket in BUCKETS:
        of_bucket = np.array([piece.bucket == bucket for piece in pieces])
        error = calibration_error(probabilities[of_bucket], right[of_bucket])
        worst = sorted(_by_language(pieces, answers, bucket).items(), key=lambda pair: pair[1])[:6]
        print(
            f"{bucket}: macro {_macro(pieces, answers, bucket, merge=False):.1f} %, calibration error {error:.3f}, "
            + "worst "
            + ", ".join(f"{code} {share:.0f}" for code, share in worst)
        )
    print(
        f"all lengths: calibration error {calibration_error(probabilities, right):.3f} ({BINS} bins, n:{len(pieces)})"
    )
    noisy_answers = detector.detect([message.text for message in noisy], [None] * len(noisy))
    pairs = zip(noisy_answers, noisy, strict=True)
    noisy_right = np.array([language.code in message.codes for language, message in pairs])
    print(f"noisy: {100 * noisy_right.mean():.1f} % (n:{len(noisy)})")
    for bucket in dict.fromkeys(message.bucket for message in noisy):
        of_bucket = np.array([message.bucket == bucket for message in noisy])
        print(f"  {bucket}: {100 * noisy_right[of_bucket].mean():.1f} % (n:{of_bucket.sum()})")


def _by_language(pieces: Sequence[Piece], answers: Sequence[str], bucket: str) -> dict[str, float]:
    right: dict[str, list[bool]] = defaultdict(list)
    for piece, answer in zip(pieces, answers, strict=True):
        if piece.bucket == bucket:
            right[piece.code].append(piece.code == answer)
    return {code: 100 * float(np.mean(values)) for code, values in right.items()}


def calibration_error(probabilities: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> float:
    """Return the expected calibration error over bins of equal width (Naeini et al. 2015).

    Args:
        probabilities: Of the answers given, in [0, 1], shape (n,).
        right: Whether they were right, bool, shape (n,).
    """
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    gaps = [
        (bins == number).mean() * abs(probabilities[bins == number].mean() - right[bins == number].mean())
        for number in np.unique(bins)
    ]
    return float(sum(gaps))


def _detectors(detector: ProfileDetector) -> Iterator[tuple[str, Callable[[], Detect]]]:
    yield "this one", partial(_ours, detector)
    yield "langdetect 1.0.9, as it comes", _langdetect
    yield "py3langid, restricted", _py3langid
    yield "lingua, restricted, high accuracy", _lingua


def _ours(detector: ProfileDetector) -> Detect:
    return lambda texts: [language.code for language in detector.detect(texts, [None] * len(texts))]


def _langdetect() -> Detect:
    package: Any = importlib.import_module("langdetect")

    def one(text: str) -> str:
        try:
            return code_of(package.detect(text)) or "und"
        except package.LangDetectException:
            return "und"

    return lambda texts: [one(text) for text in texts]


def _py3langid() -> Detect:
    package: Any = importlib.import_module("py3langid.langid")
    identifier = package.LanguageIdentifier.from_model_file(package.MODEL_FILE)
    known = set(identifier.nb_classes)
    identifier.set_languages(sorted(known & {_merged(code) for code in SERVED}))
    return lambda texts: [code_of(identifier.classify(text)[0]) or "und" for text in texts]


def _lingua() -> Detect:
    package: Any = importlib.import_module("lingua")
    names = {language.iso_code_639_1.name.lower(): language for language in package.Language.all()}
    wanted = [names[code] for code in {_merged(code) for code in SERVED} if code in names]
    detector = package.LanguageDetectorBuilder.from_languages(*wanted).build()

    def codes(texts: Sequence[str]) -> list[str]:
        found = [detector.detect_language_of(text) for text in texts]
        return [code_of(language.iso_code_639_1.name) or "und" if language else "und" for language in found]

    return codes


if __name__ == "__main__":
    sys.exit(main())
