"""The translator's recipe: what it learns from, and that what it exports says what it learned."""

import random
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
import sentencepiece
import torch

from models.recipes import long_training, translation_network
from models.recipes.pairs import Pair
from models.recipes.translation import TAGS, sentence_pairs, tagged, tokenized, vocabulary
from models.recipes.translation_network import END, PAD, START, Trainer, batch_loss, endless_batches, export
from models.translation_engines import ArgosEngine
from models.translation_guard import restored

PAIRS = [
    Pair("hay un bache en la calle", "there is a hole in the street", "es"),
    Pair("no hay agua en el edificio", "there is no water in the building", "es"),
    Pair("el semáforo no sirve", "the signal is broken", "es"),
]


def test_a_message_is_taken_apart_where_its_sentences_match_their_english() -> None:
    message = Pair("Hay un bache. ¿Cuándo vienen?\nGracias", "There is a pothole. When do you come?\nThanks", "es")
    assert [(part.text, part.english) for part in sentence_pairs(message)] == [
        ("Hay un bache.", "There is a pothole."),
        ("¿Cuándo vienen?", "When do you come?"),
        ("Gracias", "Thanks"),
    ]


@pytest.mark.parametrize("english", ["One sentence for two.", "Three. For. Two."])
def test_a_message_whose_sentences_do_not_match_is_not_taken_apart(english: str) -> None:
    assert sentence_pairs(Pair("Hay un bache. Vengan.", english, "es")) == []


def test_a_tag_stands_on_both_sides_for_the_same_name_or_number() -> None:
    pair = Pair("Vivo en 4410 Alhambra y no en Florin", "I live at 4410 Alhambra, not Fruitridge", "es")
    seen = set()
    for seed in range(60):
        result = tagged(pair, random.Random(seed))
        used = [tag for tag in TAGS if tag in result.text]
        assert used == [tag for tag in TAGS if tag in result.english]
        assert "Florin" in result.text
        assert "Fruitridge" in result.english
        kept = [name for tag, name in _in_place_of(used, result.text, pair.text)]
        assert restored(result.text, kept) == pair.text
        seen.add(len(used))
    assert seen == {0, 2}


def _in_place_of(tags: list[str], text: str, original: str) -> list[tuple[str, str]]:
    words = dict(zip(text.split(), original.split(), strict=True))
    return [(tag, words[tag]) for tag in tags]


def test_batches_come_pass_after_pass_and_leave_no_pair_out(tmp_path: Path) -> None:
    items = tokenized(PAIRS, _pieces(tmp_path), rough=False)
    batches = endless_batches(items)
    first, second = next(batches), next(batches)
    assert sorted(item.source for item in first) == sorted(item.source for item in second)
    assert len(first) == len(PAIRS)


def test_the_exported_package_says_what_the_network_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import BartConfig, BartForConditionalGeneration

    pieces = _pieces(tmp_path)
    config = BartConfig(
        vocab_size=pieces.get_piece_size(), d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=512, dropout=0.0,
        pad_token_id=PAD, bos_token_id=START, eos_token_id=END, decoder_start_token_id=START, forced_eos_token_id=None,
        activation_function="gelu", init_std=0.1,
    )  # fmt: skip
    items = tokenized(PAIRS, pieces, rough=False)
    monkeypatch.setattr(translation_network, "RATE", 3e-3)  # a small network bears it, and is done in seconds
    torch.manual_seed(0)
    torch.set_num_threads(1)  # two that wait for each other are slow where somebody else works beside them
    monkeypatch.setattr(long_training, "time", SimpleNamespace(monotonic=count().__next__))  # a second a step
    trainer = Trainer(BartForConditionalGeneration(config), items, tmp_path / "checkpoint.pt", budget_s=700)
    with torch.inference_mode():
        before = float(batch_loss(trainer.body, items))
    trainer.run(items)
    with torch.inference_mode():
        assert float(batch_loss(trainer.body, items)) < before / 3
    facts = {"package_version": "9", "from_code": "es", "to_code": "en"}
    export(trainer.body, tmp_path / "sentencepiece.model", tmp_path / "es_en", facts)
    engine = ArgosEngine.load(tmp_path / "es_en")
    assert engine.translate([pair.text for pair in PAIRS]) == [pair.english for pair in PAIRS]
    assert engine.name == "argos es→en 9"


def _pieces(folder: Path) -> sentencepiece.SentencePieceProcessor:
    return vocabulary(PAIRS, folder / "sentencepiece.model", size=90)
