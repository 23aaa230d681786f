"""A tiny Argos package: everything real but the weights, which are drawn by chance and translate into nonsense."""

import json
import zipfile
from pathlib import Path

SENTENCES = ["hay un bache en la calle", "no hay agua en el edificio", "there is a hole in the street", "no water 1234"]


def build_package(folder: Path, *, from_code: str = "es", to_code: str = "en", version: str = "1.0") -> Path:
    """Write an archive as the official index serves it, and return it."""
    name = f"translate-{from_code}_{to_code}-{version.replace('.', '_')}"
    inside = folder / f"{name}-files"
    _write_model(inside)
    facts = {"package_version": version, "argos_version": "1.0", "from_code": from_code, "to_code": to_code}
    (inside / "metadata.json").write_text(json.dumps(facts), "utf-8")
    archive = folder / f"{name}.argosmodel"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(inside.rglob("*")):
            if path.is_file():
                file.write(path, f"{from_code}_{to_code}/{path.relative_to(inside)}")
    return archive


def _write_model(folder: Path) -> None:
    import sentencepiece
    from ctranslate2.converters import TransformersConverter
    from transformers import MarianConfig, MarianMTModel, MarianTokenizer

    folder.mkdir(parents=True)
    source = folder.parent / "pieces"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES),
        model_prefix=str(source),
        vocab_size=44,
        minloglevel=2,
        hard_vocab_limit=False,
    )
    pieces = sentencepiece.SentencePieceProcessor(model_file=f"{source}.model")
    words = ["<unk>", "</s>", *(pieces.id_to_piece(number) for number in range(3, pieces.get_piece_size())), "<pad>"]
    vocabulary = folder.parent / "vocab.json"
    vocabulary.write_text(json.dumps({word: number for number, word in enumerate(words)}), "utf-8")
    pad = len(words) - 1
    config = MarianConfig(
        vocab_size=len(words), d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, max_position_embeddings=512,
        pad_token_id=pad, eos_token_id=1, decoder_start_token_id=pad, forced_eos_token_id=1,
    )  # fmt: skip
    marian = folder.parent / "marian"
    MarianMTModel(config).save_pretrained(str(marian))
    MarianTokenizer(f"{source}.model", f"{source}.model", str(vocabulary)).save_pretrained(str(marian))
    TransformersConverter(str(marian)).convert(str(folder / "model"), quantization="int8")
    (folder / "sentencepiece.model").write_bytes(Path(f"{source}.model").read_bytes())
