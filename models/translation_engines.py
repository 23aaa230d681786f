"""The engine that translates: Argos Translate packages run by CTranslate2.

`argostranslate.translate` is never imported: it loads stanza and torch. A package is a folder with metadata.json, a
SentencePiece or BPE vocabulary and a CTranslate2 model, which is all that is needed here.
"""

import json
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Self

import ctranslate2
import sentencepiece

from triage.errors import ComponentError, ModelError

OFFICIAL_INDEX = "https://raw.githubusercontent.com/argosopentech/argospm-index/main/index.json"
BEAMS = 4
BATCH = 32
LONGEST_INPUT, LONGEST_OUTPUT = 480, 256  # pieces
LENGTH_PENALTY = 0.2  # as Argos Translate sets it
# Argos code → the codes of ours that it reads.
READS = {"zh": ("zh-Hans",), "zt": ("zh-Hant", "yue"), "pb": ("pt",)}
SHIPPED = Path(str(files("models") / "weights" / "translation"))  # packages of our own, ready to run


def installed(home: Path) -> dict[str, Path]:
    """Return the folder of the package for each BCP 47 code that one reads."""
    found: dict[str, Path] = {}
    for folder in sorted(home.glob("[!.]*_en")) if home.is_dir() else []:  # with a dot: one being installed
        code = folder.name.removesuffix("_en")
        found |= dict.fromkeys(READS.get(code, (code,)), folder)
    return found


class ArgosEngine:
    """One installed package; see `translator.Engine`."""

    def __init__(
        self, engine: ctranslate2.Translator, encode: Callable[[str], list[str]], decode: Callable[[list[str]], str],
        *, name: str, prefix: str = "",
    ) -> None:  # fmt: skip
        self._engine, self._encode, self._decode, self._prefix = engine, encode, decode, prefix
        self.name = name

    @classmethod
    def load(cls, folder: Path, *, workers: int = 1) -> Self:
        """Open a package's folder.

        Raises:
            ModelError: If a file is missing or damaged, or the package does not translate into English.
        """
        try:
            facts = json.loads((folder / "metadata.json").read_text("utf-8"))
            if facts["to_code"] != "en":
                raise ValueError(f"it translates into {facts['to_code']!r}, not into 'en'")
            encode, decode = _vocabulary(folder, facts["from_code"])
            engine = ctranslate2.Translator(str(folder / "model"), device="cpu", inter_threads=workers, intra_threads=1)
            name = f"argos {facts['from_code']}→en {facts.get('package_version', '?')}"
        except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ModelError(
                f"the translation package in {folder} cannot be opened ({error}); "
                "delete the folder and run `triage model fetch --translate …` again"
            ) from error
        return cls(engine, encode, decode, name=name, prefix=str(facts.get("target_prefix") or ""))

    def translate(self, sentences: Sequence[str]) -> list[str]:
        """Return one English sentence a sentence, in order; output is cut at LONGEST_OUTPUT pieces.

        Raises:
            ComponentError: If the engine fails.
        """
        if not sentences:
            return []
        try:
            results = self._engine.translate_batch(
                [self._encode(sentence)[:LONGEST_INPUT] for sentence in sentences],
                target_prefix=[[self._prefix]] * len(sentences) if self._prefix else None,
                beam_size=BEAMS,
                length_penalty=LENGTH_PENALTY,
                max_batch_size=BATCH,
                max_decoding_length=LONGEST_OUTPUT,
                replace_unknowns=True,
            )
        except RuntimeError as error:
            raise ComponentError(f"{self.name} failed ({error})") from error
        return [self._decode([p for p in result.hypotheses[0] if p != self._prefix]).strip() for result in results]


def _vocabulary(folder: Path, from_code: str) -> tuple[Callable[[str], list[str]], Callable[[list[str]], str]]:
    """Return how a package cuts sentences into pieces, and how it joins them."""
    model = folder / "sentencepiece.model"
    if model.exists():
        pieces = sentencepiece.SentencePieceProcessor(model_file=str(model))
        return (
            lambda text: list(pieces.encode(text, out_type=str)),
            lambda found: str(pieces.decode_pieces(found)).replace("▁", " "),
        )
    if (folder / "bpe.model").exists():
        from argostranslate.tokenizer import BPETokenizer  # imports sacremoses, and neither torch nor stanza

        tokenizer = BPETokenizer(folder / "bpe.model", from_code, "en")
        return tokenizer.encode, tokenizer.decode
    raise ValueError("neither sentencepiece.model nor bpe.model is in it")
