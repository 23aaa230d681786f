"""What a mail quotes and how it is signed is cut; what only looks so, as in the mail of a web form, stays."""

import pytest

from triage.channels.email import read_mail

HEAD = "From: City 311 <311@example.org>\nSent: Tuesday\nTo: Jo\nSubject: Light\n\nIt works now."


def text_of(body: str, subject: str = "Streetlight", more: str = "") -> str:
    return read_mail(f"From: jo@example.org\nSubject: {subject}\n{more}\n{body}".encode()).message.text


@pytest.mark.parametrize(
    "body",
    [
        "New message\n\nFrom: Jane Sample <jane@example.org>\nSubject: pothole\nMessage: gas smell at 12 Oak St",
        "Name: Jane\n___________\nThere is a gas leak in my house",
        "Name: Jane\n--\nThere is a gas leak in my house",
        "New\nName: Jane\nEmail: jane@example.org\nDate: 3 Mar 2026\nSubject: gas\nDescription: gas smell",
        "Hi,\nFrom: Main St\nTo: 3rd Ave\nDate: every Friday\nTrucks speed there",
        "Hello city\nSent via the 311 web form\n\nThere is a gas leak",
        "see this\n\n-----Original Message-----\nThere is a gas leak",
    ],
)
def test_a_mail_that_answers_none_keeps_what_only_looks_quoted_or_signed(body: str) -> None:
    assert text_of(body) == body.replace("\n-----Original Message-----\n", "\n")


@pytest.mark.parametrize(
    "cut",
    [
        "-- \nJo\n12 Elm St",
        "Sent from my phone\n\nGet Outlook for phones",
        "On 3 Mar 2026 City <311@example.org> wrote:\n> ok",
        HEAD,
        f"-----Original Message-----\n{HEAD}",
    ],
)
def test_what_says_that_it_is_quoted_or_a_signature_is_cut_everywhere(cut: str) -> None:
    assert text_of(f"No change.\n\n{cut}") == "No change."


@pytest.mark.parametrize(
    ("subject", "more"), [("Re: Light", ""), ("AW: Light", ""), ("Light", "In-Reply-To: <a@example.org>\n")]
)
def test_an_answer_loses_what_its_mailer_quoted_in_fewer_words(subject: str, more: str) -> None:
    body = "No change.\n\nOn Tue, 3 Mar 2026 City <311@example.org> wrote:\nIt works now."
    assert text_of(body, subject, more) == "No change."


@pytest.mark.parametrize("mark", ["---- Forwarded message ----", "---------- Mensaje reenviado ----------"])
def test_a_forward_loses_the_mailers_lines_and_no_others(mark: str) -> None:
    body = f"fyi\n\n{mark}\nFrom: Jane <jane@example.org>\nSubject: x\nLocation: 5 Elm\nProblem: gas leak"
    assert text_of(body) == "fyi\n\nLocation: 5 Elm\nProblem: gas leak"
    assert text_of(body, "Fwd: x") == "fyi\n\nLocation: 5 Elm\nProblem: gas leak"
