"""Fits the networks that read again what may tell of danger: an encoder's own weights, trained through.

A head on frozen states hears what is told with words of danger; that a wall is "too hot to touch" a network learns only
where all of its layers may change. One begins as the English encoder, one as the multilingual one; they learn from the
project's own messages alone. Run by `models.recipes.danger`.
"""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from models import conversion
from models.danger import HEAD
from models.ear import ALONE_SCALE, Ear
from models.encoder import STUDENT, TOKENIZER, MiniLMEncoder, open_tokenizer
from models.precision import mixed_precision
from models.recipes.ears import Ints, Lesson, lesson_loss, plain_mean, shuffled
from models.recipes.encoder import further_student, save_student

READ = "read.json"  # in a network's folder: the writers that it has learned from
BATCH, RATE, HEAD_RATE, DECAY, WARM_UP = 32, 4e-5, 1e-3, 0.01, 0.1
HIDDEN, DROPPED = 160, 0.2
MOST_PIECES = 126  # of a text that are learned from; reading goes on in windows
NOTED = 100  # steps between two lines of progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What a network begins as: an encoder's body and its tokenizer; and how often it reads its messages."""

    body: nn.Module
    tokenizer: Tokenizer
    epochs: int

    @classmethod
    def english(cls) -> "Beginning":
        """Return all-MiniLM-L6-v2."""
        from transformers import BertModel

        folder = conversion.packaged_weights()
        body: nn.Module = BertModel.from_pretrained(str(folder), add_pooling_layer=False)
        return cls(body=body, tokenizer=open_tokenizer(folder / TOKENIZER), epochs=3)

    @classmethod
    def multilingual(cls) -> "Beginning":
        """Return the student that ships."""
        tokenizer = open_tokenizer(STUDENT / TOKENIZER)
        return cls(body=further_student(tokenizer, STUDENT), tokenizer=tokenizer, epochs=2)


class _Network(nn.Module):
    """A body, and a head on the mean of its states, of the form that `models.ear.MeanMember` reads."""

    def __init__(self, beginning: Beginning) -> None:
        super().__init__()
        self.body, tokenizer = beginning.body, beginning.tokenizer
        self.ends = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
        self.head = nn.Sequential(nn.Linear(384, HIDDEN), nn.ReLU(), nn.Dropout(DROPPED), nn.Linear(HIDDEN, 2))
        for name, parameter in self.body.named_parameters():
            parameter.requires_grad = "word_embeddings" not in name  # few messages would only blur them

    def forward(self, pieces: Sequence[Sequence[int]]) -> Tensor:
        width = max(len(row) for row in pieces) + 2
        ids = torch.zeros((len(pieces), width), dtype=torch.long)
        mask = torch.zeros((len(pieces), width), dtype=torch.long)
        for number, row in enumerate(pieces):
            ids[number, : len(row) + 2] = torch.tensor((self.ends[0], *row, self.ends[1]))
            mask[number, : len(row) + 2] = 1
        with mixed_precision():
            states: Tensor = self.body(input_ids=ids, attention_mask=mask).last_hidden_state
        means = nn.functional.normalize((states.float() * mask[:, :, None]).sum(1), dim=1)
        logits: Tensor = self.head(ALONE_SCALE * means)
        return logits


def fit_network(
    beginning: Beginning, texts: Sequence[str], writers: Sequence[str], lesson: Lesson, chosen: Ints, out: Path
) -> None:
    """Train on some of the texts, and leave the converted network and its head in `out`, whole or not at all.

    Args:
        beginning: Changed in place.
        texts: All of them.
        writers: Of all texts.
        lesson: Of all texts.
        chosen: The texts to learn from, shape (n,).
        out: Folder to make; `models.danger.load_network` opens it.
    """
    torch.manual_seed(0)
    encodings = beginning.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    pieces = [encoding.ids[:MOST_PIECES] for encoding in encodings]
    network = _Network(beginning)
    _train(network, pieces, lesson, chosen, beginning.epochs)
    with TemporaryDirectory(prefix="danger-") as scratch:
        folder = Path(scratch) / out.name
        save_student(network.body, beginning.tokenizer, folder)
        converted = Path(scratch) / "converted" / out.name
        conversion.convert(str(folder), converted)
        version = MiniLMEncoder.load(converted).version
        head: dict[str, Any] = Ear([plain_mean(network.head)], version).arrays("head")
        np.savez(converted / HEAD, **head)
        (converted / READ).write_text(json.dumps(sorted({writers[at] for at in chosen.tolist()})), "utf-8")
        shutil.move(converted, out)


def _train(network: _Network, pieces: Sequence[Sequence[int]], lesson: Lesson, chosen: Ints, epochs: int) -> None:
    rng = np.random.default_rng(0)
    groups = [
        {"params": [p for p in network.body.parameters() if p.requires_grad], "lr": RATE},
        {"params": network.head.parameters(), "lr": HEAD_RATE},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=DECAY)
    lengths = np.array([len(some) for some in pieces])
    steps = epochs * len(list(shuffled(chosen, lengths, rng, BATCH)))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [RATE, HEAD_RATE], total_steps=steps, pct_start=WARM_UP)
    started, losses = time.monotonic(), list[float]()
    network.train()
    for _ in range(epochs):
        for batch in shuffled(chosen, lengths, rng, BATCH):
            loss = lesson_loss(network([pieces[at] for at in batch.tolist()]), lesson, batch)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            if len(losses) % NOTED == 0:
                mean, spent = np.mean(losses[-NOTED:]), time.monotonic() - started
                print(f"step {len(losses):,} of {steps:,}, {spent:.0f} s, loss {mean:.3f}", flush=True)
