"""The multilingual student's vocabulary: SentencePiece's unigram pieces, small languages getting their share."""

import random
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram

from models.recipes.pairs import Pair

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
VOCABULARY = 48_000
SMOOTHING = 0.5  # of the languages' shares in the text that the vocabulary is learned from
VOCABULARY_LINES = 260_000


def vocabulary(pairs: Sequence[Pair], path: Path) -> Tokenizer:
    """Return the student's tokenizer, learned by SentencePiece (unigram), small languages getting their share."""
    if not path.exists():
        _learn_vocabulary(pairs, path)
    return Tokenizer.from_file(str(path))


def normalized(text: str) -> str:
    """Return the text as the vocabulary knows it: NFKC, lower case."""
    return unicodedata.normalize("NFKC", text).lower()


def _learn_vocabulary(pairs: Sequence[Pair], path: Path) -> None:
    import sentencepiece

    lines = path.with_suffix(".txt")
    lines.write_text("\n".join(_vocabulary_lines(pairs)), "utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(lines),
        model_prefix=str(path.with_suffix("")),
        vocab_size=VOCABULARY,
        model_type="unigram",
        character_coverage=0.9997,
        normalization_rule_name="identity",
        num_threads=2,
        pad_id=0, unk_id=1, bos_id=2, eos_id=3,
        pad_piece=SPECIAL[0], unk_piece=SPECIAL[1], bos_piece=SPECIAL[2], eos_piece=SPECIAL[3],
        split_digits=True,
        minloglevel=1,
    )  # fmt: skip
    model = sentencepiece.SentencePieceProcessor(model_file=str(path.with_suffix(".model")))
    pieces = [(model.id_to_piece(number), model.get_score(number)) for number in range(model.get_piece_size())]
    tokenizer = Tokenizer(Unigram(pieces, unk_id=1, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(path))


def _vocabulary_lines(pairs: Sequence[Pair]) -> Iterator[str]:
    by_language: dict[str, list[str]] = {}
    for pair in pairs:
        by_language.setdefault(pair.language.split("-")[0], []).append(pair.text)
    shares = {code: len(texts) ** SMOOTHING for code, texts in by_language.items()}
    rng = random.Random(2)
    for code, texts in sorted(by_language.items()):
        wanted = round(VOCABULARY_LINES * shares[code] / sum(shares.values()))
        for text in rng.sample(texts, min(wanted, len(texts))):
            yield normalized(text).replace("\n", " ")
