"""Whether residents are served alike in every language: the same requests, put by speakers of each.

A file has one request a line and language: {"request", "language", "text", "label", "urgency", "line", "channel"?}; the
English line of a request is its twin. Every language is compared with English on the requests that both have.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triage.bounds import wilson
from triage.errors import DataError
from triage.taxonomy import CATCH_ALL
from triage.types import Channel, Message, Mode, Triage, UrgencyLevel

ENGLISH = "en"
TOP = 3
# Points of top-3 accuracy that a language may be behind English.
TOLERANCE = {"es": 0.08, "zh-Hans": 0.12, "zh-Hant": 0.12, "vi": 0.12, "ru": 0.12}
# What people have to do until a contact is with its crew; the mode with more work is the longer path.
STEPS = {Mode.AUTO: 0, Mode.PRESELECT: 1, Mode.SUGGEST: 2, Mode.ASK: 3}
_LOW = (UrgencyLevel.LOW, UrgencyLevel.INFO)

TriageBatch = Callable[[Sequence[Message]], Sequence[Triage]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as a speaker of one language puts it."""

    request: str
    language: str
    text: str
    label: str
    urgency: str
    line: str | None
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A proportion with its 95 % interval (Wilson)."""

    hits: int
    n: int

    @property
    def value(self) -> float:
        """Share of hits, 0 where n is 0."""
        return self.hits / self.n if self.n else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return value, interval and n."""
        low, high = wilson(self.hits, self.n) if self.n else (0.0, 1.0)
        return {"value": round(self.value, 4), "low": round(low, 4), "high": round(high, 4), "n": self.n}


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageParity:
    """How one language is served, beside English on the same requests.

    Attributes:
        language: BCP 47 code.
        detected: Right language told.
        top1: Right type first.
        top3: Right type among the first three.
        top3_english: The same for the English twins.
        urgency: Same level as the English twin got.
        seen: Life-threatening requests whose line was named.
        false_alarms: Harmless requests that raised an alarm.
        steps: Mean of STEPS.
        steps_english: The same for the twins.
        lost: Requests that ended as `city.other` or under normal urgency where the twin did not.
    """

    language: str
    detected: Share
    top1: Share
    top3: Share
    top3_english: Share
    urgency: Share
    seen: Share
    false_alarms: Share
    steps: float
    steps_english: float
    lost: tuple[str, ...]

    @property
    def gap(self) -> float:
        """Points of top-3 accuracy behind English; negative where it is ahead."""
        return self.top3_english.value - self.top3.value

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        shares = ("detected", "top1", "top3", "top3_english", "urgency", "seen", "false_alarms")
        return {
            "language": self.language,
            **{name: getattr(self, name).as_json() for name in shares},
            "gap": round(self.gap, 4),
            "steps": round(self.steps, 2),
            "steps_english": round(self.steps_english, 2),
            "lost": list(self.lost),
        }


def read_requests(path: Path) -> list[Request]:
    """Read a parity file.

    Raises:
        DataError: If a line is no request, or a request has no English twin; names the line.
    """
    requests = [_request(line, f"{path}:{number}") for number, line in enumerate(_lines(path), start=1) if line.strip()]
    english = {each.request for each in requests if each.language == ENGLISH}
    alone = sorted({each.request for each in requests} - english)
    if alone or not requests:
        raise DataError(f"{path}: every request needs its English twin, missing: {', '.join(alone) or 'all'}")
    return requests


def measure(requests: Sequence[Request], triage_batch: TriageBatch) -> list[LanguageParity]:
    """Return one row a language, English first, then by how many requests it has, most first, then by code."""
    answers = triage_batch([_message(each, number) for number, each in enumerate(requests)])
    pairs = list(zip(requests, answers, strict=True))
    twins = {request.request: answer for request, answer in pairs if request.language == ENGLISH}
    by_language: dict[str, list[tuple[Request, Triage]]] = {}
    for request, answer in pairs:
        by_language.setdefault(request.language, []).append((request, answer))
    order = sorted(by_language, key=lambda code: (code != ENGLISH, -len(by_language[code]), code))
    return [_row(code, by_language[code], twins) for code in order]


def behind(rows: Sequence[LanguageParity]) -> list[LanguageParity]:
    """Return the languages that are further behind English than TOLERANCE allows."""
    return [row for row in rows if row.gap > TOLERANCE.get(row.language, 1.0)]


def table(rows: Sequence[LanguageParity]) -> str:
    """Return the report as people read it, a Markdown table; each share with its n in the second column."""
    head = "| language | n | detected | top-1 | top-3 [95 %] | English top-3 | gap | urgency as English | lines named "
    head += "| false alarms | steps (English) | lost |\n|" + "---|" * 12
    return "\n".join([head, *map(_line, rows)])


def _line(row: LanguageParity) -> str:
    low, high = wilson(row.top3.hits, row.top3.n)
    cells = [
        row.language,
        str(row.top3.n),
        f"{row.detected.value:.2f}",
        f"{row.top1.value:.2f}",
        f"{row.top3.value:.2f} [{low:.2f}, {high:.2f}]",
        f"{row.top3_english.value:.2f}",
        f"{100 * row.gap:+.0f}",
        f"{row.urgency.value:.2f}",
        f"{row.seen.hits}/{row.seen.n}",
        f"{row.false_alarms.hits}/{row.false_alarms.n}",
        f"{row.steps:.1f} ({row.steps_english:.1f})",
        str(len(row.lost)),
    ]
    return f"| {' | '.join(cells)} |"


def _row(code: str, pairs: Sequence[tuple[Request, Triage]], twins: dict[str, Triage]) -> LanguageParity:
    n = len(pairs)
    harmful = [(request, answer) for request, answer in pairs if request.line]
    harmless = [answer for request, answer in pairs if not request.line and request.urgency != UrgencyLevel.EMERGENCY]
    return LanguageParity(
        language=code,
        detected=Share(hits=sum(answer.language.code == code for _, answer in pairs), n=n),
        top1=Share(hits=sum(_found(request, answer, 1) for request, answer in pairs), n=n),
        top3=Share(hits=sum(_found(request, answer, TOP) for request, answer in pairs), n=n),
        top3_english=Share(hits=sum(_found(request, twins[request.request], TOP) for request, _ in pairs), n=n),
        urgency=Share(
            hits=sum(answer.urgency.level == twins[request.request].urgency.level for request, answer in pairs), n=n
        ),
        seen=Share(hits=sum(bool(answer.safety.line) for _, answer in harmful), n=len(harmful)),
        false_alarms=Share(hits=sum(bool(answer.safety.line) for answer in harmless), n=len(harmless)),
        steps=sum(STEPS[answer.decision.mode] for _, answer in pairs) / n,
        steps_english=sum(STEPS[twins[request.request].decision.mode] for request, _ in pairs) / n,
        lost=tuple(request.request for request, answer in pairs if _is_lost(answer, twins[request.request])),
    )


def _found(request: Request, answer: Triage, k: int) -> bool:
    return request.label in [found.code for found in answer.service_types[:k]]


def _is_lost(answer: Triage, twin: Triage) -> bool:
    other = bool(answer.service_types) and answer.service_types[0].code == CATCH_ALL
    twin_other = bool(twin.service_types) and twin.service_types[0].code == CATCH_ALL
    low = answer.urgency.level in _LOW
    return (other and not twin_other) or (low and twin.urgency.level not in _LOW)


def _message(request: Request, number: int) -> Message:
    return Message(id=f"parity-{number}", text=request.text, channel=Channel(request.channel))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({error})") from error


def _request(line: str, place: str) -> Request:
    try:
        row = json.loads(line)
        return Request(
            request=str(row["request"]),
            language=str(row["language"]),
            text=str(row["text"]),
            label=str(row["label"]),
            urgency=UrgencyLevel(row["urgency"]).value,
            line=row.get("line"),
            channel=Channel(row.get("channel") or Channel.WEB).value,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f'{place}: needs {{"request", "language", "text", "label", "urgency", "line"}} ({error})'
        ) from error
