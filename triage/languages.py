"""One row per language that the detector can answer; everything else about a language is looked up here."""

from dataclasses import dataclass
from enum import StrEnum

MIXED = "mixed"  # the method of a text in two languages: the runner-up is the second


class Direction(StrEnum):
    """Where a line of text begins, as in the HTML attribute `dir`."""

    LEFT_TO_RIGHT = "ltr"
    RIGHT_TO_LEFT = "rtl"


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageRow:
    """What people and programs call a language.

    Attributes:
        code: BCP 47.
        name: English, as an agent reads it.
        native_name: As its speakers write it.
        tokenizer: spaCy code; `xx` where spaCy needs further packages or has none.
        interpreter: What an agent asks the interpreting service for; None for English.
        direction: Of its script.
        script: As an agent names it.
        dialect: What to ask the resident before an interpreter is called; None where one interpreter serves all.
        served: Whether the project is built and measured for it; the others are recognized only.
    """

    code: str
    name: str
    native_name: str
    tokenizer: str
    interpreter: str | None
    direction: Direction = Direction.LEFT_TO_RIGHT
    script: str = "Latin"
    dialect: str | None = None
    served: bool = False


_RIGHT_TO_LEFT = frozenset({"ar", "fa", "ur", "he"})
_SCRIPTS = {
    "Han, simplified": "zh-Hans",
    "Han, traditional": "zh-Hant yue",
    "Cyrillic": "ru uk bg mk",
    "Hangul": "ko",
    "Arabic": "ar fa ur",
    "Kana and Han": "ja",
    "Devanagari": "hi mr ne",
    "Gurmukhi": "pa",
    "Ethiopic": "am",
    "Greek": "el",
    "Hebrew": "he",
    "Armenian": "hy",
    "Georgian": "ka",
    "Bengali": "bn",
    "Gujarati": "gu",
    "Kannada": "kn",
    "Khmer": "km",
    "Lao": "lo",
    "Malayalam": "ml",
    "Burmese": "my",
    "Tamil": "ta",
    "Telugu": "te",
    "Thai": "th",
}
_SCRIPT_OF = {code: script for script, codes in _SCRIPTS.items() for code in codes.split()}
_DIALECTS = {
    "zh-Hans": "Mandarin or Cantonese?",
    "zh-Hant": "Mandarin or Cantonese?",
    "es": "Spanish, or an indigenous language such as Mixteco, Mam or K'iche'?",
    "ar": "Which Arabic: Levantine, Egyptian, Iraqi, Gulf, Sudanese or Maghrebi?",
    "fa": "Farsi (Iran) or Dari (Afghanistan)?",
    "hmn": "White Hmong or Green Mong?",
    "pt": "Portuguese of Brazil, Portugal or Cape Verde?",
    "so": "Standard Somali or Maay?",
    "tl": "Tagalog, or Ilocano, Cebuano or another Philippine language?",
}

# code | English name | own name | spaCy tokenizer | interpreter, where it is not the English name
_SERVED = """
en|English|English|en|-
es|Spanish|español|es|
zh-Hans|Chinese (Simplified)|简体中文|zh|Mandarin
zh-Hant|Chinese (Traditional)|繁體中文|zh|Mandarin or Cantonese
yue|Cantonese|粵語|zh|
vi|Vietnamese|Tiếng Việt|xx|
ru|Russian|русский|ru|
uk|Ukrainian|українська|uk|
tl|Tagalog|Tagalog|tl|
ko|Korean|한국어|xx|
ar|Arabic|العربية|ar|
pt|Portuguese|português|pt|
fr|French|français|fr|
ht|Haitian Creole|kreyòl ayisyen|ht|
hmn|Hmong|Hmoob|xx|
fa|Persian|فارسی|fa|Farsi or Dari
so|Somali|Soomaali|xx|
ja|Japanese|日本語|xx|
hi|Hindi|हिन्दी|hi|
pa|Punjabi|ਪੰਜਾਬੀ|xx|
am|Amharic|አማርኛ|am|
ro|Romanian|română|ro|
de|German|Deutsch|de|
it|Italian|italiano|it|
pl|Polish|polski|pl|
"""
_RECOGNIZED = """
af|Afrikaans|Afrikaans|af|
bg|Bulgarian|български|bg|
bn|Bengali|বাংলা|bn|
ca|Catalan|català|ca|
cs|Czech|čeština|cs|
cy|Welsh|Cymraeg|xx|
da|Danish|dansk|da|
el|Greek|Ελληνικά|el|
et|Estonian|eesti|et|
fi|Finnish|suomi|fi|
gu|Gujarati|ગુજરાતી|gu|
he|Hebrew|עברית|he|
hr|Croatian|hrvatski|hr|
hu|Hungarian|magyar|hu|
hy|Armenian|հայերեն|hy|
id|Indonesian|Bahasa Indonesia|id|
ka|Georgian|ქართული|xx|
km|Khmer|ភាសាខ្មែរ|xx|
kn|Kannada|ಕನ್ನಡ|kn|
lo|Lao|ລາວ|xx|
lt|Lithuanian|lietuvių|lt|
lv|Latvian|latviešu|lv|
mk|Macedonian|македонски|mk|
ml|Malayalam|മലയാളം|ml|
mr|Marathi|मराठी|mr|
my|Burmese|မြန်မာဘာသာ|xx|
ne|Nepali|नेपाली|ne|
nl|Dutch|Nederlands|nl|
no|Norwegian|norsk|nb|
sk|Slovak|slovenčina|sk|
sl|Slovenian|slovenščina|sl|
sq|Albanian|shqip|sq|
sv|Swedish|svenska|sv|
sw|Swahili|Kiswahili|xx|
ta|Tamil|தமிழ்|ta|
te|Telugu|తెలుగు|te|
th|Thai|ไทย|xx|
tr|Turkish|Türkçe|tr|
ur|Urdu|اردو|ur|
"""


def _rows(table: str, *, served: bool) -> tuple[LanguageRow, ...]:
    return tuple(_row(*line.split("|"), served=served) for line in table.split("\n") if line)


def _row(code: str, name: str, native_name: str, tokenizer: str, interpreter: str, *, served: bool) -> LanguageRow:
    return LanguageRow(
        code=code,
        name=name,
        native_name=native_name,
        tokenizer=tokenizer,
        interpreter=None if interpreter == "-" else interpreter or name,
        direction=Direction.RIGHT_TO_LEFT if code in _RIGHT_TO_LEFT else Direction.LEFT_TO_RIGHT,
        script=_SCRIPT_OF.get(code, "Latin"),
        dialect=_DIALECTS.get(code),
        served=served,
    )


LANGUAGES: tuple[LanguageRow, ...] = _rows(_SERVED, served=True) + _rows(_RECOGNIZED, served=False)
BY_CODE: dict[str, LanguageRow] = {row.code: row for row in LANGUAGES}
SERVED: tuple[str, ...] = tuple(row.code for row in LANGUAGES if row.served)

# Tags that forms, phone queues and other programs send; keys are in lower case. A region, as in es-MX, is cut off.
_ALIASES = {
    "zh": "zh-Hans",
    "cmn": "zh-Hans",
    "cmn-hans": "zh-Hans",
    "cmn-hant": "zh-Hant",
    "zh-cn": "zh-Hans",
    "zh-sg": "zh-Hans",
    "zh-tw": "zh-Hant",
    "zh-hk": "zh-Hant",
    "zh-mo": "zh-Hant",
    "zh-yue": "yue",
    "fil": "tl",
    "iw": "he",
    "in": "id",
    "nb": "no",
    "nn": "no",
    "hat": "ht",
    "mww": "hmn",
    "hnj": "hmn",
    "prs": "fa",
    "spa": "es",
    "eng": "en",
    "vie": "vi",
}
_FOLDED = {code.lower(): code for code in BY_CODE} | _ALIASES


def name_of(code: str | None) -> str:
    """Return what an agent calls a language; the code itself where it has no row."""
    row = BY_CODE.get(code or "")
    return row.name if row else str(code)


def code_of(tag: str) -> str | None:
    """Return the code under which a BCP 47 tag is known here, or None.

    Case and `_` do not matter; subtags are cut off from the right until something is known (RFC 4647, lookup).
    """
    subtags = tag.strip().lower().replace("_", "-").split("-")
    prefixes = ("-".join(subtags[:length]) for length in range(len(subtags), 0, -1))
    return next((_FOLDED[prefix] for prefix in prefixes if prefix in _FOLDED), None)
