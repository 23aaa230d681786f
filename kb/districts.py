"""Districts that a text names: by a number, in figures or as a word, or by one capital letter.

Any other word behind "district" names none: "in my district today" says neither where nor where not.
"""

import re

from kb.facts import NUMBERS

# "District I" is left out: "which district I live in" would name it.
DISTRICT = re.compile(
    rf"\b(?:(?i:district\s+(?:#\s*|no\.?\s+|number\s+)?)(\d{{1,3}}[A-Za-z]?|(?i:{'|'.join(NUMBERS)}))"
    r"|[Dd]istrict\s+([A-HJ-Z]))\b"
)


def districts_in(text: str) -> tuple[str, ...]:
    """Return the districts that a text names, each once, in order: "3" for "district three", "B" for "District B"."""
    found = (match[1] or match[2] for match in DISTRICT.finditer(text))
    return tuple(dict.fromkeys(NUMBERS.get(name.lower(), name.upper()) for name in found))


def says_district(text: str, district: str) -> bool | None:
    """Whether a text names a district; None where it names none.

    A district that has a name is known by it only, so that "district 5" does not speak against Downtown.
    """
    numbered = districts_in(f"district {district}")
    if not numbered:
        return True if re.search(rf"\bdistrict\s+{re.escape(district)}\b", text, re.IGNORECASE) else None
    named = districts_in(text)
    return not set(numbered).isdisjoint(named) if named else None
