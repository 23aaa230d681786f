"""The sample articles keep their own rules."""

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from kb.articles import Article, read_articles
from triage import taxonomy

KB = Path(str(files("kb")))
ARTICLES = read_articles(KB / "starter")
PHONE = re.compile(r"\b(?:\d{3}[-. ])?\d{3}[-. ]\d{4}\b")
CLOCK_OF_24_HOURS = re.compile(r"\b(?:1[3-9]|2[0-3]):[0-5]\d\b")


def text_of(article: Article) -> str:
    return "\n".join([article.title, *(f"{section.heading}\n{section.text}" for section in article.sections)])


def records(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (KB / "data" / name).read_text("utf-8").splitlines()]


@pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.id)
def test_an_article_is_marked_as_sample_and_names_known_types_and_its_department(article: Article) -> None:
    known = {service_type.code: service_type.department for service_type in taxonomy.load().service_types}
    assert article.sample
    assert set(article.service_types) <= set(known)
    assert article.department == known[article.service_types[0]]
    assert article.url == f"https://lindero.example.org/kb/{article.id}"


@pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.id)
def test_an_article_has_no_real_phone_number_and_no_24_hour_clock(article: Article) -> None:
    text = text_of(article)
    assert [number for number in PHONE.findall(text) if not re.fullmatch(r"555-01\d\d", number)] == []
    assert CLOCK_OF_24_HOURS.findall(text) == []


def test_each_article_has_a_question_that_repeats_no_alias() -> None:
    questions = records("queries.jsonl")
    aliases = {alias.casefold() for article in ARTICLES for alias in article.aliases}
    english = {article.id for article in ARTICLES if article.language == "en"}
    assert {question["article_id"] for question in questions} == english
    assert [question for question in questions if question["text"].casefold() in aliases] == []


def test_questions_without_an_answer_are_distinct() -> None:
    texts = [record["text"].casefold() for record in records("no_answer.jsonl")]
    assert len(texts) == len(set(texts)) == 150
