"""Fits ears (`models.ear`) on the token states of an encoder: training alone needs torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from models.ear import ALONE_SCALE, MEAN_SCALE, Ear, Floats, MeanMember, Member, prepared
from models.encoder import MiniLMEncoder

HEADS, WIDTH, HIDDEN = 8, 16, 48
DROPPED, DROPPED_TOKENS = 0.3, 0.1
EPOCHS, BATCH, RATE, DECAY = 10, 64, 3e-3, 0.05
MEAN_HIDDEN, MEAN_DROPPED, MEAN_EPOCHS, MEAN_BATCH = 160, 0.4, 12, 256
SMOOTHING = 0.04
CRISIS_SHARE = 0.3  # of the second question in the loss: 988 or 911
PIECES_PER_BATCH = 2_048

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class States:
    """Token states of many texts.

    Attributes:
        rows: Brought to mean 0 and variance 1, one text behind the other, float32, shape (n_tokens + 1, dim); the last
            row is padding.
        means: Of each text's states, unit length, shape (n_texts, dim).
        starts, lengths: Where the tokens of each text stand in `rows`.
    """

    rows: Tensor
    means: Tensor
    starts: Ints
    lengths: Ints

    def batch(self, chosen: Ints) -> tuple[Tensor, Tensor, Tensor]:
        """Return the padded states of some texts, shape (n, most tokens, dim), which of them are tokens, and means."""
        steps = np.arange(self.lengths[chosen].max())[None]
        tokens = steps < self.lengths[chosen][:, None]
        places = np.where(tokens, self.starts[chosen][:, None] + steps, len(self.rows) - 1)
        return self.rows[torch.from_numpy(places)], torch.from_numpy(tokens), self.means[torch.from_numpy(chosen)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What is to be learned of each text: whether it is a danger, whether that is a crisis, and how much it counts."""

    danger: Floats
    crisis: Floats
    weight: Floats


def read_states(encoder: MiniLMEncoder, texts: Sequence[str]) -> States:
    """Run texts through an encoder and keep what it makes of every token."""
    pieces = encoder.pieces(texts)
    order = sorted(range(len(texts)), key=lambda at: len(pieces[at]))
    found: list[Floats] = [np.empty(0, np.float32)] * len(texts)
    means = np.empty((len(texts), encoder.dim), dtype=np.float32)
    for chosen in _full(order, [len(some) + 2 for some in pieces]):
        states, lengths = encoder.states([pieces[at] for at in chosen])
        normal, means[chosen] = prepared(states, lengths)
        for at, row, length in zip(chosen, normal, lengths, strict=True):
            found[at] = row[:length]
    lengths = np.array([len(row) for row in found])
    return States(
        rows=torch.from_numpy(np.concatenate([*found, np.zeros((1, encoder.dim), np.float32)])),
        means=torch.from_numpy(means),
        starts=np.concatenate([[0], np.cumsum(lengths)[:-1]]),
        lengths=lengths,
    )


def fit_ear(states: States, lesson: Lesson, chosen: Ints, encoder: str, *, seeds: Sequence[int]) -> Ear:
    """Fit one member a seed on some of the texts.

    Args:
        states: Of all texts.
        lesson: Of all texts.
        chosen: The texts to learn from.
        encoder: Version of the encoder that the states are of.
        seeds: As many members.
    """
    return Ear([_plain(_fitted(states, lesson, chosen, seed)) for seed in seeds], encoder)


def hear(ear: Ear, states: States, chosen: Ints) -> Floats:
    """Return what an ear makes of some texts, shape (n, 2)."""
    heard = np.empty((len(chosen), 2), dtype=np.float32)
    order = np.argsort(states.lengths[chosen], kind="stable")
    for at in range(0, len(order), BATCH):
        rows = order[at : at + BATCH]
        normal, tokens, means = (part.numpy() for part in states.batch(chosen[rows]))
        heard[rows] = np.mean([member.hear(normal, means, tokens) for member in ear.members], axis=0)
    return heard


def fit_mean_ear(means: Floats, lesson: Lesson, chosen: Ints, encoder: str, *, seeds: Sequence[int]) -> Ear:
    """Fit one member a seed on the mean vectors of some of the texts, shape (n_texts, dim)."""
    return Ear([plain_mean(_fitted_mean(means, lesson, chosen, seed)) for seed in seeds], encoder)


def hear_means(ear: Ear, means: Floats) -> Floats:
    """Return what an ear that reads means alone makes of some, shape (n, 2)."""
    nothing, no_mask = np.empty((0, 0, 0), np.float32), np.empty((0, 0), np.bool_)
    heard: Floats = np.mean([member.hear(nothing, means, no_mask) for member in ear.members], axis=0)
    return heard


def _fitted_mean(means: Floats, lesson: Lesson, chosen: Ints, seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    hidden, out = nn.Linear(means.shape[1], MEAN_HIDDEN), nn.Linear(MEAN_HIDDEN, 2)
    network = nn.Sequential(nn.Dropout(DROPPED_TOKENS), hidden, nn.ReLU(), nn.Dropout(MEAN_DROPPED), out)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    vectors = torch.from_numpy(ALONE_SCALE * means)
    for _ in range(MEAN_EPOCHS):
        order = rng.permutation(chosen)
        for at in range(0, len(order), MEAN_BATCH):
            batch = order[at : at + MEAN_BATCH]
            loss = lesson_loss(network(vectors[torch.from_numpy(batch)]), lesson, batch)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return network


class _Network(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.token = nn.Linear(dim, HEADS * (1 + WIDTH))
        self.dropped = nn.Dropout(DROPPED)
        self.hidden = nn.Linear(HEADS * WIDTH + dim, HIDDEN)
        self.out = nn.Linear(HIDDEN, 2)

    def forward(self, states: Tensor, tokens: Tensor, means: Tensor) -> Tensor:
        seen = self.token(states)
        kept = tokens & (torch.rand(tokens.shape) > DROPPED_TOKENS)
        shares = seen[..., :HEADS].masked_fill(~kept[..., None], -1e4).softmax(1)
        taken = torch.relu(seen[..., HEADS:]).view(*seen.shape[:2], HEADS, WIDTH)
        whole = (shares[..., None] * taken).sum(1).flatten(1)
        hidden = torch.relu(self.hidden(self.dropped(torch.cat([whole, MEAN_SCALE * means], 1))))
        logits: Tensor = self.out(self.dropped(hidden))
        return logits


def _fitted(states: States, lesson: Lesson, chosen: Ints, seed: int) -> _Network:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = _Network(states.rows.shape[1])
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    steps = EPOCHS * len(list(shuffled(chosen, states.lengths, rng)))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.1)
    for _ in range(EPOCHS):
        for batch in shuffled(chosen, states.lengths, rng):
            loss = lesson_loss(network(*states.batch(batch)), lesson, batch)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return network


def lesson_loss(logits: Tensor, lesson: Lesson, batch: Ints) -> Tensor:
    """Return the loss of a batch's logits, shape (n, 2): danger for all of it, crisis for its dangers."""
    danger, crisis, weight = (torch.from_numpy(all_[batch]) for all_ in (lesson.danger, lesson.crisis, lesson.weight))
    entropy = nn.functional.binary_cross_entropy_with_logits
    first = entropy(logits[:, 0], danger * (1 - SMOOTHING) + SMOOTHING / 2, weight)
    second = entropy(logits[:, 1], crisis, danger)
    return first + CRISIS_SHARE * second


def shuffled(chosen: Ints, lengths: Ints, rng: np.random.Generator, size: int = BATCH) -> Iterator[Ints]:
    """Yield batches of texts of like length, in another order each time.

    Args:
        chosen: The texts, shape (n,).
        lengths: Tokens of all texts.
        rng: Gives the order.
        size: Texts in a batch.
    """
    order = rng.permutation(chosen)
    batches = []
    for at in range(0, len(order), 24 * size):
        some = order[at : at + 24 * size]
        some = some[np.argsort(lengths[some], kind="stable")]
        batches += [some[low : low + size] for low in range(0, len(some), size)]
    yield from (batches[at] for at in rng.permutation(len(batches)))


def _full(order: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
    batch: list[int] = []
    for at in order:
        if batch and lengths[at] * (len(batch) + 1) > PIECES_PER_BATCH:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def _array(weights: Tensor) -> Floats:
    return np.ascontiguousarray(weights.detach().numpy(), dtype=np.float32)


def plain_mean(network: nn.Sequential) -> MeanMember:
    """Return the two linear layers of a network as arrays."""
    hidden, out = (layer for layer in network if isinstance(layer, nn.Linear))
    return MeanMember(
        hidden=_array(hidden.weight.T),
        hidden_bias=_array(hidden.bias),
        out=_array(out.weight.T),
        out_bias=_array(out.bias),
    )


def _plain(network: _Network) -> Member:
    return Member(
        token=_array(network.token.weight.T),
        token_bias=_array(network.token.bias),
        hidden=_array(network.hidden.weight.T),
        hidden_bias=_array(network.hidden.bias),
        out=_array(network.out.weight.T),
        out_bias=_array(network.out.bias),
    )
