"""Files that come with a mail: their names, kinds and sizes, and the text of those that people write letters in."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from triage.channels.mail_text import decoded_text, sound

MAX_TEXT: Final = 20_000  # characters that are taken of a file
MAX_READ_BYTES: Final = 10_000_000  # of a file whose text is read
MAX_UNPACKED: Final = 20_000_000  # of the part of a DOCX file that holds its text
MAX_RATIO: Final = 200  # text packs to a tenth; a bomb to a thousandth and less
MAX_PAGES: Final = 20
MAX_NAME: Final = 120
_SMALL: Final = 1_000_000  # unpacked bytes up to which the ratio does not matter
_WORDS: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FOR_OLD_WORDS: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f<>:"|?*\u202a-\u202e\u2066-\u2069]')
# What the parsers of these formats raise on damaged or hostile files.
_UNREADABLE: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    DefusedXmlException,
    PyPdfError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFile:
    """A file that came with a mail.

    Attributes:
        name: Without a folder and without signs that mislead; made up where it came without one.
        media_type: As the mail says, lower case.
        size_bytes: Its transfer encoding undone.
        content: Its bytes.
        text: The first MAX_TEXT characters of what it says; None where it is not read.
        unread: Why its text could not be read; None where it was, or is of a kind that is not.
    """

    name: str
    media_type: str
    size_bytes: int
    content: bytes
    text: str | None = None
    unread: str | None = None


def mail_file(name: str, media_type: str, content: bytes, charset: str | None = None) -> MailFile:
    """Return a file with its text, if it is a .txt, .docx or .pdf; one that cannot be read says why and is listed."""
    safe = safe_name(name, media_type)
    text, unread = None, None
    try:
        text = _text_of(safe, media_type, content, charset)
    except _UNREADABLE as error:
        unread = str(error) if isinstance(error, _TooMuch) else f"cannot be read ({type(error).__name__})"
    if text is not None:
        text = sound(text).strip()[:MAX_TEXT]
    return MailFile(
        name=safe, media_type=media_type, size_bytes=len(content), content=content, text=text or None, unread=unread
    )


def safe_name(name: str, media_type: str) -> str:
    """Return a file's last name, at most MAX_NAME characters, its ending kept; no path and no sign that misleads."""
    last = PurePosixPath(_UNSAFE.sub("", name).replace("\\", "/")).name.strip(" .")
    if not last:
        ending = re.sub(r"[^a-z0-9]", "", media_type.rpartition("/")[2])[:10]
        return f"file.{ending or 'bin'}"
    path = PurePosixPath(last)
    return last if len(last) <= MAX_NAME else f"{path.stem[: MAX_NAME - 20]}{path.suffix[:20]}"


class _TooMuch(ValueError):
    """A limit was reached; the text says which."""


def _text_of(name: str, media_type: str, content: bytes, charset: str | None) -> str | None:
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in (".txt", ".docx", ".pdf"):
        return None
    if len(content) > MAX_READ_BYTES:
        raise _TooMuch(f"has {len(content):,} bytes, at most {MAX_READ_BYTES:,} are read")
    if suffix == ".txt":
        return decoded_text(content[: MAX_TEXT * 4], charset)
    return _docx_text(content) if suffix == ".docx" else _pdf_text(content)


def _docx_text(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        member = archive.getinfo("word/document.xml")
        if member.file_size > MAX_UNPACKED:
            raise _TooMuch(f"unpacks to {member.file_size:,} bytes, at most {MAX_UNPACKED:,} are read")
        if member.file_size > _SMALL and member.file_size > MAX_RATIO * max(member.compress_size, 1):
            raise _TooMuch(f"unpacks to over {MAX_RATIO} times its size, which is a zip bomb")
        with archive.open(member) as part:
            xml = part.read(MAX_UNPACKED)
    return "\n".join(line for line in "".join(_pieces(xml)).split("\n") if line.strip())


def _pieces(xml: bytes) -> Iterator[str]:
    """Yield words and breaks in their order, each once, though paragraphs and text boxes stand inside paragraphs."""
    signs = {f"{_WORDS}tab": "\t", f"{_WORDS}br": "\n"}
    unseen = 0
    for event, node in ElementTree.iterparse(io.BytesIO(xml), events=("start", "end"), forbid_dtd=True):
        if node.tag == _FOR_OLD_WORDS:
            unseen += 1 if event == "start" else -1
        elif node.tag == f"{_WORDS}p":
            yield "\n"
        elif event == "end" and not unseen:
            yield node.text or "" if node.tag == f"{_WORDS}t" else signs.get(node.tag, "")


def _pdf_text(content: bytes) -> str:
    reader = PdfReader(io.BytesIO(content))
    if reader.is_encrypted and not reader.decrypt(""):
        raise _TooMuch("is encrypted")
    texts: list[str] = []
    for page in reader.pages[:MAX_PAGES]:
        texts.append(page.extract_text())
        if sum(map(len, texts)) > MAX_TEXT:
            break
    return "\n".join(texts)
