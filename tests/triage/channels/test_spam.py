"""Spam by headers, links and repetition; the same mail in any language is judged the same."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.channels.email import Mail, read_mail
from triage.channels.spam import Repetition, judged, text_digest


def mail_with(headers: str = "", body: str = "The light is out.", sender: str = "Jo <jo@example.org>") -> Mail:
    return read_mail(f"From: {sender}\r\n{headers}\r\n{body}".encode())


@pytest.mark.parametrize(
    ("mail", "signs"),
    [
        (mail_with(), ()),
        (mail_with("X-Spam-Flag: YES\r\n"), (("the mail server's filter says so", 3),)),
        (mail_with("X-MS-Exchange-Organization-SCL: 5\r\n"), (("the mail server's filter says so", 3),)),
        (mail_with("X-MS-Exchange-Organization-SCL: -1\r\n"), ()),
        (mail_with("Authentication-Results: a; dmarc=fail\r\n"), (("the sender's domain disowns it (DMARC)", 2),)),
        (mail_with(body="https://bit.ly/a"), (("a link hides where it leads", 1),)),
        (mail_with(body="http://203.0.113.9/a"), (("a link opens a bare network address", 2),)),
        (mail_with(sender='"pay@bank.example" <a@example.org>'), (("the sender's name shows another address", 2),)),
    ],
)
def test_each_sign_is_named_with_its_weight(mail: Mail, signs: tuple[tuple[str, int], ...]) -> None:
    assert judged(mail).signs == signs


def test_a_campaign_of_residents_is_no_spam_and_a_flood_with_a_misleading_link_is() -> None:
    campaign = Repetition(same_text_other_senders=500)
    assert not judged(mail_with(), campaign).is_spam
    flood = Repetition(same_text_other_senders=500, from_sender_in_hour=90)
    assert judged(mail_with(), flood).is_spam


@pytest.mark.parametrize(("own", "is_spam"), [("311@example.org", False), ("311@example.net", True)])
def test_a_web_form_of_the_city_floods_nothing(own: str, is_spam: bool) -> None:
    form = mail_with(sender='"jane@example.net" <forms@www.example.org>')
    assert judged(form, Repetition(from_sender_in_hour=90), own_addresses=(own,)).is_spam is is_spam


@pytest.mark.parametrize(
    ("host", "signs"),
    [
        ("nam02.safelinks.protection.outlook.com", ()),
        ("urldefense.com", ()),
        ("pay.example.net", (("a link shows another site than it opens", 2),)),
        ("myurldefense.com", (("a link shows another site than it opens", 2),)),
    ],
)
def test_a_link_that_a_mail_filter_rewrote_misleads_nobody(host: str, signs: tuple[tuple[str, int], ...]) -> None:
    link = f'<p>See <a href="https://{host}/?url=https%3A%2F%2Fexample.org">example.org</a></p>'
    assert judged(mail_with("Content-Type: text/html\r\n", link)).signs == signs


@given(text=st.text(max_size=60))
def test_the_words_change_nothing(text: str) -> None:
    mail = mail_with("Authentication-Results: a; dmarc=fail\r\n", "http://203.0.113.9/")
    other = replace(mail, message=replace(mail.message, text=text, subject=text))
    assert judged(other) == judged(mail)


def test_the_same_text_is_told_whatever_its_spacing_case_and_digits() -> None:
    long = "The council must keep the library on Elm open on weekends"
    assert text_digest(mail_with(body=long)) == text_digest(mail_with(body=f"{long.upper()}   42!"))
    assert text_digest(mail_with(body=long)) != text_digest(mail_with(body=f"{long} too"))
    assert text_digest(mail_with(body="Thanks")) is None
