"""The text of a DOCX file: every word once, in time that grows with its size."""

import io
import time
import zipfile

from triage.channels.mail_files import mail_file

WORDS = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
COMPATIBLE = "http://schemas.openxmlformats.org/markup-compatibility/2006"


def text_of(body: str) -> str | None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "word/document.xml", f"<w:document xmlns:w='{WORDS}' xmlns:m='{COMPATIBLE}'>{body}</w:document>"
        )
    return mail_file("letter.docx", "application/octet-stream", content.getvalue()).text


def test_paragraphs_tabs_and_breaks_are_told() -> None:
    assert (
        text_of("<w:p><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:p><w:p><w:t>d</w:t></w:p>") == "a\tb\nc\nd"
    )


def test_a_text_box_is_read_once() -> None:
    box = "<w:p><w:t>gas leak</w:t></w:p>"
    both = f"<m:AlternateContent><m:Choice>{box}</m:Choice><m:Fallback>{box}</m:Fallback></m:AlternateContent>"
    assert text_of(f"<w:p><w:t>Outer</w:t>{both}<w:t>end</w:t></w:p>") == "Outer\ngas leak\nend"


def test_paragraphs_in_paragraphs_cost_no_more_than_others() -> None:
    started = time.perf_counter()
    assert text_of("<w:p>" * 30_000 + "<w:t>gas</w:t>" + "</w:p>" * 30_000) == "gas"
    assert time.perf_counter() - started < 5
