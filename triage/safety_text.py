"""The tripwire's reading of a text: normalized words that keep their offsets into the original.

Width, case, invisible characters, HTML and apostrophes are normalized character by character with a map back;
what is particular to one word (look-alike letters, stretched letters, Arabic prefixes, misspellings) is settled
by `word_forms`, whose answers the caller keeps.
"""

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_HAN_HANGUL = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7a3"
# A contraction is one word; a French or Italian elided article ("l'incendie") is a word of its own.
_TOKEN = re.compile(
    rf"[{_HAN_HANGUL}]|'(?:ll|d)\b|(?:qu|[cdjlmnst])(?='[^\W\d_])"
    rf"|[^\W_{_HAN_HANGUL}]+(?:'(?!(?:ll|d)\b)[^\W_{_HAN_HANGUL}]+)*"
    r"|\n\s*\n|[.!?。؟।]+|[\n,;:،؛、()\[\]{}/|•*—–]|\s-+\s"
)
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\u064b-\u065f\u0670\u0640]"
)
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)\b[^<>]*>|<!--[^<>]*-->")
_ENTITY = re.compile(r"&(?:#\d{1,6}|#[xX][0-9a-fA-F]{1,5}|[a-zA-Z]{2,8});")
_BLOCK_TAGS = frozenset({"br", "p", "div", "li", "tr", "td", "h1", "h2", "h3", "h4", "ul", "ol", "table", "hr"})
_SAME_LENGTH = str.maketrans(
    dict.fromkeys("’‘ʼʻ´`′＇", "'")
    | {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    | {"\u00a0": " ", "\u3000": " ", "\u202f": " ", "…": ".", "．": ".", "\r": " "}
)
_ABBREVIATIONS = frozenset({
    "st", "ave", "av", "blvd", "dr", "rd", "ln", "ct", "pl", "apt", "mr", "mrs", "ms", "hwy", "pkwy", "approx", "no",
    "ste", "bldg", "jr", "sr", "vs", "u.s", "a.m", "p.m", "fwy", "sq", "mt", "ft",
})  # fmt: skip
_SENTENCE_ENDS = frozenset(".!?。؟।")


@dataclass(frozen=True, slots=True)
class Reading:
    """The words of one text, in order.

    Attributes:
        words: Lower-cased words; Han and Hangul characters are words of one character.
        starts, ends: Offsets of each word in the original text.
        sentences: Number of the sentence that each word stands in, ascending.
        clauses: Number of the clause (between commas, dashes and line ends), ascending.
        questions: Numbers of the sentences that end in a question mark.
    """

    words: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    sentences: tuple[int, ...]
    clauses: tuple[int, ...]
    questions: frozenset[int]


def read(text: str) -> Reading:
    """Split a text into normalized words with exact offsets into it; linear in its length."""
    plain, offsets = _plain(text)
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    sentences: list[int] = []
    clauses: list[int] = []
    questions: set[int] = set()
    sentence = clause = 0
    for match in _TOKEN.finditer(plain):
        token = match.group()
        if token[0].isalnum() or token[0] == "'":
            words.append(token)
            starts.append(match.start())
            ends.append(match.end())
            sentences.append(sentence)
            clauses.append(clause)
        elif words:
            clause += 1
            if _ends_sentence(token, plain, match.end(), words[-1]):
                if "?" in token or "؟" in token:
                    questions.add(sentence)
                sentence += 1
    if offsets is not None:
        starts, ends = [offsets[start][0] for start in starts], [offsets[end - 1][1] for end in ends]
    return Reading(tuple(words), tuple(starts), tuple(ends), tuple(sentences), tuple(clauses), frozenset(questions))


def _ends_sentence(token: str, plain: str, after: int, previous: str) -> bool:
    if token[0] not in _SENTENCE_ENDS:
        return token.count("\n") > 1
    if token != ".":
        return True
    following = plain[after : after + 1]
    return not following.isalnum() and previous not in _ABBREVIATIONS


def _plain(text: str) -> tuple[str, Sequence[tuple[int, int]] | None]:
    """Return the normalized text, and the span that each of its characters came from (None: same places)."""
    lowered = text.lower() if text.isascii() else text.translate(_SAME_LENGTH).lower()
    same_length = len(lowered) == len(text)
    if same_length and "<" not in lowered and "&" not in lowered:
        if text.isascii():
            return lowered, None
        if unicodedata.is_normalized("NFKC", lowered) and _INVISIBLE.search(lowered) is None:
            return lowered, None
    return _mapped(text)


def _mapped(text: str) -> tuple[str, list[tuple[int, int]]]:
    characters: list[str] = []
    offsets: list[tuple[int, int]] = []
    for piece, start, end in _pieces(text):
        plain = unicodedata.normalize("NFKC", piece.translate(_SAME_LENGTH)).lower()
        plain = _INVISIBLE.sub("", plain.translate(_SAME_LENGTH))
        characters.append(plain)
        offsets.extend([(start, end)] * len(plain))
    return "".join(characters), offsets


def _pieces(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield (characters, start, end): letters with their marks, tags as blanks, entities as what they stand for."""
    replaced = {match.start(): (match.end(), _tag_text(match)) for match in _TAG.finditer(text)}
    replaced |= {match.start(): (match.end(), html.unescape(match.group())) for match in _ENTITY.finditer(text)}
    at = 0
    while at < len(text):
        if at in replaced:
            end, piece = replaced[at]
        else:
            end = at + 1
            while end < len(text) and unicodedata.combining(text[end]):
                end += 1
            piece = text[at:end]
        yield piece, at, end
        at = end


def _tag_text(match: re.Match[str]) -> str:
    return "\n\n" if (match.group(1) or "").lower() in _BLOCK_TAGS else " "


# --- one word ---------------------------------------------------------------------------------------------------

_LATIN_LOOKALIKES = dict(zip("асеорхуіјѕԁһвнкмтάαορτυιν", "aceopxyijsdhbhkmtaaoptuiv", strict=True))
_CYRILLIC_LOOKALIKES = dict(zip("aceopxyi", "асеорхуі", strict=True))
_ARABIC = str.maketrans(
    {
        "أ": "ا",
        "إ": "ا",
        "آ": "ا",
        "ٱ": "ا",
        "ى": "ي",
        "ی": "ي",
        "ک": "ك",
        "ة": "ه",
        "ۀ": "ه",
        "ؤ": "و",
        "ئ": "ي",
        "ڪ": "ك",
    }
)
_ARABIC_PREFIXES = ("وال", "بال", "فال", "كال", "لل", "ال", "و", "ف", "ب", "ل")
_STRETCHED = re.compile(r"(.)\1{2,}")
_ENDINGS = re.compile(r"'(?:s|re|m|ve)$")
_CONTRACTED = {
    "'ll": "will", "'d": "would",
    "shes": "she", "hes": "he", "theyre": "they", "theres": "there", "thats": "that", "its": "it", "im": "i",
    "ive": "i", "whos": "who", "weve": "we", "youre": "you", "ima": "i", "theyve": "they", "iam": "i", "itz": "it",
}  # fmt: skip


def plain_word(word: str) -> str:
    """Return the form that rules are written in: no apostrophes, contracted verbs dropped, one Arabic spelling."""
    word = _CONTRACTED.get(word, word)
    if "'" in word:
        word = _ENDINGS.sub("", word).replace("'", "")
    return word if word.isascii() else word.translate(_ARABIC)


def without_marks(word: str) -> str:
    """Return a Latin word without its diacritics, as people type it on a foreign keyboard."""
    if word.isascii():
        return word
    bare = unicodedata.normalize("NFD", word.replace("đ", "d").replace("ı", "i").replace("ø", "o"))
    return (
        "".join(character for character in bare if not unicodedata.combining(character)) if bare[0] < "\u0250" else word
    )


def word_forms(word: str) -> Iterator[str]:
    """Yield the spellings under which a word may stand in the rules, likeliest first."""
    word = plain_word(word)
    yield word
    if _STRETCHED.search(word):
        yield _STRETCHED.sub(r"\1", word)
        yield _STRETCHED.sub(r"\1\1", word)
    if not word.isascii():
        yield from _script_forms(word)


def _script_forms(word: str) -> Iterator[str]:
    if "\u0600" <= word[0] <= "\u06ff":
        yield from (
            word[len(prefix) :]
            for prefix in _ARABIC_PREFIXES
            if word.startswith(prefix) and len(word) - len(prefix) > 1
        )
        return
    if any(character.isascii() for character in word):
        yield "".join(_LATIN_LOOKALIKES.get(character, character) for character in word)
        yield "".join(_CYRILLIC_LOOKALIKES.get(character, character) for character in word)
    if word[0].isascii() or word[0] < "\u0250":
        yield word.replace("oà", "òa").replace("oá", "óa").replace("oả", "ỏa").replace("uỷ", "ủy")


def slips(word: str) -> Iterator[str]:
    """Yield keys that a word shares with words one slip away: itself, less one letter, two neighbors swapped.

    Two words of which one is the other with a letter left out, doubled, exchanged or swapped share a key; the
    first letter is kept, because slips there are rare and other words are many.
    """
    yield word
    for at in range(1, len(word)):
        yield word[:at] + word[at + 1 :]
