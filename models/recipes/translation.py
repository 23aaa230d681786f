"""Trains a small translator into English from parallel text, and leaves it as an Argos Translate package.

    python -m models.recipes.translation es --work FOLDER --minutes 120

Both languages share one cased SentencePiece vocabulary, in which the guard's tags are wholes. Stages and checkpoints
stay in the work folder, and the same command goes on after a break.
"""

import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import sentencepiece
import torch
import typer

from models import datasets
from models.encoder import STUDENT
from models.recipes.pairs import Pair, held_out, read_pairs, residents_pairs, roughened
from models.recipes.translation_network import END, PAD, START, UNKNOWN, Item, Trainer, export, translator

MOST_PAIRS = 190_000
CLOSE_PAIRS, CLOSE_REPEATS = 25_000, 2  # those that sound like residents and agencies
RESIDENTS_REPEATS = 4
VOCABULARY = 8_000
TAGS = tuple(f"XQ{number}X" for number in range(10))  # what the guard puts in the place of numbers and addresses
TAGGED_SHARE = 0.3
MOST_PIECES = 100
_NAMED = re.compile(r"\d[\d.,:/-]*\d|\b[A-ZÁÉÍÓÚÑ]\w{2,}")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


def main(
    language: Annotated[str, typer.Argument(help="Folder of parallel/: es.")],
    work: Annotated[Path, typer.Option(help="Folder of stages, checkpoints and, at the end, the package.")],
    data: Annotated[Path, typer.Option(envvar="TRIAGE_DATA_DIR", help="Folder that holds parallel/.")],
    minutes: Annotated[float, typer.Option(help="Training ends by then; the learning rate falls to 0 at it.")] = 120,
    threads: Annotated[int, typer.Option(help="Processor cores.")] = 2,
    encoder: Annotated[Path, typer.Option(help="Exported multilingual encoder.")] = STUDENT,
    version: Annotated[str, typer.Option(help="Of the package.")] = "1.0",
) -> None:
    """Train, and leave the package in WORK/LANGUAGE_en; benchmarks.translation measures it."""
    torch.set_num_threads(threads)
    work.mkdir(parents=True, exist_ok=True)
    pairs = gather(data / "parallel", language)
    pieces = vocabulary(pairs, work / "sentencepiece.model")
    items = tokenized(pairs, pieces)
    print(f"{len(pairs):,} pairs, {sum(len(item.english) for item in items):,} English pieces", flush=True)
    watched = tokenized(held_out(data / "parallel", language, "tatoeba")[:200], pieces, rough=False)
    trained = Trainer(translator(pieces, encoder), items, work / "checkpoint.pt", minutes * 60).run(watched)
    facts = {"package_version": version, "argos_version": "1.9", "from_code": language, "to_code": "en"}
    export(trained, work / "sentencepiece.model", work / f"{language}_en", {**facts, "type": "translate"})


def gather(parallel: Path, language: str) -> list[Pair]:
    """Return the pairs of all sources that may be shared on, close ones repeated, residents' also by the sentence."""
    everything = read_pairs(parallel, language, most=MOST_PAIRS)
    close = {pair.text for pair in read_pairs(parallel, language, most=CLOSE_PAIRS)}
    data = datasets.default_data()
    residents = [p for p in residents_pairs([data, data.parent / "safety"])[0] if p.language == language]
    by_sentence = [part for pair in residents for part in sentence_pairs(pair)]
    again = [pair for pair in everything if pair.text in close] * (CLOSE_REPEATS - 1)
    return everything + again + (residents + by_sentence) * RESIDENTS_REPEATS


def sentence_pairs(pair: Pair) -> list[Pair]:
    """Return a message's sentences beside their English, nothing where their numbers differ or it has but one."""
    texts, english = (_SENTENCE_END.split(text.strip()) for text in (pair.text, pair.english))
    if len(texts) != len(english) or len(texts) == 1:
        return []
    return [
        Pair(text, meaning, pair.language) for text, meaning in zip(texts, english, strict=True) if text and meaning
    ]


def vocabulary(pairs: Sequence[Pair], path: Path, *, size: int = VOCABULARY) -> sentencepiece.SentencePieceProcessor:
    """Return the pieces of both languages, cased, the guard's tags among them as wholes."""
    if not path.exists():
        lines = path.with_suffix(".txt")
        lines.write_text("\n".join(" ".join(t.split()) for pair in pairs for t in (pair.text, pair.english)), "utf-8")
        sentencepiece.SentencePieceTrainer.train(
            input=str(lines), model_prefix=str(path.with_suffix("")), vocab_size=size, model_type="unigram",
            character_coverage=0.9998, num_threads=2, user_defined_symbols=list(TAGS), split_digits=True,
            hard_vocab_limit=False,
            pad_id=PAD, unk_id=UNKNOWN, bos_id=START, eos_id=END, minloglevel=1,
        )  # fmt: skip
    return sentencepiece.SentencePieceProcessor(model_file=str(path))


def tokenized(pairs: Sequence[Pair], pieces: sentencepiece.SentencePieceProcessor, *, rough: bool = True) -> list[Item]:
    """Return the pairs as pieces, some as residents type them and some with tags, too long and empty ones left out."""
    rng = random.Random(1)
    ready = [tagged(Pair(roughened(pair, rng), pair.english, pair.language), rng) if rough else pair for pair in pairs]
    sources = pieces.encode([pair.text for pair in ready])
    english = pieces.encode([pair.english for pair in ready])
    return [
        Item(tuple(source), tuple(meaning))
        for source, meaning in zip(sources, english, strict=True)
        if 0 < len(source) <= MOST_PIECES and 0 < len(meaning) <= MOST_PIECES
    ]


def tagged(pair: Pair, rng: random.Random) -> Pair:
    """Return the pair, now and then with tags where the same name or number stands on both sides."""
    if rng.random() > TAGGED_SHARE:
        return pair
    text, english = pair.text, pair.english
    shared = [name for name in dict.fromkeys(_NAMED.findall(text)) if text.count(name) == english.count(name) == 1]
    for tag, name in zip(TAGS, rng.sample(shared, min(2, len(shared))), strict=False):
        text, english = text.replace(name, tag), english.replace(name, tag)
    return Pair(text, english, pair.language)


if __name__ == "__main__":
    typer.run(main)
