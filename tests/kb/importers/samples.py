"""Small inputs of each format, and an import that returns what became of them."""

import io
import zipfile
from pathlib import Path

from kb.articles import Article, read_article
from kb.importers.items import Defaults
from kb.importers.run import Change, Outcome, Plan, import_articles


def imported(path: Path, out: Path, *, owner: str | None = None, **options: bool) -> list[Change]:
    """Import one path."""
    plan = Plan(out=out, defaults=Defaults(owner=owner), **options)  # type: ignore[arg-type]
    return list(import_articles([path], plan))


def told(changes: list[Change]) -> list[tuple[str, str | None]]:
    """Return outcome and id of each change."""
    return [(change.outcome.value, change.id) for change in changes]


def reasons(changes: list[Change]) -> list[str]:
    """Return why something was left out."""
    return [change.detail for change in changes if change.outcome is Outcome.LEFT_OUT]


def text_of(out: Path, name: str) -> str:
    """Return the Markdown of an article, below its front matter."""
    return (out / f"{name}.md").read_text("utf-8").split("\n---\n", 1)[1]


def article_of(out: Path, name: str) -> Article:
    return read_article(out / f"{name}.md")


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def damaged(path: Path, member: str) -> None:
    """Turn over some bytes in the middle of a packed file."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(member)
    content = bytearray(path.read_bytes())
    middle = info.header_offset + 30 + len(info.filename) + info.compress_size // 2
    for place in range(middle, middle + 40):
        content[place] ^= 0x5A
    path.write_bytes(content)


def pdf_of(*pages: str) -> bytes:
    """Return a PDF file with a line of text a page; an empty text makes a page without a text layer."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", ""]
    kids = []
    for text in pages:
        stream = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET" if text else "0 0 m 9 9 l S"
        number = len(objects) + 1
        kids.append(f"{number} 0 R")
        font = "<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources {font} /Contents {number + 1} 0 R >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(pages)} >>"
    out = io.BytesIO(b"%PDF-1.4\n")
    out.seek(0, io.SEEK_END)
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(f"{number} 0 obj\n{content}\nendobj\n".encode())
    start = out.tell()
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    out.writelines(f"{place:010} 00000 n \n".encode() for place in places)
    out.write(f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()


_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'wordprocessingml.document.main+xml"/></Types>'
)
_RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="word/document.xml"/></Relationships>'
)


def docx_members(body: str, prolog: str = "") -> dict[str, bytes]:
    """Return the files of a Word document with this body."""
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    document = f'{prolog}<w:document xmlns:w="{space}"><w:body>{body}</w:body></w:document>'
    return {
        "[Content_Types].xml": _TYPES.encode(),
        "_rels/.rels": _RELATIONS.encode(),
        "word/document.xml": document.encode(),
    }


def paragraph(text: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"
