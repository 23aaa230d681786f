"""Reads back weights that were exported to CTranslate2 int8, so that training can go on from what is committed.

The layout is that of `ctranslate2.specs.model_spec.ModelSpec.save`, binary version 6: little-endian, names as a
length of 16 bits and zero-ended bytes. An int8 matrix stands for its rows divided by `weight_scale`; what rounding
took away (under 1 % of a row's largest weight) the first hundred steps of training give back.
"""

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from triage.errors import ModelError
from triage.types import Vectors

BINARY_VERSION = 6
FLOAT32, INT8 = 0, 1
LAYER_PARTS = {
    "self_attention/linear_1": "attention.output.dense",
    "self_attention/layer_norm": "attention.output.LayerNorm",
    "ffn/linear_0": "intermediate.dense",
    "ffn/linear_1": "output.dense",
    "ffn/layer_norm": "output.LayerNorm",
}
Stored = npt.NDArray[Any]
PARAMETERS = {"weight": "weight", "bias": "bias", "gamma": "weight", "beta": "bias"}


def bert_weights(folder: Path) -> dict[str, Tensor]:
    """Return the parameters of an exported encoder under the names of transformers' BertModel, float32.

    Raises:
        ModelError: If the file is of another binary version.
    """
    stored = _matrices(_variables(folder / "model.bin"))
    layers = sum(name.endswith("self_attention/linear_0/weight") for name in stored)
    named = {
        "embeddings.word_embeddings.weight": stored["encoder/embeddings_0/weight"],
        "embeddings.token_type_embeddings.weight": stored["encoder/embeddings_1/weight"],
        "embeddings.position_embeddings.weight": stored["encoder/position_encodings/encodings"],
        "embeddings.LayerNorm.weight": stored["encoder/layernorm_embedding/gamma"],
        "embeddings.LayerNorm.bias": stored["encoder/layernorm_embedding/beta"],
    }
    for layer in range(layers):
        named |= dict(_layer(stored, layer))
    return {name: torch.from_numpy(np.array(value)) for name, value in named.items()}


def _layer(stored: Mapping[str, Vectors], layer: int) -> Iterator[tuple[str, Vectors]]:
    ours, theirs = f"encoder/layer_{layer}", f"encoder.layer.{layer}"
    for kind in ("weight", "bias"):  # query, key and value lie on each other
        parts = np.split(stored[f"{ours}/self_attention/linear_0/{kind}"], 3)
        for name, matrix in zip(("query", "key", "value"), parts, strict=True):
            yield f"{theirs}.attention.self.{name}.{kind}", matrix
    for part, name in LAYER_PARTS.items():
        for kind, parameter in PARAMETERS.items():
            if f"{ours}/{part}/{kind}" in stored:
                yield f"{theirs}.{name}.{parameter}", stored[f"{ours}/{part}/{kind}"]


def _matrices(variables: Mapping[str, Stored]) -> dict[str, Vectors]:
    floats: dict[str, Vectors] = {}
    for name, value in variables.items():
        if not name.endswith("_scale"):
            scale = variables.get(f"{name}_scale")
            floats[name] = value.astype(np.float32) / (1.0 if scale is None else scale[:, None])
    return floats


def _variables(path: Path) -> dict[str, Stored]:
    with path.open("rb") as file:
        if (version := _number(file, "I")) != BINARY_VERSION:
            raise ModelError(f"{path} has binary version {version}; {BINARY_VERSION} can be read: export it again")
        _name(file)
        _number(file, "I")
        return dict(_arrays(file, _number(file, "I")))


def _arrays(file: IO[bytes], count: int) -> Iterator[tuple[str, Stored]]:
    for _ in range(count):
        name = _name(file)
        shape = [_number(file, "I") for _ in range(_number(file, "B"))]
        kind = _number(file, "B")
        content = file.read(_number(file, "I"))
        if kind in (FLOAT32, INT8) and shape:
            yield name, np.frombuffer(content, np.float32 if kind == FLOAT32 else np.int8).reshape(shape)


def _number(file: IO[bytes], kind: str) -> int:
    size = struct.calcsize("<" + kind)
    number: int = struct.unpack("<" + kind, file.read(size))[0]
    return number


def _name(file: IO[bytes]) -> str:
    return file.read(_number(file, "H"))[:-1].decode()
