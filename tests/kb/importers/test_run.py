from pathlib import Path

import pytest

from kb.articles import read_articles
from kb.importers.ledger import FILE_NAME
from kb.importers.run import Plan, import_articles
from tests.kb.importers.samples import imported, reasons, text_of, told, write
from triage.errors import DataError

FAQ = "Question,Answer\nHow do I pay?,Online.\nWhen?,By noon.\n"


def test_the_first_import_adds_and_the_second_finds_nothing_changed(tmp_path: Path) -> None:
    faq, out = write(tmp_path / "faq.csv", FAQ), tmp_path / "out"
    assert told(imported(faq, out)) == [("added", "faq-how-do-i-pay"), ("added", "faq-when")]
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("*.md")}
    [again] = imported(faq, out)
    assert (again.outcome.value, again.count) == ("unchanged", 2)
    assert {path.name: path.stat().st_mtime_ns for path in out.glob("*.md")} == before
    assert [article.title for article in read_articles(out)] == ["How do I pay?", "When?"]


def test_only_what_changed_at_the_source_is_written_and_shown_as_a_diff(tmp_path: Path) -> None:
    faq, out = write(tmp_path / "faq.csv", FAQ), tmp_path / "out"
    imported(faq, out)
    write(faq, FAQ.replace("noon", "four"))
    changes = imported(faq, out)
    assert told(changes) == [("unchanged", "faq-how-do-i-pay"), ("changed", "faq-when")]
    assert [line for line in changes[1].diff if line[:2] in ("-B", "+B")] == ["-By noon.", "+By four."]
    assert text_of(out, "faq-when") == "By four.\n"


def test_a_dry_run_tells_the_same_and_writes_nothing(tmp_path: Path) -> None:
    faq, out = write(tmp_path / "faq.csv", FAQ), tmp_path / "out"
    assert told(imported(faq, out, dry_run=True)) == [("added", "faq-how-do-i-pay"), ("added", "faq-when")]
    assert not out.exists()


def test_what_a_person_has_edited_is_kept_unless_asked_otherwise(tmp_path: Path) -> None:
    faq, out = write(tmp_path / "faq.csv", FAQ), tmp_path / "out"
    imported(faq, out)
    edited = out / "faq-when.md"
    edited.write_text(edited.read_text("utf-8").replace("By noon.", "By noon, or call."), encoding="utf-8")
    assert told(imported(faq, out)) == [("unchanged", None)]
    write(faq, FAQ.replace("noon", "four"))
    assert told(imported(faq, out))[1] == ("kept", "faq-when")
    assert text_of(out, "faq-when") == "By noon, or call.\n"
    assert told(imported(faq, out, overwrite=True))[1] == ("changed", "faq-when")
    assert text_of(out, "faq-when") == "By four.\n"


def test_what_the_source_has_dropped_goes_only_when_asked(tmp_path: Path) -> None:
    faq, out = write(tmp_path / "faq.csv", FAQ), tmp_path / "out"
    imported(faq, out)
    write(faq, "Question,Answer\nHow do I pay?,Online.\n")
    assert told(imported(faq, out)) == [("unchanged", "faq-how-do-i-pay"), ("kept", "faq-when")]
    assert told(imported(faq, out, prune=True, dry_run=True))[1] == ("removed", "faq-when")
    assert (out / "faq-when.md").exists()
    assert told(imported(faq, out, prune=True))[1] == ("removed", "faq-when")
    assert not (out / "faq-when.md").exists()
    assert told(imported(faq, out, prune=True)) == [("unchanged", "faq-how-do-i-pay")]
    assert told(imported(faq, out, prune=True)) == [("unchanged", None)]


def test_a_source_that_breaks_off_loses_no_article(tmp_path: Path) -> None:
    faq, out = write(tmp_path / "faq.csv", FAQ), tmp_path / "out"
    imported(faq, out)
    write(faq, 'Question,Answer\nHow do I pay?,"Onli')
    changes = imported(faq, out, prune=True)
    assert told(changes) == [("left out", None)]
    assert "is a quote there never closed, or the file cut off?" in reasons(changes)[0]
    assert text_of(out, "faq-when") == "By noon.\n"
    assert text_of(out, "faq-how-do-i-pay") == "Online.\n"


def test_a_row_that_lost_its_answer_leaves_the_old_article(tmp_path: Path) -> None:
    faq, out = write(tmp_path / "faq.csv", FAQ), tmp_path / "out"
    imported(faq, out)
    write(faq, "Question,Answer\nHow do I pay?,Online.\nWhen?,\n")
    assert reasons(imported(faq, out, prune=True)) == ["it has no text"]
    assert text_of(out, "faq-when") == "By noon.\n"


def test_an_article_that_was_not_imported_is_never_overwritten_by_itself(tmp_path: Path) -> None:
    out = tmp_path / "out"
    own = "---\nid: faq-when\ntitle: Own\nservice_types: []\n---\nOwn words.\n"
    write(out / "faq-when.md", own)
    changes = imported(write(tmp_path / "faq.csv", FAQ), out)
    assert reasons(changes) == ["an article of this id is there and was not imported; --overwrite replaces it"]
    assert (out / "faq-when.md").read_text("utf-8") == own


def test_two_imports_do_not_fight_for_one_id(tmp_path: Path) -> None:
    out = tmp_path / "out"
    imported(write(tmp_path / "a.csv", "id,question,answer\nx,Q,A\n"), out)
    changes = imported(write(tmp_path / "b.csv", "id,question,answer\nx,Q,B\n"), out)
    assert reasons(changes) == ["the article of this id came from 'a.csv'; --source a.csv continues that import"]
    assert text_of(out, "x") == "A\n"


def test_of_two_rows_with_one_id_the_first_stays(tmp_path: Path) -> None:
    changes = imported(write(tmp_path / "a.csv", "id,question,answer\nx,Q,A\nx,R,B\n"), tmp_path / "out")
    assert reasons(changes) == ["the id 'x' is taken by an article before it; give one another id"]
    assert changes[1].source == "a.csv:3"


def test_an_import_that_is_broken_off_goes_on_where_it_was(tmp_path: Path) -> None:
    faq, out = write(tmp_path / "faq.csv", FAQ), tmp_path / "out"
    changes = import_articles([faq], Plan(out=out))
    next(changes)
    changes.close()
    assert told(imported(faq, out)) == [("unchanged", "faq-how-do-i-pay"), ("added", "faq-when")]


def test_articles_are_known_again_without_the_ledger(tmp_path: Path) -> None:
    faq, out = write(tmp_path / "faq.csv", FAQ), tmp_path / "out"
    imported(faq, out)
    (out / FILE_NAME).unlink()
    assert told(imported(faq, out)) == [("unchanged", "faq-how-do-i-pay"), ("unchanged", "faq-when")]


def test_a_damaged_ledger_is_a_clear_error(tmp_path: Path) -> None:
    write(tmp_path / "out" / FILE_NAME, '{"id": "a"')
    with pytest.raises(DataError, match=r"is damaged .* delete it"):
        imported(write(tmp_path / "faq.csv", FAQ), tmp_path / "out")


def test_a_file_that_no_importer_reads_is_named(tmp_path: Path) -> None:
    write(tmp_path / "in" / "photo.jpeg", b"\xff\xd8")
    write(tmp_path / "in" / "faq.csv", FAQ)
    changes = imported(tmp_path / "in", tmp_path / "out")
    assert told(changes) == [("added", "faq-how-do-i-pay"), ("added", "faq-when"), ("left out", None)]
    assert (changes[2].source, changes[2].detail) == ("in/photo.jpeg", ".jpeg is no format that is read")


def test_an_id_that_would_leave_the_folder_names_no_file(tmp_path: Path) -> None:
    changes = imported(write(tmp_path / "a.csv", "id,question,answer\n../../x,Q,A\nREADME,Q,A\n"), tmp_path / "out")
    assert [reason[:20] for reason in reasons(changes)] == ["the id '../../x' can", "the id 'README' cann"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "out"]


def test_defaults_stand_where_the_source_says_nothing(tmp_path: Path) -> None:
    imported(write(tmp_path / "a.csv", "id,question,answer,owner\nx,Q,A,\ny,Q2,A,desk@example.org\n"), tmp_path / "out",
             owner="kb@example.org")  # fmt: skip
    owners = [article.owner for article in read_articles(tmp_path / "out")]
    assert owners == ["kb@example.org", "desk@example.org"]


def test_progress_ends_at_the_size_of_what_was_read(tmp_path: Path) -> None:
    faq = write(tmp_path / "faq.csv", FAQ)
    steps: list[tuple[str, int, int]] = []
    list(import_articles([faq], Plan(out=tmp_path / "out"), lambda *step: steps.append(step)))
    assert steps[-1] == ("import", len(FAQ), len(FAQ))
    assert [done for _, done, _ in steps] == sorted(done for _, done, _ in steps)


def test_an_article_saved_in_another_encoding_counts_as_edited_and_the_rest_is_imported(tmp_path: Path) -> None:
    faq, out = write(tmp_path / "faq.csv", FAQ), tmp_path / "out"
    imported(faq, out)
    saved = (out / "faq-how-do-i-pay.md").read_text("utf-8").replace("Online.", "Mañana.").encode("cp1252")
    write(out / "faq-how-do-i-pay.md", saved)
    write(faq, FAQ.replace("noon", "four").replace("Online", "By mail"))
    assert told(imported(faq, out)) == [("kept", "faq-how-do-i-pay"), ("changed", "faq-when")]
    assert (out / "faq-how-do-i-pay.md").read_bytes() == saved
    write(faq, "Question,Answer\nWhen?,By four.\n")
    assert told(imported(faq, out, prune=True))[-1] == ("kept", "faq-how-do-i-pay")
