"""A mail's own words, apart from what it quotes, and from the signature below; a forward keeps what it forwards.

How mailers of many languages introduce a quoted mail is mail-parser-reply's knowledge; it tells the line, and lines are
cut here, so that answers written between or below quoted lines stay. Where nothing else is left, all of it stays.
A mail that answers none may be what a web form sends, in lines that look like a quote's head or a signature's mark: it
quotes only what says so in every line or names sender, time, receiver and subject.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from mailparser_reply.parser import EmailMessage

from triage.channels.mail_heads import part_of, whole_head

LANGUAGES: Final = ("en", "es", "zh", "fr", "ko", "ja", "de", "it", "nl")
MAX_LINE: Final = 160  # characters of a line that are looked at: introductions are short, and the patterns are slow
_QUOTED: Final = re.compile(r"^\s*>")
_INTRODUCTION: Final = re.compile(r"(?:@|\d.*\d).*[:：]\s*$")
_SIGNATURE: Final = re.compile(
    r"^(?:-- ?|__+|sent from my .{1,60}|get outlook for .{1,40}|sent (?:via|with) .{1,40}"
    r"|enviado desde mi .{1,60}|发自我的.{1,30}|從我的.{1,30}|gửi từ .{1,60}|отправлено с .{1,60}"
    r"|envoyé de mon .{1,40})$",
    re.IGNORECASE,
)
_PLAIN_SIGNATURE: Final = "-- "  # RFC 3676
_FORWARD: Final = re.compile(
    r"^[-_ ]*(?:begin )?(?:forwarded message|original message|mensaje reenviado|mensaje original"
    r"|пересылаемое сообщение|пересланное сообщение|转发的邮件|轉寄郵件"
    r"|转发邮件信息|thư được chuyển tiếp|message transféré)[-_: ]*$",
    re.IGNORECASE,
)
_FORWARD_SUBJECT: Final = re.compile(
    r"^(?:re: *)?(?:fwd?|rv|wg|tr|i|enc|转发|轉寄|пересл|chuyển tiếp) ?[:：]", re.IGNORECASE
)
_ANSWER_SUBJECT: Final = re.compile(
    r"^(?:re|aw|antw|sv|vs|odp|ynt|rif|ref|回复|答复|回覆|답장|отв|trả lời)(?:\[\d+\])? ?[:：]", re.IGNORECASE
)
_HEADER_LINE: Final = re.compile(r"^[*\s]*[^\s:：]{1,18}(?: [^\s:：]{1,12})? ?[:：]")
_MAX_FORWARD_HEADERS: Final = 10
_MAX_FORWARDS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnWords:
    """What the sender wrote, and what was cut from below and between it."""

    text: str
    cut: str = ""


def own_words(text: str, *, subject: str = "", is_answer: bool = True, depth: int = 0) -> OwnWords:
    """Return a mail's own words.

    Args:
        text: The body, lines ended by a newline.
        subject: Tells a forward or an answer by its mark, such as `Fwd:`, where the body does not.
        is_answer: Whether the mail names one that it answers.
        depth: How many forwards it was found in.
    """
    lines = text.splitlines()
    is_forward = _FORWARD_SUBJECT.match(subject) is not None
    is_answer = is_answer or is_forward or _ANSWER_SUBJECT.match(subject) is not None
    marked = next((number for number, line in enumerate(lines) if _FORWARD.match(line.strip())), None)
    if marked is not None:
        is_quote = "riginal" in lines[marked] and (is_answer or whole_head(lines[marked:]) is not None)
        if is_forward or not is_quote:
            return _forwarded(lines, marked, marked + 1, subject, is_answer, depth)
    start = _introduction(lines, is_answer)
    if start is not None and is_forward:
        return _forwarded(lines, start, start, subject, is_answer, depth)
    if marked is not None and (start is None or marked < start):
        start = marked
    return _without_quotes(lines, start, is_answer)


def _forwarded(lines: Sequence[str], marked: int, start: int, subject: str, is_answer: bool, depth: int) -> OwnWords:
    """Keep note and forwarded mail, without the mark and the headers between them, which end a mail elsewhere."""
    end = start
    while end < len(lines) and end - start < _MAX_FORWARD_HEADERS and not lines[end].strip():
        end += 1
    while end < len(lines) and end - start < _MAX_FORWARD_HEADERS and part_of(lines[end]):
        end += 1
    note, cut = _without_signature(list(lines[:marked]), is_answer)
    body = [_unquoted(line) for line in lines[end:]]
    inner = OwnWords(text=_joined(body))
    if inner.text and depth < _MAX_FORWARDS:
        inner = own_words("\n".join(body), subject=subject, is_answer=is_answer, depth=depth + 1)
    whole = "\n\n".join(part for part in (_joined(note), inner.text) if part)
    cut_lines = (*cut, *lines[marked:end], inner.cut)
    return OwnWords(text=whole or _joined(lines), cut=_joined(cut_lines) if whole else "")


def _without_quotes(lines: Sequence[str], start: int | None, is_answer: bool) -> OwnWords:
    end = len(lines) if start is None else start
    quoted_below = start is not None and any(_QUOTED.match(line) for line in lines[start:])
    own, cut = list(lines[:end]), list(lines[end:])
    if quoted_below:  # answers may stand between and below the quoted lines
        first = next(number for number, line in enumerate(cut) if _QUOTED.match(line))
        own += [line for line in cut[first:] if not _QUOTED.match(line)]
        cut = [*cut[:first], *(line for line in cut[first:] if _QUOTED.match(line))]
    cut = [*(line for line in own if _QUOTED.match(line)), *cut]
    own, signature = _without_signature([line for line in own if not _QUOTED.match(line)], is_answer)
    if not any(line.strip() for line in own):
        return OwnWords(text=_joined([_unquoted(line) for line in lines]))
    return OwnWords(text=_joined(own), cut=_joined([*signature, *cut]))


def _without_signature(lines: list[str], is_answer: bool) -> tuple[list[str], list[str]]:
    """Cut at the mark of a signature; words that only look like one, such as thanks, stay: they may go on.

    In a mail that answers none, a mark other than `-- ` counts only where nothing follows it but marks.
    """
    words = (number for number, line in enumerate(lines) if line.strip() and not _SIGNATURE.match(line.strip()))
    last = max(words, default=-1)
    for number, line in enumerate(lines):
        counts = is_answer or line == _PLAIN_SIGNATURE or number > last
        if counts and _SIGNATURE.match(line.strip()) and any(above.strip() for above in lines[:number]):
            return lines[:number], lines[number:]
    return lines, []


def _introduction(lines: Sequence[str], is_answer: bool) -> int | None:
    """Return the first line of what introduces a quoted mail; None where there is none."""
    short = [" ".join(line.replace("*", " ").split())[:MAX_LINE] for line in lines]
    known = _known_introduction("\n".join(short)) if is_answer else whole_head(short)
    found = [known, _introduction_by_place(short)]
    return min((number for number in found if number is not None), default=None)


def _known_introduction(text: str) -> int | None:
    for match in _headers().HEADER_REGEX.finditer(text):
        block = match.group()
        header_lines = [line for line in block.strip().splitlines() if _HEADER_LINE.match(line)]
        if block.strip().endswith((":", "：")) or len(header_lines) >= 3 or "@" in block:
            return text.count("\n", 0, match.start() + len(block) - len(block.lstrip()))
    return None


def _introduction_by_place(lines: Sequence[str]) -> int | None:
    """Return the line before the first quoted one, if it ends in a colon and names an address or a date."""
    first = next((number for number, line in enumerate(lines) if _QUOTED.match(line)), None)
    if first is None:
        return None
    above = next((number for number in range(first - 1, -1, -1) if lines[number]), None)
    if above is None:
        return None
    if _INTRODUCTION.search(lines[above]):
        return above
    is_broken = (
        above > 0 and lines[above].endswith((":", "：")) and _INTRODUCTION.search(f"{lines[above - 1]} {lines[above]}")
    )
    return above - 1 if is_broken else None


@cache
def _headers() -> EmailMessage:
    return EmailMessage(text="", languages=list(LANGUAGES))


def _unquoted(line: str) -> str:
    return re.sub(r"^(?:\s*>)+ ?", "", line)


def _joined(lines: Sequence[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines)).strip()
