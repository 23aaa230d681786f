"""Fine-tuning of the English encoder on labelled messages: those of one label together, those of others apart.

The loss is supervised contrastive learning (Khosla et al. 2020, "Supervised Contrastive Learning", equation 2). The
network becomes a CTranslate2 int8 model like the one it came from and lies in the folder `encoder` of the classifier
that was trained on its vectors.

torch and sentence-transformers are imported in a process of its own (`python -m models.finetuning TASK OUT`), which
tells its steps on its output: their threads and those of CTranslate2 do not share a process well. Reading with a tuned
encoder needs neither.
"""

import hashlib
import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from models import conversion
from models.datasets import OUT_OF_SCOPE, Example
from triage.errors import ModelError
from triage.protocols import Encoder

if TYPE_CHECKING:
    from torch import Tensor

    from models.encoder import MiniLMEncoder

FOLDER = "encoder"  # in a model's folder
NAME = "minilm-l6-v2-tuned"
TOGETHER = 32  # messages that the network reads at a time
TIMED = 100  # messages that the cost of reading is measured on
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How an encoder is tuned.

    Attributes:
        passes: How often every message is read.
        least_steps: With few messages there are more passes, until there are so many steps.
        batch: Messages of a step; each is compared with all others of it.
        together: So many messages of a label are dealt into the same step.
        rate: Highest learning rate; it rises over a tenth of the steps and falls to 0.
        temperature: Divides the cosines.
        most_pieces: Word pieces of a message that are read.
        seed: Of everything that is drawn.
    """

    passes: int = 4
    least_steps: int = 60
    batch: int = 128
    together: int = 4
    rate: float = 5e-5
    temperature: float = 0.07
    most_pieces: int = 128
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuner:
    """Makes encoders of labelled messages.

    Attributes:
        tuning: How.
        source: Folder of the weights to begin with, in the sentence-transformers layout; the packaged ones where None.
    """

    tuning: Tuning = Tuning()
    source: Path | None = None

    def tune(self, examples: Sequence[Example], out: Path, progress: Progress) -> "MiniLMEncoder":
        """Fine-tune on the examples, convert the network into a folder that is not there yet, and open it.

        Messages out of scope belong to no label: others are kept away from them.

        Raises:
            ModelError: If torch or sentence-transformers is missing, the weights are not the published ones, or the
                conversion fails.
        """
        from models.encoder import MiniLMEncoder

        with TemporaryDirectory(prefix="triage-tune-") as scratch:
            folder = Path(scratch) / NAME
            self._in_a_process(examples, folder, progress)
            progress("convert", 0, 1)
            conversion.convert(str(folder), out)
            progress("convert", 1, 1)
        return MiniLMEncoder.load(out)

    def _in_a_process(self, examples: Sequence[Example], folder: Path, progress: Progress) -> None:
        require()
        task = {
            "source": str(self.source or conversion.packaged_weights()),
            "tuning": asdict(self.tuning),
            "examples": [[example.text, example.label] for example in examples],
        }
        path = folder.with_suffix(".json")
        path.write_text(json.dumps(task), encoding="utf-8")
        errors = folder.with_suffix(".txt")
        command = [sys.executable, "-m", "models.finetuning", str(path), str(folder)]
        with errors.open("w") as said, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True) as run:
            for line in run.stdout or ():
                done, total = map(int, line.split())
                progress("fine-tune", done, total)
        if run.returncode:
            last = errors.read_text(encoding="utf-8").strip().splitlines()[-1:]
            raise ModelError(f"the encoder could not be fine-tuned (exit code {run.returncode}): {last}")

    @property
    def facts(self) -> dict[str, Any]:
        """How it tunes and with what, for meta.json."""
        software = {name: version(name) for name in ("torch", "sentence-transformers")}
        return {"tuning": asdict(self.tuning), "software": software}


def own_encoder(folder: Path, *, workers: int = 2) -> "MiniLMEncoder | None":
    """Open the encoder that a model's folder carries; None where it has none and reads the service's vectors.

    Raises:
        ModelError: If it is damaged.
    """
    from models.encoder import MiniLMEncoder

    return MiniLMEncoder.load(folder / FOLDER, workers=workers) if (folder / FOLDER).is_dir() else None


def encoder_digest(folder: Path) -> bytes:
    """Return the SHA-256 of every file of a model's own encoder; nothing where it has none."""
    files = sorted(path for path in (folder / FOLDER).rglob("*") if path.is_file())
    return b"".join(hashlib.sha256(path.name.encode() + path.read_bytes()).digest() for path in files)


def cost_of(encoder: Encoder, folder: Path, examples: Sequence[Example]) -> dict[str, Any]:
    """Return what an encoder in a folder costs: milliseconds a message, read one by one, and MB (10^6 bytes)."""
    taken = []
    for example in examples[:TIMED]:
        began = time.perf_counter()
        encoder.encode([example.text], ())
        taken.append(time.perf_counter() - began)
    size = sum(path.stat().st_size for path in folder.rglob("*"))
    return {"version": encoder.version, "ms": round(1000 * float(np.median(taken)), 2), "mb": round(size / 1e6, 1)}


def card_section(meta: Mapping[str, Any]) -> str:
    """Return what a model's card says of its own encoder, Markdown; empty where it has none."""
    cost = meta.get("own_encoder")
    if not cost:
        return ""
    return (
        "\n## An encoder of its own\n\n"
        f"The encoder {cost['version']} was fine-tuned on these messages and lies beside the weights ({cost['mb']} "
        "MB). It can be measured with `triage model evaluate`, not activated: search, safety and translation need the "
        "service's own encoder, and this one would have to read every message a second time, "
        f"{cost['ms']} ms each where it was trained. It grew from an English network and reads all languages with "
        "it.\n\n"
        "The held-out messages were measured with an encoder that was tuned without them; the one here was tuned on "
        "all messages.\n"
    )


def fine_tune(examples: Sequence[Example], source: Path, out: Path, tuning: Tuning, progress: Progress) -> None:
    """Fine-tune a network here and write it in the sentence-transformers layout; on an accelerator where there is one.

    Args:
        examples: At least two messages of some label.
        source: Folder of the network to begin with.
        out: Folder to write.
        tuning: How.
        progress: Told of (what, done, total).
    """
    import torch

    torch.manual_seed(tuning.seed)
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    network = _open(source, str(accelerator or "cpu"), tuning.most_pieces)
    optimizer = torch.optim.AdamW(network.parameters(), lr=tuning.rate, weight_decay=0.01)
    steps = list(batches([example.label for example in examples], tuning))
    network.train()
    for number, batch in enumerate(steps):
        progress("fine-tune", number, len(steps))
        for group in optimizer.param_groups:
            group["lr"] = tuning.rate * _share_of_rate(number / len(steps))
        optimizer.zero_grad()
        loss = contrastive_loss(*_read(network, [examples[row] for row in batch]), tuning.temperature)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    progress("fine-tune", 1, 1)
    network.eval()
    network.save(str(out), create_model_card=False)


def require() -> None:
    """Look whether what fine-tuning needs is there.

    Raises:
        ModelError: If it is not; says what to install.
    """
    missing = [name for name in ("torch", "sentence_transformers") if find_spec(name) is None]
    if missing:
        raise ModelError(
            f"fine-tuning needs {' and '.join(missing)}; run `pip install torch sentence-transformers`, or train "
            "without --finetune"
        )


def batches(labels: Sequence[str], tuning: Tuning) -> Iterator[list[int]]:
    """Yield the messages of each step, as numbers, pass after pass; every message stands once in a pass.

    A label's messages are dealt `together` at a time, so that each has company; a message without any, and every one
    out of scope, is there for the others to be kept away from.
    """
    random = np.random.default_rng(tuning.seed)
    of_label: dict[str, list[int]] = defaultdict(list)
    for number, label in enumerate(labels):
        of_label[label].append(number)
    a_pass = -(-len(labels) // tuning.batch)
    for _ in range(max(tuning.passes, -(-tuning.least_steps // a_pass))):
        hands = [hand for numbers in of_label.values() for hand in _hands(random.permutation(numbers), tuning.together)]
        order = [number for at in random.permutation(len(hands)).tolist() for number in hands[at]]
        yield from (order[start : start + tuning.batch] for start in range(0, len(order), tuning.batch))


def contrastive_loss(vectors: "Tensor", labels: "Tensor", temperature: float) -> "Tensor":
    """Return how badly messages of one label are told from the others of the batch, a mean over those with company.

    Args:
        vectors: Embeddings, unit length, shape (n, dim).
        labels: Numbers, shape (n,); a negative one belongs to no label.
        temperature: Divides the cosines.
    """
    import torch

    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    same = (labels[:, None] == labels[None, :]) & (labels[:, None] >= 0) & ~itself
    shares = torch.log_softmax((vectors @ vectors.T / temperature).masked_fill(itself, -1e9), dim=1)
    company = same.sum(1)
    losses = -(shares * same).sum(1) / company.clamp(min=1)
    return losses.sum() / (company > 0).sum().clamp(min=1)


def _hands(numbers: "np.ndarray[Any, Any]", size: int) -> Iterator[list[int]]:
    """Yield the numbers `size` at a time; a rest of one goes to the one before it."""
    dealt = numbers.tolist()
    ends = list(range(size, len(dealt) - 1, size))
    yield from (dealt[start:end] for start, end in zip([0, *ends], [*ends, len(dealt)], strict=True))


def _share_of_rate(done: float) -> float:
    return min(1.0, (done + 0.01) / 0.1) * (1 - done)


def _open(source: Path, device: str, most_pieces: int) -> Any:  # noqa: ANN401 - a type of a library without types
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    network = SentenceTransformer(str(source), device=device, local_files_only=True)
    network.max_seq_length = most_pieces
    return network


def _read(network: Any, examples: Sequence[Example]) -> "tuple[Tensor, Tensor]":  # noqa: ANN401
    """Return vectors, which remember how they came about, and the numbers of the labels, both by length of message."""
    import torch

    from models.precision import mixed_precision

    names = sorted({example.label for example in examples} - {OUT_OF_SCOPE})
    numbers = {name: number for number, name in enumerate(names)}
    by_length = sorted(examples, key=lambda example: len(example.text))
    vectors = []
    for low in range(0, len(by_length), TOGETHER):  # messages of like length: padding would cost more than they do
        inputs = network.preprocess([example.text for example in by_length[low : low + TOGETHER]])
        there = {name: value.to(network.device) if hasattr(value, "to") else value for name, value in inputs.items()}
        with mixed_precision(network.device.type):
            vectors.append(network(there)["sentence_embedding"].float())
    labels = torch.tensor([numbers.get(example.label, -1) for example in by_length], device=network.device)
    return torch.nn.functional.normalize(torch.cat(vectors), dim=1), labels


def _main(task: Path, out: Path) -> None:
    asked = json.loads(task.read_text(encoding="utf-8"))
    examples = [Example(text=text, label=label) for text, label in asked["examples"]]
    fine_tune(
        examples,
        Path(asked["source"]),
        out,
        Tuning(**asked["tuning"]),
        lambda _, done, total: print(done, total, flush=True),
    )


if __name__ == "__main__":
    _main(Path(sys.argv[1]), Path(sys.argv[2]))
