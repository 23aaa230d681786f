"""The lines `From: …`, `Sent: …` that mailers put above a mail they quote or forward, in the languages they speak."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

_NAMED: Final = re.compile(r"^[*\s]*([^:：]{1,30}?)[*\s]*[:：]")
_QUOTE: Final = re.compile(r"^(?:\s*>)+ ?")


class Part(StrEnum):
    """What a line of a head tells."""

    FROM = "from"
    WHEN = "when"
    TO = "to"
    SUBJECT = "subject"
    FURTHER = "further"


_WHOLE: Final = frozenset({Part.FROM, Part.WHEN, Part.TO, Part.SUBJECT})
_NAMES: Final[Mapping[Part, str]] = {
    Part.FROM: "from|de|da|von|van|från|fra|od|kimden|от|от кого|发件人|寄件者|寄件人|보낸 사람|보낸사람|差出人|送信者"
    "|từ|người gửi|من|mula kay",
    Part.WHEN: "date|sent|sent on|fecha|enviado|enviado el|enviada|data|gesendet|datum|envoyé|inviato|verzonden|skickat"
    "|sendt|дата|отправлено|日期|时间|發送時間|发送时间|寄件日期|寄件日期时间|날짜|보낸 날짜|日時|日付|送信日時"
    "|ngày|đã gửi|gửi|vào|التاريخ|petsa",
    Part.TO: "to|para|a|à|an|aan|till|til|do|kime|кому|收件人|收件者|받는 사람|받는사람|宛先|đến|tới|người nhận|إلى"
    "|para kay",
    Part.SUBJECT: "subject|asunto|assunto|objet|oggetto|betreff|onderwerp|ämne|emne|temat|konu|тема|主题|主旨|主題|标题"
    "|제목|件名|chủ đề|tiêu đề|الموضوع|paksa",
    Part.FURTHER: "cc|bcc|cci|cco|kopie|copia|copie|копия|抄送|副本|참조|sender|reply-to|reply to|responder a"
    "|antwort an|répondre à|importance|importancia|priority|attachments|adjuntos|anlagen|附件",
}
_PART_OF: Final = {name: part for part, names in _NAMES.items() for name in names.split("|")}


def part_of(line: str) -> Part | None:
    """Return what a line of a head tells, quote marks and asterisks before it left out; None for any other line."""
    named = _NAMED.match(_QUOTE.sub("", line))
    return _PART_OF.get(" ".join(named[1].casefold().split())) if named else None


def whole_head(lines: Sequence[str]) -> int | None:
    """Return the first line of a head that tells sender, time, receiver and subject; None where there is none.

    Fewer lines may be a form's, or a resident's own words.
    """
    start, told = 0, set[Part]()
    for number, line in enumerate(lines):
        part = part_of(line)
        if part is None:
            told = set()
            continue
        start = start if told else number
        told.add(part)
        if told >= _WHOLE:
            return start
    return None
