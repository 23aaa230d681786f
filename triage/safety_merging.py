"""The tripwire's rules in the words of further languages: a file each in `safety_words/`, merged into what ships.

A file holds, each of them optional: `lists`; `rules`, the patterns of a rule by its id; `unless`, what says something
harmless, likewise; `idioms`; `scopes`, more cues of a scope; `overrides`, more of the cues that cancel one.
"""

import copy
from collections.abc import Iterable, Mapping
from typing import Any, Final

from triage.errors import SettingsError

# Mandarin and Cantonese share their characters, and a text may hold both.
READ_WITH: Final = {"yue": "zh"}
_KEYS: Final = frozenset({"lists", "rules", "unless", "idioms", "scopes", "overrides"})


def merged(shipped: Mapping[str, Any], languages: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return the shipped rules with those of the languages' files; cues and `unless` lines by language, "" for all.

    Args:
        shipped: What `safety.yaml` holds; left as it is.
        languages: Language code and content of each file.

    Raises:
        SettingsError: If a file names a rule, a scope or a key that does not exist, or a list or patterns that do.
    """
    document = copy.deepcopy(dict(shipped))
    rules = {rule["id"]: rule for rule in document["rules"]}
    for entry in (*rules.values(), *document["scopes"].values()):
        key = "cues" if "cues" in entry else "unless"
        entry[key] = {"": entry.get(key, "")}
    for code, words in languages:
        source = f"safety_words/{code}.yaml"
        language = READ_WITH.get(code, code)
        _refuse(source, set(words) - _KEYS)
        _refuse(source, set(words.get("lists", {})) & set(document["lists"]))
        document["lists"] |= words.get("lists", {})
        document["idioms"] += "\n" + words.get("idioms", "")
        for rule_id, lines in _known(words.get("rules", {}), rules, source):
            _add(rules[rule_id]["patterns"], language, lines)
        for rule_id, lines in _known(words.get("unless", {}), rules, source):
            _add(rules[rule_id]["unless"], language, lines)
        for name, lines in _known(words.get("scopes", {}), document["scopes"], source):
            _add(document["scopes"][name]["cues"], language, lines)
        for name, lines in _known(words.get("overrides", {}), document["overrides"], source):
            document["overrides"][name] += "\n" + lines
    return document


def _add(blocks: dict[str, str], language: str, lines: str) -> None:
    blocks[language] = f"{blocks[language]}\n{lines}" if language in blocks else lines


def _known(entries: Mapping[str, str], known: Mapping[str, object], source: str) -> Iterable[tuple[str, str]]:
    _refuse(source, set(entries) - set(known))
    return entries.items()


def _refuse(source: str, names: set[str]) -> None:
    if names:
        raise SettingsError(f"{source}: not known, or there already: {sorted(names)}")
