"""Parallel text for the multilingual encoder: which sources, how much of each language, and how it is roughened.

Only sources whose license allows it to be shared on (CC0, CC BY, CC BY-SA, MIT, BSD, Apache, PSF, MPL, ISC, public
domain) are read; `SOURCES.tsv` of the data folder names repository, commit and license of each.
"""

import csv
import gzip
import json
import random
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from triage.errors import DataError

# First what sounds like residents and agencies, then conversation, then documentation, then what is archaic.
RANKS: tuple[tuple[str, ...], ...] = (
    (
        "massive", "tico19", "covid-terms", "civic-bloom-housing", "civic-beacon-dispatch", "civic-govuk",
        "civic-ma-eviction", "civic-nhs-covid", "civic-vita-min", "civic-ai-answers-ca", "civic-login-gov",
        "civic-adopt-a-hydrant", "civic-mnbenefits", "civic-vote-gov", "civic-sara-alert",
    ),
    ("tatoeba-anki", "tatoeba-laser", "tatoeba-test-rest", "mkqa", "smartool", "storybooks"),
    ("osm-tag-terms", "mozilla-www", "gnome-user-docs", "react-docs", "hf-course", "talpco", "xquad"),
    ("bible",),
)  # fmt: skip
DOCUMENTATION, ARCHAIC = 2, 3
DOCUMENTATION_SHARE = 0.25  # of a language's pairs at most
ARCHAIC_PAIRS = {"ht": 15_000, "tl": 6_000}  # languages with too little else
PAIRS = {
    "es": 60_000, "zh": 60_000, "ru": 55_000, "vi": 40_000, "uk": 28_000, "ko": 33_000, "ar": 36_000,
    "tl": 26_000, "ht": 20_000, "fa": 24_000, "pt": 38_000, "fr": 38_000, "so": 4_000, "hmn": 1_000,
}  # fmt: skip
MOST_CHARACTERS = 280
# Residents write without accents (Vietnamese above all), without punctuation, and with slips.
BARE_SHARE = {"vi": 0.3, "es": 0.15, "fr": 0.15, "pt": 0.15}
UNPUNCTUATED_SHARE = 0.25
SLIP_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence and its English."""

    text: str
    english: str
    language: str


def read_pairs(parallel: Path, language: str, *, most: int, seed: int = 0) -> list[Pair]:
    """Return at most `most` pairs of one language, no sentence twice, the best-ranked sources first.

    Args:
        parallel: The folder `parallel` of the measuring data.
        language: Name of a folder in it.
        most: Documentation fills at most a quarter of it.
        seed: Of the choice within a rank.

    Raises:
        DataError: If the language has no folder.
    """
    folder = parallel / language
    if not folder.is_dir():
        raise DataError(f"{folder} is missing: TRIAGE_DATA_DIR must name the folder that holds parallel/")
    rng = random.Random(seed)
    chosen: list[Pair] = []
    seen: set[str] = set()
    for rank, names in enumerate(RANKS):
        room = _room(rank, language, most - len(chosen), most)
        found = [pair for path in _files(folder, names) for pair in _read(path, language)]
        rng.shuffle(found)
        for pair in found:
            if room <= 0:
                break
            if pair.text not in seen:
                seen.add(pair.text)
                chosen.append(pair)
                room -= 1
    return chosen


def residents_pairs(folders: Iterable[Path]) -> tuple[list[Pair], list[str]]:
    """Return the project's own messages that carry their English, and those that are English."""
    rows = [
        json.loads(line)
        for folder in folders
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]
    pairs = [Pair(row["text"], row["english"], row["language"]) for row in rows if row.get("english")]
    return pairs, [row["text"] for row in rows if row["language"] == "en"]


def held_out(parallel: Path, language: str, source: str) -> list[Pair]:
    """Return the pairs of one development file, none where it does not exist."""
    path = parallel / "dev" / f"{language}.{source}.tsv.gz"
    return list(_read(path, language, most_characters=10_000)) if path.exists() else []


def licenses(parallel: Path, languages: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return (source, license, repository@commit) of everything that these languages may draw on."""
    with (parallel / "SOURCES.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    names = tuple(name for rank in RANKS for name in rank)
    used = {
        (row["source"], row["licence"], f"{row['repo']}@{row['commit'][:12]}")
        for row in rows
        if row["lang"] in languages and _is_one_of(row["source"], names)
        if not row["source"].startswith("bible") or row["lang"] in ARCHAIC_PAIRS
    }
    return sorted(used)


def roughened(pair: Pair, rng: random.Random) -> str:
    """Return the sentence as it stands or, now and then, as residents type it."""
    text = pair.text
    if rng.random() < BARE_SHARE.get(pair.language, 0):
        text = without_accents(text)
    if rng.random() < UNPUNCTUATED_SHARE:
        text = re.sub(r"[^\w\s'’-]+", " ", text).strip() or text
    return _with_slip(text, rng) if rng.random() < SLIP_SHARE else text


def without_accents(text: str) -> str:
    """Return the text as a keyboard without accents gives it: Việt Nam → Viet Nam."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(character for character in plain if not unicodedata.combining(character))


def _with_slip(text: str, rng: random.Random) -> str:
    """Drop one letter, or swap it with the next."""
    if len(text) < 8:
        return text
    at = rng.randrange(1, len(text) - 2)
    return text[:at] + (text[at + 1 :] if rng.random() < 0.5 else text[at + 1] + text[at] + text[at + 2 :])


def _room(rank: int, language: str, left: int, most: int) -> int:
    if rank == ARCHAIC:
        return min(left, ARCHAIC_PAIRS.get(language, 0))
    return min(left, int(most * DOCUMENTATION_SHARE)) if rank == DOCUMENTATION else left


def _is_one_of(source: str, names: Sequence[str]) -> bool:
    plain = source.removesuffix("-hans").removesuffix("-hant")
    return plain in names or any(name == "bible" and plain.startswith("bible-") for name in names)


def _files(folder: Path, names: Sequence[str]) -> list[Path]:
    return [path for path in sorted(folder.glob("*.tsv.gz")) if _is_one_of(path.name.removesuffix(".tsv.gz"), names)]


def _read(path: Path, language: str, *, most_characters: int = MOST_CHARACTERS) -> Iterator[Pair]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            text, tab, english = line.rstrip("\n").partition("\t")
            if tab and 1 < len(english) <= most_characters and text.strip() and len(text) <= most_characters:
                yield Pair(text.strip(), english.strip(), language)
