"""Trains the multilingual student: MiniLM's body with a new vocabulary, distilled from parallel text.

    python -m models.recipes.encoder --work FOLDER --minutes 60

Each stage leaves its result in the work folder and is skipped when it stands there, so that the same command goes
on after a break; the training itself leaves a checkpoint every ten minutes. The English sides are embedded by the
encoder that the service uses, so that both languages meet in the very space that the classifier and the index live
in. After Reimers and Gurevych 2020, "Making Monolingual Sentence Embeddings Multilingual using Knowledge
Distillation"; the vocabulary starts from its English neighbors (see `bag`).
"""

import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import torch
import typer
from tokenizers import Tokenizer
from torch import Tensor, nn

from models import conversion, datasets
from models.encoder import MiniLMEncoder
from models.precision import mixed_precision
from models.recipes.bag import english_neighbors, fit_bag
from models.recipes.long_training import LongTraining, Stateful, batches_by_length
from models.recipes.pairs import PAIRS, Pair, held_out, read_pairs, residents_pairs, roughened
from models.recipes.stored import bert_weights
from models.recipes.vocabulary import SPECIAL, vocabulary
from triage.types import Vectors

if TYPE_CHECKING:
    from transformers import BertModel

ENGLISH_SHARE = 0.06  # English sides that the student reads as well
RESIDENTS_REPEATS = 8
MOST_PIECES = 96
PIECES_PER_BATCH = 1_200  # about 80 sentences: more, smaller steps teach more in the same time
EMBEDDING_RATE, BODY_RATE = 1e-3, 2e-4
WARM_UP = 0.03
CONTRAST, TEMPERATURE = 0.3, 0.05
WATCHED = (("es", "tatoeba"), ("vi", "massive"), ("ru", "tatoeba"), ("ko", "massive"))


@dataclass(frozen=True, slots=True)
class Item:
    """A tokenized sentence and the row of its English side in the teacher's vectors."""

    pieces: tuple[int, ...]
    target: int


def main(
    work: Annotated[Path, typer.Option(help="Folder of stages and checkpoints.")],
    data: Annotated[Path, typer.Option(envvar="TRIAGE_DATA_DIR", help="Folder that holds parallel/.")],
    encoder: Annotated[Path, typer.Option(help="The converted English encoder: TRIAGE_HOME/encoder/…")],
    minutes: Annotated[float, typer.Option(help="Training ends by then; the learning rate falls to 0 at it.")] = 60,
    threads: Annotated[int, typer.Option(help="Processor cores.")] = 2,
    share: Annotated[
        float, typer.Option(help="Of the parallel text; with less, the project's own messages weigh more.")
    ] = 1,
    pace: Annotated[float, typer.Option(help="Of the learning rates; a short further pass wants less than 1.")] = 1,
    again: Annotated[bool, typer.Option("--again", help="A further pass, from the weights of the last.")] = False,
    start: Annotated[
        Path | None, typer.Option(help="Go on from exported weights, such as models/weights/encoder.")
    ] = None,
) -> None:
    """Train the student and leave it in WORK/student in the Hugging Face layout, ready for models.conversion."""
    torch.set_num_threads(threads)
    work.mkdir(parents=True, exist_ok=True)
    teacher = MiniLMEncoder.load(encoder, workers=threads)
    pairs = gather(data / "parallel", share)
    print(f"{len(pairs):,} pairs: {dict(Counter(pair.language for pair in pairs).most_common())}", flush=True)
    english = sorted({pair.english for pair in pairs})
    targets = teacher_vectors(english, teacher, work / "teacher.npy")
    tokenizer = vocabulary(pairs, (start or work) / "tokenizer.json")
    items = tokenized(pairs, english, tokenizer)
    if start:
        body = further_student(tokenizer, start)
    else:
        body = student(tokenizer, items, targets, teacher, work / "start.npy")
    watched = {f"{code}.{source}": held_out(data / "parallel", code, source)[:300] for code, source in WATCHED}
    Trainer(body, tokenizer, items, targets, work, minutes * 60, pace).run(watched, teacher, again=again)
    save_student(body, tokenizer, work / "student")


def gather(parallel: Path, share: float = 1.0) -> list[Pair]:
    """Return a share of the plan's pairs, own messages repeated, and some English as its own translation."""
    pairs = [pair for code, most in PAIRS.items() for pair in read_pairs(parallel, code, most=round(share * most))]
    data = datasets.default_data()
    residents, their_english = residents_pairs([data, data.parent / "safety"])
    chosen = random.Random(0).sample(sorted({pair.english for pair in pairs}), int(ENGLISH_SHARE * len(pairs)))
    english = [Pair(text, text, "en") for text in (*chosen, *their_english)]
    return pairs + residents * RESIDENTS_REPEATS + english


def teacher_vectors(english: Sequence[str], teacher: MiniLMEncoder, path: Path) -> Vectors:
    """Return the teacher's vectors, float16 on disk, shape (n_english, dim); new sentences are embedded, old kept."""
    names = path.with_suffix(".json")
    known: dict[str, int] = {}
    old: Vectors = np.zeros((0, teacher.dim), dtype=np.float32)
    if path.exists() and names.exists():
        known = {text: row for row, text in enumerate(json.loads(names.read_text("utf-8")))}
        old = np.load(path).astype(np.float32)
    fresh = sorted({text for text in english if text not in known}, key=len)
    parts = [old]
    started = time.monotonic()
    for start in range(0, len(fresh), 4_096):
        parts.append(teacher.encode(fresh[start : start + 4_096]))
        print(f"teacher {start:,} of {len(fresh):,}, {time.monotonic() - started:.0f} s", flush=True)
    if fresh:
        known |= {text: len(old) + number for number, text in enumerate(fresh)}
        np.save(path, np.concatenate(parts).astype(np.float16))
        names.write_text(json.dumps(list(known), ensure_ascii=False), "utf-8")
    everything = np.concatenate(parts)
    vectors: Vectors = everything[[known[text] for text in english]]
    return vectors


def tokenized(pairs: Sequence[Pair], english: Sequence[str], tokenizer: Tokenizer) -> list[Item]:
    """Return the roughened sentences as pieces; a pair without any is left out."""
    rows = {text: row for row, text in enumerate(english)}
    rng = random.Random(1)
    texts = [roughened(pair, rng) for pair in pairs]
    encodings = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    return [
        Item(tuple(encoding.ids[:MOST_PIECES]), rows[pair.english])
        for pair, encoding in zip(pairs, encodings, strict=True)
        if encoding.ids
    ]


def student(
    tokenizer: Tokenizer, items: Sequence[Item], targets: Vectors, teacher: MiniLMEncoder, path: Path
) -> nn.Module:
    """Return the teacher's network with the new vocabulary in it, each piece starting at its English neighbors."""
    from transformers import BertModel

    body = BertModel.from_pretrained(str(conversion.packaged_weights()), add_pooling_layer=False)
    words = Tokenizer.from_file(str(conversion.packaged_weights() / "tokenizer.json"))
    old: Vectors = body.embeddings.word_embeddings.weight.detach().numpy()
    if not path.exists():
        started = time.monotonic()
        bag = fit_bag(
            [list(item.pieces) for item in items],
            targets[[item.target for item in items]],
            vocabulary=tokenizer.get_vocab_size(),
        )
        print(f"bag of pieces fitted in {time.monotonic() - started:.0f} s", flush=True)
        chosen = [row for row, word in sorted((v, k) for k, v in words.get_vocab().items()) if _is_word(word)]
        by_row = {row: word for word, row in words.get_vocab().items()}
        alone = teacher.encode([by_row[row].removeprefix("##") for row in chosen])
        np.save(path, english_neighbors(bag, alone, old[chosen]))
    inputs = np.load(path)
    for number, name in enumerate(SPECIAL):
        inputs[number] = old[words.token_to_id(name)]
    return _with_vocabulary(body, torch.from_numpy(inputs))


def further_student(tokenizer: Tokenizer, start: Path) -> nn.Module:
    """Return the network with the weights that an earlier training exported."""
    from transformers import BertModel

    body = BertModel.from_pretrained(str(conversion.packaged_weights()), add_pooling_layer=False)
    weights = bert_weights(start)
    further = _with_vocabulary(body, weights["embeddings.word_embeddings.weight"])
    further.load_state_dict(weights)
    return further


def _with_vocabulary(body: "BertModel", inputs: Tensor) -> nn.Module:
    size, dim = inputs.shape
    body.embeddings.word_embeddings = nn.Embedding(size, dim, sparse=True, _weight=inputs)
    body.config.vocab_size = size
    body.config.pad_token_id = 0
    module: nn.Module = body
    return module


class Trainer:
    """One pass over the items, by the clock: what is not reached in time is not read."""

    def __init__(
        self,
        body: nn.Module,
        tokenizer: Tokenizer,
        items: Sequence[Item],
        targets: Vectors,
        work: Path,
        budget_s: float,
        pace: float = 1.0,
    ) -> None:
        self.body, self.tokenizer, self.items, self.targets = body, tokenizer, items, torch.from_numpy(targets)
        embedding = [parameter for name, parameter in body.named_parameters() if "word_embeddings" in name]
        rest = [parameter for name, parameter in body.named_parameters() if "word_embeddings" not in name]
        words = torch.optim.SparseAdam(embedding, lr=EMBEDDING_RATE)
        layers = torch.optim.AdamW(rest, lr=BODY_RATE, weight_decay=0.01, fused=True)
        self.optimizers = ((words, pace * EMBEDDING_RATE), (layers, pace * BODY_RATE))
        parts: dict[str, Stateful] = {"body": body, "words": words, "layers": layers}
        self.training = LongTraining(parts, work / "checkpoint.pt", budget_s)

    def run(self, watched: dict[str, list[Pair]], teacher: MiniLMEncoder, *, again: bool) -> None:
        """Train, from the checkpoint where there is one; `again` starts the clock and the pass anew."""
        training = self.training
        training.resume()
        if again:
            training.start_again()
        batches = batches_by_length(self.items, _pieces_of, PIECES_PER_BATCH, random.Random(training.passes))
        known = {name: teacher.encode([pair.english for pair in pairs]) for name, pairs in watched.items()}
        noted = time.monotonic()
        losses: list[float] = []
        self.body.eval()  # no dropout: the aim is the teacher's very vector, and attention without it is faster
        while training.steps < len(batches) and training.progress < 1:
            losses.append(training.step(partial(self._learn, batches[training.steps], training.steps / len(batches))))
            if time.monotonic() - noted > 120 or training.steps == len(batches):
                found = {name: self._found_first(watched[name], known[name]) for name in watched}
                print(
                    f"batch {training.steps:,} of {len(batches):,}, {training.spent_s / 60:.1f} min, "
                    f"loss {np.mean(losses[-300:]):.4f}, found first {found}",
                    flush=True,
                )
                noted = time.monotonic()
        training.save()

    def _learn(self, batch: Sequence[Item], share_read: float) -> float:
        progress = max(share_read, self.training.progress)
        rate = min(1.0, progress / WARM_UP) * max(0.02, 1 - progress)
        for optimizer, base in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = base * rate
            optimizer.zero_grad()
        with mixed_precision():
            vectors = embed(self.body, [item.pieces for item in batch])
        targets = self.targets[[item.target for item in batch]]
        loss = (1 - (vectors * targets).sum(1)).mean()
        if CONTRAST and len(batch) > 1:
            same = torch.tensor([item.target for item in batch])
            logits = vectors @ targets.T / TEMPERATURE
            twins = (same[:, None] == same[None, :]) & ~torch.eye(len(batch), dtype=torch.bool)
            logits = logits.masked_fill(twins, -1e9)
            loss = loss + CONTRAST * nn.functional.cross_entropy(logits, torch.arange(len(batch)))
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_([p for g in self.optimizers[1][0].param_groups for p in g["params"]], 1.0)
        for optimizer, _ in self.optimizers:
            optimizer.step()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def _found_first(self, pairs: Sequence[Pair], known: Vectors) -> float:
        encodings = self.tokenizer.encode_batch_fast([pair.text for pair in pairs], add_special_tokens=False)
        with torch.inference_mode():
            vectors = embed(self.body, [tuple(e.ids[:MOST_PIECES]) or (1,) for e in encodings]).numpy()
        return round(float(((vectors @ known.T).argmax(1) == np.arange(len(pairs))).mean()), 3)


def embed(body: nn.Module, rows: Sequence[tuple[int, ...]]) -> Tensor:
    """Return mean token vectors of unit length, shape (n_rows, dim); [CLS] and [SEP] are put around each row."""
    width = max(len(row) for row in rows) + 2
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for number, row in enumerate(rows):
        ids[number, : len(row) + 2] = torch.tensor((2, *row, 3))
        mask[number, : len(row) + 2] = 1
    states: Tensor = body(input_ids=ids, attention_mask=mask).last_hidden_state
    weights = mask[:, :, None].float()
    means = (states.float() * weights).sum(1) / weights.sum(1)
    return nn.functional.normalize(means, dim=1)


def save_student(body: nn.Module, tokenizer: Tokenizer, out: Path) -> None:
    """Write weights and tokenizer so that models.conversion can read them."""
    body.save_pretrained(str(out))  # type: ignore[operator]
    tokenizer.save(str(out / "tokenizer.json"))
    names = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]"}
    (out / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", **names}))


def _pieces_of(item: Item) -> tuple[int]:
    return (len(item.pieces) + 2,)


def _is_word(piece: str) -> bool:
    return piece.removeprefix("##").isalpha() and piece.isascii() and len(piece.removeprefix("##")) > 1


if __name__ == "__main__":
    typer.run(main)
