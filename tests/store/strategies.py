"""Any message and any answer, drawn by hypothesis from the types themselves."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from types import NoneType
from typing import get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from triage.types import Message, Triage

# Every code point, lone surrogates and NUL included.
any_text = st.text(st.characters(exclude_categories=()), max_size=40)
_zones = st.timedeltas(timedelta(hours=-14), timedelta(hours=14)).map(timezone)
_PLAIN: dict[object, st.SearchStrategy[object]] = {
    str: any_text,
    int: st.integers(0, 10**6),
    float: st.floats(0, 1),
    bool: st.booleans(),
    NoneType: st.none(),
    datetime: st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=_zones),
}


def values_of(hint: object) -> st.SearchStrategy[object]:
    """Draw any value of a type that the public answer is made of."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    if isinstance(hint, type) and is_dataclass(hint):
        return st.builds(hint, **{name: values_of(inner) for name, inner in get_type_hints(hint).items()})
    inner = [values_of(argument) for argument in get_args(hint) if argument is not Ellipsis]
    if get_origin(hint) is tuple:
        return st.lists(inner[0], max_size=2).map(tuple)
    if get_origin(hint) is Mapping:
        return st.dictionaries(inner[0], inner[1], max_size=2)
    return st.one_of(inner)


messages = st.builds(
    Message, **{name: values_of(hint) for name, hint in get_type_hints(Message).items()} | {"id": any_text.filter(bool)}
)
triages = st.builds(Triage, **{name: values_of(hint) for name, hint in get_type_hints(Triage).items()})
