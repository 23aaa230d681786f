"""The life-safety tripwire: dangers told in a message, whatever its language; apart from every model.

`safety.yaml` says what counts, `safety_words/` how it is told in further languages. A file of a city's own may add
rules; nothing can take the shipped ones away, and nothing in the words of an added file changes how the shipped ones
read a text.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Self, TypeGuard

import yaml

from triage.errors import SettingsError
from triage.safety_lexicon import Lexicon
from triage.safety_merging import merged
from triage.safety_patterns import Match, Pattern, PatternSet, Spotted, parse_pattern
from triage.safety_scope import ScopeJudge, scopes_of, veto_name
from triage.safety_text import Reading, read
from triage.types import Safety, SafetyHit

LINES = ("911", "988", None)
# Who asks something, or names a year, often tells of what was: two thirds of the harmless messages in which a sure
# pattern is found do, and a third of the dangers. There it is a weak sign. A number is a year only where a word before
# or after it says so, and no street follows: 1985 alder st is an address, "at 2015" is anything.
_YEAR = r"(?:19|20)\d\d(?!\d)"
_STREET = r"(?! +(?:block|(?:\S+ +){0,3}(?:st|street|ave?|avenue|rd|road|blvd|dr|drive|ln|lane|way|ct|court|pl|hwy)\b))"
_SINCE = "in|since|from|of|until|till|before|after|around|year|en|desde|año|de|em|depuis|в|с|у|з|năm|noong|nan|xyoo"
_ASKS = re.compile(
    rf"[?？؟]|\b(?:{_SINCE}) {_YEAR}{_STREET}|\({_YEAR}\)|{_YEAR} ?(?:年|년|год|рок|г\.|р\.)", re.IGNORECASE
)
_GRAVEST_FIRST = ("911", "988")
_ADDED_KEYS = frozenset({"version", "lists", "rules"})
_RULE_KEYS = frozenset({"id", "meaning", "line", "hit", "pass", "despite", "unless", "patterns"})
_BY_LANGUAGE = frozenset({"patterns", "unless"})


Line = tuple[str, str]  # the language of its words, "" for every one, and a pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyRule:
    """One danger: the line to call, examples of both sides, and the scopes that do not excuse it.

    A rule that a city has `added` is sure: no model was fitted with it.
    """

    id: str
    line: str | None
    meaning: str
    hits: tuple[str, ...]
    passes: tuple[str, ...]
    despite: frozenset[str]
    patterns: tuple[Line, ...]
    unless: tuple[Line, ...]
    added: bool


class RuleSet:
    """The rules of one file, compiled."""

    def __init__(self, document: Mapping[str, Any], scoping: Mapping[str, Any], source: str) -> None:
        self.rules = tuple(_rule(entry, source, added=document is not scoping) for entry in document["rules"])
        self._by_id = {rule.id: rule for rule in self.rules}
        if len(self._by_id) < len(self.rules):
            raise SettingsError(f"{source}: two safety rules have the same id")
        self._scopes = scopes_of(scoping["scopes"])
        lists = {**scoping["lists"], **document.get("lists", {})}
        self._compile(
            Lexicon(_entries(lists), _commas(scoping["fillers"]), _commas(scoping["real_words"])), scoping, source
        )

    def _compile(self, lexicon: Lexicon, scoping: Mapping[str, Any], source: str) -> None:
        try:
            dangers = [
                p
                for rule in self.rules
                for code, line in rule.patterns
                for p in parse_pattern(line, rule.id, lexicon, language=code)
            ]
            idioms = list(_cues({"idiom": scoping["idioms"]}, lexicon))
            shields = list(_cues({"shield": scoping["shields"]}, lexicon))
            cues = [
                *_cues({name: entry["cues"] for name, entry in scoping["scopes"].items()}, lexicon),
                *_cues(scoping["overrides"], lexicon),
            ]
            vetoes = [
                p
                for rule in self.rules
                for code, line in rule.unless
                for p in parse_pattern(line, veto_name(rule.id), lexicon, language=code)
            ]
        except SettingsError as error:
            raise SettingsError(f"{source}: {error}") from error
        commonness = lexicon.commonness()
        self._dangers, self._idioms, self._shields, self._cue_patterns, self._vetoes = (
            PatternSet(patterns, commonness) for patterns in (dangers, idioms, shields, cues, vetoes)
        )
        self._vocabulary = lexicon.compile()

    def find(self, reading: Reading) -> list[tuple[SafetyRule, Match]]:
        """Return the dangers that are meant, with where they are told, without order."""
        spotted = Spotted(reading, self._vocabulary)
        spotted = spotted.without(_words_of(self._idioms.find(spotted)))
        dangers = self._dangers.find(spotted)
        if not dangers:
            return []
        judge = self._judge(spotted)
        pairs = ((self._by_id[danger.owner], danger) for danger in dangers)
        return [(rule, danger) for rule, danger in pairs if judge.meant(danger, rule.despite)]

    def _judge(self, spotted: Spotted) -> ScopeJudge:
        bare = spotted.without(_words_of(self._shields.find(spotted)))
        return ScopeJudge(self._scopes, [*self._cue_patterns.find(bare), *self._vetoes.find(spotted)], spotted)


class Tripwire:
    """Finds what must not wait, in one pass over a text of any language."""

    def __init__(self, rule_sets: Sequence[RuleSet], version: str) -> None:
        self._rule_sets = tuple(rule_sets)
        self.version = version

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Compile the shipped rules, and those of a file of the city's own beside them.

        Args:
            path: A file with `rules`, and `lists` if it likes, that are added to the shipped ones.

        Raises:
            SettingsError: If the file is not readable as rules, or names a rule or list that ships already.
        """
        shipped, scoping = _shipped()
        rule_sets = [RuleSet(scoping, scoping, "safety.yaml")]
        version = f"{scoping['version']}+{_digest(shipped)}"
        if path is not None:
            added = _read_added(path)
            rule_sets.append(_added_rules(added, scoping, path))
            version += f"+{_digest(added)}"
        return cls(rule_sets, version)

    @property
    def rules(self) -> tuple[SafetyRule, ...]:
        """All rules, the shipped ones first."""
        return tuple(rule for rules in self._rule_sets for rule in rules.rules)

    def check(self, text: str) -> tuple[SafetyHit, ...]:
        """Return the dangers told in a text, in order of their position, one a rule: its first.

        Offsets count characters of `text` as given; `SafetyHit.text` is what stands there. A hit is sure where a sure
        pattern was found, in a text that asks nothing and names no year, or where a city added the rule.
        """
        reading = read(text)
        if not reading.words:
            return ()
        found = [pair for rules in self._rule_sets for pair in rules.find(reading)]
        if not found:
            return ()
        asks = _ASKS.search(text) is not None
        sure = {rule.id for rule, match in found if (match.sure and not asks) or rule.added}
        first: dict[str, SafetyHit] = {}
        for rule, match in sorted(found, key=lambda pair: (pair[1].start, -pair[1].end, pair[0].id)):
            start, end = reading.starts[match.start], reading.ends[match.end - 1]
            hit = SafetyHit(
                rule=rule.id, text=text[start:end], start=start, end=end, line=rule.line, sure=rule.id in sure
            )
            first.setdefault(rule.id, hit)
        return tuple(first.values())


def combine(hits: Iterable[SafetyHit]) -> Safety:
    """Put the hits of a message into its answer: an emergency if any has a line, 911 being graver than 988."""
    reasons = tuple(hits)
    lines = {hit.line for hit in reasons}
    line = next((line for line in _GRAVEST_FIRST if line in lines), None)
    return Safety(emergency=line is not None, line=line, reasons=reasons)


def _words_of(matches: Iterable[Match]) -> Iterable[int]:
    return (at for match in matches for part in match.parts for at in part.taken)


def _cues(groups: Mapping[str, str | Mapping[str, str]], lexicon: Lexicon) -> Iterable[Pattern]:
    return (
        p
        for name, blocks in groups.items()
        for code, line in _by_language(blocks)
        for p in parse_pattern(line, name, lexicon, strict=True, language=code)
    )


def _shipped() -> tuple[str, dict[str, Any]]:
    """Return all that ships as one text, to be digested, and as one document."""
    folder = files("triage")
    texts = {"": folder.joinpath("safety.yaml").read_text("utf-8")}
    for file in sorted(folder.joinpath("safety_words").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".yaml"):
            texts[file.name.removesuffix(".yaml")] = file.read_text("utf-8")
    document = _parse(texts[""], "safety.yaml")
    words = ((code, _yaml(text, f"{code}.yaml")) for code, text in texts.items() if code)
    return "\n".join(texts.values()), merged(document, words)


def _yaml(text: str, source: str) -> dict[str, Any]:
    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError) as error:  # a date that is none is a ValueError
        raise SettingsError(f"{source} is not YAML: {error}") from error
    return document if isinstance(document, dict) else {}


def _parse(text: str, source: str) -> dict[str, Any]:
    document = _yaml(text, source)
    if not isinstance(document.get("rules"), list):
        raise SettingsError(f"{source} must hold a list of `rules`")
    return document


def _read_added(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the file of added safety rules cannot be read: {error}") from error


def _added_rules(text: str, shipped: Mapping[str, Any], path: Path) -> RuleSet:
    document = _parse(text, str(path))
    if unknown := set(document) - _ADDED_KEYS:
        raise SettingsError(f"{path}: added safety rules may hold {sorted(_ADDED_KEYS)}, not {_told(unknown)}")
    for number, entry in enumerate(document["rules"], start=1):
        if not isinstance(entry, dict):
            raise SettingsError(
                f"{path}: rule {number} must be a mapping with id, line and patterns, got {entry!r:.80}"
            )
    lists = _added_lists(document.get("lists"), shipped["lists"], path)
    taken = {str(rule["id"]) for rule in shipped["rules"]} & {str(rule.get("id")) for rule in document["rules"]}
    taken |= set(shipped["lists"]) & set(lists)
    if taken:
        raise SettingsError(f"{path}: rules and lists that ship cannot be replaced: {sorted(taken)}")
    return RuleSet({**document, "lists": lists}, shipped, str(path))


def _added_lists(lists: object, shipped: Mapping[str, str], path: Path) -> dict[str, str]:
    """Return the lists of an added file, whose entries may stand for shipped lists and for each other."""
    if lists is None:
        return {}
    if not _is_text_by_name(lists):
        raise SettingsError(f"{path}: `lists` must give a text with commas for each name, got {lists!r:.80}")
    for name, entries in lists.items():
        named = {entry[1:] for entry in _commas(entries) if entry.startswith("@")}
        if unknown := named - lists.keys() - shipped.keys():
            raise SettingsError(f"{path}: the list {name} names lists that there are not: {sorted(unknown)}")
    return lists


def _rule(entry: Mapping[str, Any], source: str, *, added: bool) -> SafetyRule:
    if unknown := set(entry) - _RULE_KEYS:
        raise SettingsError(f"{source}: a safety rule may hold {sorted(_RULE_KEYS)}, not {_told(unknown)}")
    entry = {name: value for name, value in entry.items() if value is not None}
    if not entry.get("id") or not entry.get("patterns"):
        raise SettingsError(f"{source}: a safety rule needs id and patterns, got {entry!r:.80}")
    if entry.get("line") not in LINES:
        raise SettingsError(
            f"{source}: line of the rule {entry['id']} must be one of {LINES}, in quotes, got {entry['line']!r:.60}"
        )
    _check_shapes(entry, source)
    return SafetyRule(
        id=str(entry["id"]),
        line=entry.get("line"),
        meaning=str(entry.get("meaning", "")),
        hits=tuple(_lines(entry.get("hit", ""))),
        passes=tuple(_lines(entry.get("pass", ""))),
        despite=frozenset(_commas(entry.get("despite", ""))),
        patterns=tuple(_by_language(entry["patterns"])),
        unless=tuple(_by_language(entry.get("unless", ""))),
        added=added,
    )


def _check_shapes(entry: Mapping[str, Any], source: str) -> None:
    for name in entry.keys() & _RULE_KEYS - {"id", "line"}:
        by_language = name in _BY_LANGUAGE
        if not (isinstance(entry[name], str) or (by_language and _is_text_by_name(entry[name]))):
            shape = "a text, or a text for each language" if by_language else "a text"
            raise SettingsError(f"{source}: {name} of the rule {entry['id']} must be {shape}, got {entry[name]!r:.80}")


def _is_text_by_name(value: object) -> TypeGuard[dict[str, str]]:
    return isinstance(value, dict) and all(isinstance(part, str) for pair in value.items() for part in pair)


def _told(names: Iterable[object]) -> list[str]:
    return sorted(map(str, names))


def _entries(lists: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the entries of every list; `@other` stands for those of another list."""
    plain = {name: _commas(entries) for name, entries in lists.items()}
    return {
        name: [word for entry in entries for word in (plain[entry[1:]] if entry.startswith("@") else [entry])]
        for name, entries in plain.items()
    }


def _commas(text: str) -> list[str]:
    return [entry for part in text.replace("\n", ",").split(",") if (entry := part.strip())]


def _by_language(blocks: str | Mapping[str, str]) -> Iterable[Line]:
    """Yield every line with its language; a block without one is read in every language."""
    named = {"": blocks} if isinstance(blocks, str) else blocks
    return ((code, line) for code, block in named.items() for line in _lines(block))


def _lines(text: str) -> list[str]:
    """Return the lines of a block, without empty ones and comments."""
    return [line for part in text.split("\n") if (line := part.strip()) and not line.startswith("#")]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
