"""The network of a small translator: the multilingual encoder reads, layers of its English teacher write.

Both halves know their words already when training begins (Rothe et al. 2020, "Leveraging Pre-trained Checkpoints for
Sequence Generation Tasks"): an hour teaches what takes days from nothing.
"""

import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import sentencepiece
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from models import conversion
from models.precision import mixed_precision
from models.recipes.long_training import LongTraining, batches_by_length
from models.recipes.stored import bert_weights

if TYPE_CHECKING:
    from transformers import BartForConditionalGeneration

PAD, UNKNOWN, START, END = range(4)
BART_OFFSET = 2  # before its first position
ENCODER_LAYERS = 4  # of six: the last ones make every word's state the sentence's, and nothing is left to attend to
DECODER_LAYERS = (2, 5)  # of the teacher's six
PIECES_PER_BATCH = 1_800
RATE, ENCODER_SHARE = 7e-4, 0.5
READER_RESTS = 0.05  # of the time: until the writing half has found its way, the reading half stays as it is
WARM_UP = 0.04
SMOOTHING = 0.1


@dataclass(frozen=True, slots=True)
class Item:
    """A pair as pieces."""

    source: tuple[int, ...]
    english: tuple[int, ...]


def translator(pieces: sentencepiece.SentencePieceProcessor, encoder: Path) -> "BartForConditionalGeneration":
    """Return the untrained translator: the encoder reads, layers of its English teacher write."""
    from transformers import BartConfig, BartForConditionalGeneration, BertModel

    reader = bert_weights(encoder)
    teacher = BertModel.from_pretrained(str(conversion.packaged_weights()), add_pooling_layer=False)
    config = BartConfig(
        vocab_size=pieces.get_piece_size(), d_model=teacher.config.hidden_size,
        encoder_layers=ENCODER_LAYERS, decoder_layers=len(DECODER_LAYERS),
        encoder_attention_heads=teacher.config.num_attention_heads,
        decoder_attention_heads=teacher.config.num_attention_heads,
        encoder_ffn_dim=teacher.config.intermediate_size, decoder_ffn_dim=teacher.config.intermediate_size,
        max_position_embeddings=teacher.config.max_position_embeddings, activation_function="gelu",
        dropout=0.0, pad_token_id=PAD, bos_token_id=START, eos_token_id=END,
        decoder_start_token_id=START, forced_eos_token_id=None,
    )  # fmt: skip
    body = BartForConditionalGeneration(config)
    with torch.no_grad():
        body.model.shared.weight.copy_(_inputs(pieces, encoder, reader["embeddings.word_embeddings.weight"]))
        writer = {name: value.detach() for name, value in teacher.state_dict().items()}
        for half, weights in ((body.model.encoder, reader), (body.model.decoder, writer)):
            _set_positions(half, weights)
        for number, layer in enumerate(body.model.encoder.layers):
            _set_layer(layer, reader, number)
        for number, layer in zip(DECODER_LAYERS, body.model.decoder.layers, strict=True):
            _set_layer(layer, writer, number)
    return body


def _inputs(pieces: sentencepiece.SentencePieceProcessor, encoder: Path, known: Tensor) -> Tensor:
    """Return a vector a piece: the encoder's own, or the mean over what it cuts the piece into."""
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    names = [pieces.id_to_piece(number) for number in range(pieces.get_piece_size())]
    rows = [_known_rows(name, tokenizer) for name in names]
    return torch.stack([known[row].mean(0) for row in rows])


def _known_rows(piece: str, tokenizer: Tokenizer) -> list[int]:
    whole = tokenizer.token_to_id(piece.lower())
    if whole is not None:
        return [whole]
    lead = tokenizer.token_to_id("▁")
    found = [row for row in tokenizer.encode(piece.replace("▁", " "), add_special_tokens=False).ids if row != lead]
    return found or [UNKNOWN]


def _set_positions(half: nn.Module, weights: Mapping[str, Tensor]) -> None:
    kind = weights["embeddings.token_type_embeddings.weight"][0]  # a sentence has but one
    half.get_parameter("embed_positions.weight")[BART_OFFSET:] = weights["embeddings.position_embeddings.weight"] + kind
    for name in ("weight", "bias"):
        half.get_parameter(f"layernorm_embedding.{name}").copy_(weights[f"embeddings.LayerNorm.{name}"])


def _set_layer(layer: nn.Module, weights: Mapping[str, Tensor], number: int) -> None:
    """Copy one BERT layer; attention between the halves starts as attention within."""
    parts = {"fc1": "intermediate.dense", "fc2": "output.dense", "final_layer_norm": "output.LayerNorm"}
    for ours in ("self_attn", "encoder_attn"):
        if hasattr(layer, ours):
            parts |= {f"{ours}.{x[0]}_proj": f"attention.self.{x}" for x in ("query", "key", "value")}
            parts |= {f"{ours}.out_proj": "attention.output.dense", f"{ours}_layer_norm": "attention.output.LayerNorm"}
    for ours, theirs in parts.items():
        for kind in ("weight", "bias"):
            layer.get_parameter(f"{ours}.{kind}").copy_(weights[f"encoder.layer.{number}.{theirs}.{kind}"])


class Trainer:
    """Passes over the items until the clock ends; a checkpoint every ten minutes."""

    def __init__(
        self, body: "BartForConditionalGeneration", items: Sequence[Item], checkpoint: Path, budget_s: float
    ) -> None:
        self.body, self.items = body, items
        reading = [parameter for name, parameter in body.named_parameters() if "encoder.layers" in name]
        rest = [parameter for name, parameter in body.named_parameters() if "encoder.layers" not in name]
        self.optimizer = torch.optim.AdamW(
            [{"params": reading, "share": ENCODER_SHARE}, {"params": rest, "share": 1.0}],
            lr=RATE, betas=(0.9, 0.98), weight_decay=0.01, fused=True,
        )  # fmt: skip
        self.training = LongTraining({"body": body, "optimizer": self.optimizer}, checkpoint, budget_s)

    def run(self, watched: Sequence[Item]) -> "BartForConditionalGeneration":
        """Train, from the checkpoint where there is one, and return what was trained."""
        training = self.training
        training.resume()
        noted = time.monotonic()
        losses: list[float] = []
        for batch in islice(endless_batches(self.items), training.steps, None):
            if training.progress >= 1:
                break
            self.body.train()
            losses.append(training.step(partial(self._learn, batch)))
            if time.monotonic() - noted > 120:
                print(f"step {training.steps:,}, {training.spent_s / 60:.1f} min, loss {np.mean(losses[-300:]):.3f}, "
                      f"held-out loss {self._held_out(watched):.3f}", flush=True)  # fmt: skip
                noted = time.monotonic()
        training.save()
        return self.body

    def _learn(self, batch: Sequence[Item]) -> float:
        """Learn from one batch, at the rate of this moment of the clock, and return its loss."""
        progress = self.training.progress
        rate = RATE * min(1.0, progress / WARM_UP) * max(0.01, 1 - progress)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]
        self.optimizer.zero_grad()
        loss = batch_loss(self.body, batch, smoothing=SMOOTHING, reader_rests=progress < READER_RESTS)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.body.parameters(), 1.0)
        self.optimizer.step()
        return float(loss.detach())

    def _held_out(self, watched: Sequence[Item]) -> float:
        self.body.eval()
        with torch.inference_mode():
            return float(batch_loss(self.body, watched))


def batch_loss(
    body: "BartForConditionalGeneration", batch: Sequence[Item], *, smoothing: float = 0.0, reader_rests: bool = False
) -> Tensor:
    """Return the cross-entropy a piece, in nats, of the English given the source."""
    sources = _padded([item.source for item in batch])
    before = _padded([(START, *item.english) for item in batch])
    after = _padded([(*item.english, END) for item in batch])
    mask = sources != PAD
    with mixed_precision():
        with torch.set_grad_enabled(torch.is_grad_enabled() and not reader_rests):
            read = body.model.encoder(input_ids=sources, attention_mask=mask)
        logits = body(encoder_outputs=read, attention_mask=mask, decoder_input_ids=before, use_cache=False).logits
    told = after != PAD
    return nn.functional.cross_entropy(logits[told].float(), after[told], label_smoothing=smoothing)


def endless_batches(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Yield batches of about PIECES_PER_BATCH pieces, pairs of like length together, pass after pass."""
    rng = random.Random(0)
    while True:
        yield from batches_by_length(items, _pieces_of, PIECES_PER_BATCH, rng)


def _pieces_of(item: Item) -> tuple[int, int]:
    return len(item.english) + 1, len(item.source) + 1


def export(body: "BartForConditionalGeneration", pieces: Path, out: Path, facts: Mapping[str, str]) -> None:
    """Write a translator as an Argos Translate package with a CTranslate2 int8 model.

    Args:
        body: It reads no end-of-sentence piece after the source, as the packages of the official index do not.
        pieces: The SentencePiece model.
        out: The package's folder.
        facts: What metadata.json says.
    """
    from ctranslate2.converters.transformers import BartLoader

    body.eval()
    body.config.normalize_before = False
    (out / "model").mkdir(parents=True, exist_ok=True)
    spec = BartLoader()(body, _Names(sentencepiece.SentencePieceProcessor(model_file=str(pieces))))
    spec.validate()
    spec.optimize("int8")
    spec.save(str(out / "model"))
    (out / "sentencepiece.model").write_bytes(pieces.read_bytes())
    (out / "metadata.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")


class _Names:
    """The vocabulary, in the words that CTranslate2's converter asks for it."""

    bos_token, eos_token, unk_token = "<s>", "</s>", "<unk>"

    def __init__(self, pieces: sentencepiece.SentencePieceProcessor) -> None:
        self._names = [pieces.id_to_piece(number) for number in range(pieces.get_piece_size())]

    def get_vocab(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self._names)}

    def convert_ids_to_tokens(self, number: int) -> str:
        return self._names[number]


def _padded(rows: Sequence[Sequence[int]]) -> Tensor:
    width = max(len(row) for row in rows)
    return torch.tensor([[*row, *[PAD] * (width - len(row))] for row in rows])
