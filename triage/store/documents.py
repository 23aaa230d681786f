"""JSON texts of the store."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, cast

import orjson


def to_json(value: object) -> str:
    """Return a dataclass, mapping or sequence as JSON.

    A lone surrogate is kept as it is: JSON's own escape of it would join with a neighbour to another character.
    """
    try:
        return orjson.dumps(value, default=_plain).decode()
    except orjson.JSONEncodeError:
        return json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":"))


def json_object(document: str) -> dict[str, Any]:
    """Return the object of a document that `to_json` wrote."""
    return cast(dict[str, Any], _parse(document))


def json_strings(document: str) -> tuple[str, ...]:
    """Return the list of strings of a document that `to_json` wrote."""
    return tuple(cast(list[str], _parse(document)))


def _parse(document: str) -> object:
    try:
        return cast(object, orjson.loads(document))
    except orjson.JSONDecodeError:
        return cast(object, json.loads(document))


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f"a document holds JSON values and dataclasses, got {type(value).__name__}")
