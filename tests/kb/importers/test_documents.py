from pathlib import Path

import pytest

from tests.kb.importers.samples import (
    article_of,
    damaged,
    docx_members,
    imported,
    paragraph,
    pdf_of,
    reasons,
    text_of,
    told,
    write,
    zipped,
)


def table(*rows: tuple[str, ...]) -> str:
    cells = ["".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows]
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def test_a_word_document_keeps_headings_and_tables(tmp_path: Path) -> None:
    text = paragraph("Permits", "Heading1") + paragraph("Ask first.") + paragraph("Hours", "Heading2")
    body = text + table(("Day", "Hours"), ("Monday", "9 am"))
    changes = imported(zipped(tmp_path / "How to.docx", docx_members(body)), tmp_path / "out")
    assert told(changes) == [("added", "how-to")]
    assert article_of(tmp_path / "out", "how-to").title == "Permits"
    assert text_of(tmp_path / "out", "how-to") == (
        "Ask first.\n\n## Hours\n\n| Day | Hours |\n| --- | --- |\n| Monday | 9 am |\n"
    )


@pytest.mark.parametrize(
    "members",
    [
        {"hello.txt": b"hello"},
        docx_members("", prolog="<!DOCTYPE a>") | {"word/document.xml": b"<w:document"},
        docx_members(paragraph("&e9;"), prolog="<!DOCTYPE a [" + '<!ENTITY e0 "haha">' + "".join(
            f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10)) + "]>"),
    ],
    ids=["no document", "cut off", "entities"],
)  # fmt: skip
def test_a_word_document_that_is_none_is_left_out(tmp_path: Path, members: dict[str, bytes]) -> None:
    changes = imported(zipped(tmp_path / "a.docx", members), tmp_path / "out")
    assert "no DOCX file that can be read" in reasons(changes)[0]


def test_a_word_document_cut_in_half_is_left_out_and_the_old_article_stays(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.docx", docx_members(paragraph("Ask first.")))
    imported(path, tmp_path / "out")
    path.write_bytes(path.read_bytes()[:300])
    assert "no whole DOCX file" in reasons(imported(path, tmp_path / "out", prune=True))[0]
    assert text_of(tmp_path / "out", "a") == "Ask first.\n"


def test_a_pdf_is_a_section_a_page(tmp_path: Path) -> None:
    write(tmp_path / "fee-list.pdf", pdf_of("Dogs cost $20.", "# Cats are free."))
    imported(tmp_path / "fee-list.pdf", tmp_path / "out")
    assert article_of(tmp_path / "out", "fee-list").title == "fee list"
    assert text_of(tmp_path / "out", "fee-list") == "## Page 1\n\nDogs cost $20.\n\n## Page 2\n\n\\# Cats are free.\n"


def test_a_pdf_without_a_text_layer_is_left_out_with_what_to_do(tmp_path: Path) -> None:
    changes = imported(write(tmp_path / "scan.pdf", pdf_of("", "")), tmp_path / "out")
    assert reasons(changes) == ["it has no text layer: it is a scan; run text recognition (OCR) over it first"]


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4", pdf_of("Dogs cost $20.")[:60], b"no pdf at all" * 99])
def test_a_pdf_that_is_none_or_cut_off_is_left_out(tmp_path: Path, content: bytes) -> None:
    changes = imported(write(tmp_path / "a.pdf", content), tmp_path / "out")
    assert "it is no whole PDF file" in reasons(changes)[0] or "no text layer" in reasons(changes)[0]


def test_an_encrypted_pdf_is_left_out(tmp_path: Path) -> None:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(write(tmp_path / "a.pdf", pdf_of("Dogs cost $20."))))
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(tmp_path / "b.pdf")
    assert reasons(imported(tmp_path / "b.pdf", tmp_path / "out")) == ["it is encrypted; save it without a password"]


def test_a_word_document_with_damaged_data_is_left_out_and_the_rest_is_imported(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    lines = "".join(paragraph(f"Rule {number * 7919 % 1009} of the pool.") for number in range(300))
    damaged(zipped(tmp_path / "in" / "a.docx", docx_members(lines)), "word/document.xml")
    write(tmp_path / "in" / "z.md", "# Pool\n\nOpens at noon.\n")
    changes = imported(tmp_path / "in", tmp_path / "out")
    assert "no DOCX file that can be read" in reasons(changes)[0]
    assert told(changes)[1][0] == "added"
