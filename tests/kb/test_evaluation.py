import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kb.evaluation import _metrics, as_queries, bootstrap_interval, evaluate, no_answer_figures
from kb.judged_sets import read_judged_set
from tests.fakes import FakeDetector, FakeEncoder
from tests.kb.builders import DIM
from triage.errors import DataError

CORPUS = [
    {"_id": "couch", "title": "Bulky pickup", "text": "Book a couch.\n\n## Cost\nTwo a year are free."},
    {"_id": "hole", "title": "", "text": "Potholes are filled in three days."},
    {"_id": "empty", "title": "", "text": " "},
]
QUERIES = [{"id": "q1", "text": "couch pickup"}, {"id": "q2", "text": "potholes"}, {"id": "q3", "text": "not judged"}]
QRELS = "query-id\tcorpus-id\tscore\nq1\tcouch\t1\nq2\thole\t1\nq3\tcouch\t0\n"


def lines(records: Sequence[dict[str, Any]]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def written(
    folder: Path, *, corpus: str = lines(CORPUS), queries: str = lines(QUERIES), qrels: str = QRELS
) -> tuple[Path, Path, Path]:
    paths = (folder / "corpus.jsonl", folder / "queries.jsonl", folder / "qrels.tsv")
    for path, text in zip(paths, (corpus, queries, qrels), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def test_metrics_of_one_ranking_are_what_the_formulas_give_by_hand() -> None:
    # Gains 0, 2, 1 of grades 2 and 1: (2 / log2(3) + 1 / log2(4)) / (2 + 1 / log2(3)) = 1.76186 / 2.63093.
    assert _metrics([0, 2, 1], {"a": 2, "b": 1}) == pytest.approx(
        {
            "recall@1": 0.0,
            "recall@3": 1.0,
            "recall@5": 1.0,
            "recall@10": 1.0,
            "mrr@10": 0.5,
            "ndcg@10": 0.669672,
            "success@1": 0.0,
            "success@5": 1.0,
        },
        abs=1e-6,
    )


def test_a_ranking_without_a_hit_earns_nothing() -> None:
    assert set(_metrics([0, 0], {"a": 1}).values()) == {0.0}


def test_no_answer_figures_are_what_counting_pairs_gives() -> None:
    # .9 and .8 beat all three, .7 two, .3 one and ties with one: 9.5 of 12. All four are kept from .3 on.
    figures = no_answer_figures(np.array([0.9, 0.8, 0.3, 0.7]), np.array([0.1, 0.3, 0.75]))
    assert figures.n == 3
    assert figures.auroc == pytest.approx(9.5 / 12)
    assert figures.rejected_at_90 == pytest.approx(1 / 3)


def test_one_question_in_ten_may_fall_below_the_threshold_of_90_percent() -> None:
    answerable = np.linspace(0.1, 1.0, 10)
    assert no_answer_figures(answerable, np.array([0.15, 0.25])).rejected_at_90 == 0.5


def test_an_interval_holds_the_mean() -> None:
    low, high = bootstrap_interval(np.array([0.0, 1.0] * 50), np.random.default_rng(0))
    assert 0.38 < low < 0.5 < high < 0.62


def test_a_set_is_read_with_either_name_of_the_id_and_without_empty_documents(tmp_path: Path) -> None:
    judged = read_judged_set(*written(tmp_path))
    assert [article.id for article in judged.articles] == ["couch", "hole"]
    assert [section.heading for section in judged.articles[0].sections] == ["", "Cost"]
    assert [question.id for question in judged.questions] == ["q1", "q2"]
    assert judged.qrels == {"q1": {"couch": 1}, "q2": {"hole": 1}}


def test_packed_files_are_read_like_plain_ones(tmp_path: Path) -> None:
    plain = written(tmp_path)
    packed = []
    for path in plain:
        packed.append(path.with_name(path.name + ".gz"))
        packed[-1].write_bytes(gzip.compress(path.read_bytes()))
    assert read_judged_set(*packed).articles == read_judged_set(*plain).articles


def test_the_evaluation_prints_what_the_contract_names(tmp_path: Path) -> None:
    no_answer = tmp_path / "no_answer.jsonl"
    no_answer.write_text('{"id": "n1", "text": "zebra"}\n')
    record = evaluate(*written(tmp_path), encoder=FakeEncoder(DIM), no_answer=no_answer)
    assert record["n"] == 2
    assert record["metrics"] == {
        "recall@1": 1.0,
        "recall@3": 1.0,
        "recall@5": 1.0,
        "recall@10": 1.0,
        "mrr@10": 1.0,
        "ndcg@10": 1.0,
        "success@1": 1.0,
        "success@5": 1.0,
    }
    assert record["no_answer"] == {"n": 1, "auroc": 1.0, "rejected_at_90": 1.0}
    assert record["signature"].startswith(f"retrieval|data:{tmp_path.name}#")
    assert "|n:2|articles:2|sections:3|encoder:fake-encoder|" in record["signature"]
    assert json.loads(json.dumps(record)) == record


def test_members_alone_and_slices_are_measured_in_the_same_run(tmp_path: Path) -> None:
    queries = lines(
        [{"id": "q1", "text": "couch pickup"}, {"id": "q2", "text": "potholes are filled in days", "lang": "es"}]
    )
    no_answer = tmp_path / "no_answer.jsonl"
    no_answer.write_text('{"id": "n1", "text": "zebra"}\n')
    record = evaluate(*written(tmp_path, queries=queries), encoder=FakeEncoder(DIM), no_answer=no_answer)
    assert set(record["alone"]) == {"BM25 alone", "vectors alone"}
    assert record["alone"]["BM25 alone"]["recall@1"] == 1.0
    assert record["gains"]["BM25 alone"]["recall@1"] == [0.0, 0.0, 0.0]
    assert {name: one["n"] for name, one in record["slices"].items()} == {
        "language en": 1, "language es": 1, "words 0–4": 1, "words 5–9": 1,
    }  # fmt: skip
    assert record["slices"]["language en"]["no_answer"] == {"n": 1, "auroc": 1.0, "rejected_at_90": 1.0}
    assert record["slices"]["language es"]["no_answer"] is None


def test_without_questions_that_have_no_answer_their_figures_are_null(tmp_path: Path) -> None:
    assert evaluate(*written(tmp_path), encoder=FakeEncoder(DIM))["no_answer"] is None


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("corpus", "{", r"corpus\.jsonl:1: is no JSON"),
        ("corpus", "[]\n", r"corpus\.jsonl:1: must be a JSON object"),
        ("corpus", '{"text": "a"}\n', r"corpus\.jsonl:1: has neither id nor _id"),
        ("corpus", '{"id": 1, "text": ["a"]}\n', r"corpus\.jsonl:1: title and text must be texts"),
        ("corpus", lines([CORPUS[0], CORPUS[0]]), r"corpus\.jsonl: the id 'couch' stands there twice"),
        ("queries", '{"id": "q1"}\n', r"queries\.jsonl:1: has no text"),
        ("queries", lines([QUERIES[0], QUERIES[0]]), r"queries\.jsonl:2: the id 'q1' stands there twice"),
        ("qrels", "h\nq1 couch 1\n", r"qrels\.tsv:2: must be query id, corpus id and a whole number"),
        ("qrels", "h\n", r"qrels\.tsv: no question has a relevant article"),
    ],
)
def test_a_wrong_line_is_refused_with_file_and_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_judged_set(*written(tmp_path, **{name: text}))


def test_a_file_that_is_not_packed_is_refused(tmp_path: Path) -> None:
    _, queries, qrels = written(tmp_path)
    fake = tmp_path / "corpus.jsonl.gz"
    fake.write_text("plain")
    with pytest.raises(DataError, match="cannot be read"):
        read_judged_set(fake, queries, qrels)


def test_a_language_is_the_one_told_else_detected_else_english(tmp_path: Path) -> None:
    queries = lines([{"id": "q1", "text": "basura"}, {"id": "q2", "text": "basura", "lang": "pt"}])
    judged = read_judged_set(*written(tmp_path, queries=queries))
    plain = as_queries(judged.questions, FakeEncoder(DIM))
    detected = as_queries(judged.questions, FakeEncoder(DIM), FakeDetector())
    assert [one.language for one in plain] == ["en", "pt"]
    assert [one.language for one in detected] == ["es", "pt"]
