"""HTML of a mail: long reply chains nest deep, and hostile ones deeper."""

import time

from triage.channels.email import read_mail
from triage.channels.mail_html import MAX_QUOTES, html_links, html_text


def test_text_in_many_elements_is_read_and_what_follows_them_too() -> None:
    assert html_text("<div>" * 1_500 + "gas" + "</div>" * 1_500 + "after") == "gas\nafter"


def test_html_without_a_text_that_can_be_read_is_told() -> None:
    raw = b"From: jo@example.org\nSubject: Light\nContent-Type: text/html\n\n"
    assert read_mail(raw + b"<div>" * 5_000 + b"gas").warnings == ("the mail's HTML holds no text that can be read",)
    assert read_mail(raw + b"<p>gas").warnings == ()


def test_a_link_shows_its_own_words() -> None:
    markup = "<a href=' x '>pay <b>it</b><!-- no --> now</a> or <a href=y>not</a><a name=z>here</a>"
    assert html_links(markup) == (("x", "pay it now"), ("y", "not"))


def test_quotes_and_links_inside_each_other_cost_no_more_than_others() -> None:
    started = time.perf_counter()
    text = html_text("<blockquote>" * 1_500 + "<p>x" * 20_000)
    assert text.split("\n")[-1] == "> " * MAX_QUOTES + "x"
    assert len(html_links("<a href=x><div>" * 900 + "<b>x</b>" * 50_000)) == 900
    assert time.perf_counter() - started < 5
