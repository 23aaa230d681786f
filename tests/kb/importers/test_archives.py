import zipfile
from pathlib import Path

from tests.kb.importers.samples import imported, reasons, text_of, told, write, zipped

PAGE = b"<h1>Pay</h1><p>Online.</p>"


def test_a_zip_of_pages_is_read_like_a_folder(tmp_path: Path) -> None:
    zipped(
        tmp_path / "pages.zip",
        {"site/pay.html": PAGE, "__MACOSX/site/pay.html": b"x", "site/faq.csv": b"question,answer\nQ,A\n"},
    )
    assert told(imported(tmp_path / "pages.zip", tmp_path / "out")) == [("added", "faq-q"), ("added", "site-pay")]
    assert told(imported(tmp_path / "pages.zip", tmp_path / "out")) == [("unchanged", None), ("unchanged", None)]


def test_paths_that_climb_out_are_left_out_and_write_nothing(tmp_path: Path) -> None:
    names = ("../up.html", "/abs.html", "a/../../up2.html", "..\\win.html", "C:\\win.html")
    (tmp_path / "in").mkdir()
    zipped(tmp_path / "in" / "a.zip", {**dict.fromkeys(names, PAGE), "ok.html": PAGE})
    before = set(tmp_path.rglob("*"))
    changes = imported(tmp_path / "in" / "a.zip", tmp_path / "in" / "out")
    assert told(changes) == [("left out", None)] * 5 + [("added", "ok")]
    assert set(reasons(changes)) == {"its path climbs out of the archive"}
    assert {path.name for path in set(tmp_path.rglob("*")) - before} == {"out", "ok.md", ".imported.jsonl"}


def test_links_nested_archives_and_other_files_are_left_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("passwd.html")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("inner.zip", b"PK")
        archive.writestr("photo.png", b"x")
    assert reasons(imported(tmp_path / "a.zip", tmp_path / "out")) == [
        "it is a link, and links are not followed",
        "it is an archive inside an archive; import it by itself",
        ".png is no format that is read",
    ]


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    zipped(tmp_path / "a.zip", {"a.html": b" " * 20_000_000})
    [reason] = reasons(imported(tmp_path / "a.zip", tmp_path / "out"))
    assert reason.startswith("it unpacks to ")
    assert reason.endswith(" times its size, which is a zip bomb")


def test_a_zip_cut_in_half_or_damaged_is_left_out_and_the_old_articles_stay(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"pay.html": PAGE})
    whole = path.read_bytes()
    imported(path, tmp_path / "out")
    for damaged in (whole[: len(whole) // 2], whole.replace(b"pay.html", b"pay.htmx", 1), b""):
        assert "it is no whole zip file" in reasons(imported(write(path, damaged), tmp_path / "out", prune=True))[0]
    assert text_of(tmp_path / "out", "pay") == "Online.\n"
