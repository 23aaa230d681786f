"""The ears of the danger model: they listen while the encoder reads (`encoder.MiniLMEncoder.read`).

English: members whose heads choose tokens and take from them what they need, where a mean of all tokens drowns one
clause in a long text; a small network judges what they took beside the text's mean. Other languages: members that read
the mean alone, because only there do all languages share one space with English, from which most dangers were learned.
Fitted by `models.recipes.danger`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
MEAN_SCALE = 4.0  # of the mean vector, whose numbers are small, beside what the heads took
ALONE_SCALE = 8.0  # of it where it is all there is
_EPSILON = 1e-5
_PIECE = 16  # tokens
_NEVER = -1e4


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One network of an ear.

    Attributes:
        token: What heads ask of a token and take from it, shape (dim, heads · (1 + width)); the asking comes first.
        token_bias: Of it.
        hidden, hidden_bias: From all that was taken, and the mean, to the hidden layer.
        out, out_bias: From there to two logits: of a danger, and of a danger being a crisis (988).
    """

    token: Floats
    token_bias: Floats
    hidden: Floats
    hidden_bias: Floats
    out: Floats
    out_bias: Floats

    @property
    def heads(self) -> int:
        """How many heads there are: what is asked and what is taken share the columns of `token`."""
        taken = int(self.hidden.shape[0] - self.token.shape[0])
        return int(self.token.shape[1]) - taken

    def hear(self, normal: Floats, means: Floats, mask: npt.NDArray[np.bool_]) -> Floats:
        """Return the two logits of each text, shape (n, 2), from token states of mean 0 and variance 1."""
        seen = _in_small_pieces(normal, self.token) + self.token_bias
        asked = np.where(mask[..., None], seen[..., : self.heads], _NEVER)
        shares = np.exp(asked - asked.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        taken = np.maximum(seen[..., self.heads :], 0).reshape(*seen.shape[:2], self.heads, -1)
        whole = np.einsum("nth,nthw->nhw", shares, taken).reshape(len(means), -1)
        hidden = np.maximum(np.concatenate([whole, MEAN_SCALE * means], axis=1) @ self.hidden + self.hidden_bias, 0)
        logits: Floats = hidden @ self.out + self.out_bias
        return logits


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanMember:
    """A network with one hidden layer that reads the mean of a text's token states.

    Attributes:
        hidden, hidden_bias: From the mean to the hidden layer.
        out, out_bias: From there to the two logits.
    """

    hidden: Floats
    hidden_bias: Floats
    out: Floats
    out_bias: Floats

    def hear(self, normal: Floats, means: Floats, mask: npt.NDArray[np.bool_]) -> Floats:
        """Return the two logits of each text, shape (n, 2), from means of unit length; the tokens are not read."""
        hidden = np.maximum(ALONE_SCALE * means @ self.hidden + self.hidden_bias, 0)
        logits: Floats = hidden @ self.out + self.out_bias
        return logits


class Ear:
    """Several members, whose logits are averaged.

    Args:
        members: At least one.
        encoder: Version of the encoder whose token states they were fitted on; others say nothing to them.
    """

    def __init__(self, members: Sequence[Member | MeanMember], encoder: str) -> None:
        self.members = tuple(members)
        self.encoder = encoder

    def hear(self, states: Floats, lengths: npt.NDArray[np.int64]) -> Floats:
        """Return the logits of a danger and of a crisis, float32, shape (n, 2).

        Args:
            states: Token states of the encoder, shape (n, most tokens, dim); rows are padded behind their length.
            lengths: Tokens of each text, shape (n,).
        """
        mask = np.arange(states.shape[1]) < lengths[:, None]
        normal, means = prepared(states, lengths)
        heard: Floats = np.mean([member.hear(normal, means, mask) for member in self.members], axis=0)
        return heard.astype(np.float32)

    def arrays(self, name: str) -> dict[str, npt.NDArray[np.float16]]:
        """Return the weights by name, as `from_arrays` reads them."""
        return {
            f"{name}.{number}.{field.name}": getattr(member, field.name).astype(np.float16)
            for number, member in enumerate(self.members)
            for field in fields(member)
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, npt.NDArray[np.float16]], encoder: str) -> Self:
        """Build an ear from what `arrays` gave.

        Raises:
            KeyError: If an array is missing.
        """
        count = len({key.split(".")[1] for key in arrays if key.startswith(f"{name}.")})
        attends = f"{name}.0.token" in arrays
        members: list[Member | MeanMember] = []
        for number in range(max(1, count)):
            kind = Member if attends else MeanMember
            parts = {field.name: arrays[f"{name}.{number}.{field.name}"] for field in fields(kind)}
            members.append(kind(**{part: array.astype(np.float32) for part, array in parts.items()}))
        return cls(members, encoder)


def _in_small_pieces(normal: Floats, weights: Floats) -> Floats:
    """Multiply in pieces for which the linear algebra library wakes no threads, which costs on busy cores."""
    rows = normal.reshape(-1, normal.shape[-1])
    seen = np.empty((len(rows), weights.shape[1]), dtype=np.float32)
    for at in range(0, len(rows), _PIECE):
        np.matmul(rows[at : at + _PIECE], weights, out=seen[at : at + _PIECE])
    return seen.reshape(*normal.shape[:-1], -1)


def prepared(states: Floats, lengths: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return token states with mean 0 and variance 1, and the mean of each text's states, unit length, (n, dim)."""
    mask = (np.arange(states.shape[1]) < lengths[:, None]).astype(np.float32)
    centered = states - states.mean(axis=2, keepdims=True)
    normal: Floats = centered / np.sqrt((centered**2).mean(axis=2, keepdims=True) + _EPSILON)
    means: Floats = np.einsum("ntd,nt->nd", states, mask)
    return normal, means / np.linalg.norm(means, axis=1, keepdims=True)
