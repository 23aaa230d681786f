"""Mail that leaves: what the server says after it has taken or refused a mail changes nothing about it."""

from email.message import EmailMessage

import pytest

from tests.mail.desks import OWN
from tests.mail.smtp_server import Post
from triage.errors import DeliveryRefused
from triage.inbox_settings import Outgoing, Security
from triage.mail_out import MailServer


@pytest.fixture
def server(post: Post) -> MailServer:
    return MailServer(Outgoing(host="127.0.0.1", port=post.port, security=Security.NONE, address=OWN), timeout_s=5)


def mail() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["Subject"] = OWN, "Auto: Light"
    message.set_content("We have got your message.")
    return message


def test_a_mail_that_was_taken_is_sent_however_the_server_takes_leave(server: MailServer, post: Post) -> None:
    post.farewell = "421 closing"
    server.send(mail(), "", ["jo@example.com"])
    server.check()
    assert [taken.recipients for taken in post.taken] == [("jo@example.com",)]


def test_a_mail_that_was_refused_for_good_stays_refused_however_the_server_takes_leave(
    server: MailServer, post: Post
) -> None:
    post.answer, post.farewell = lambda taken: "550 never", "421 closing"
    with pytest.raises(DeliveryRefused, match="SMTP 550"):
        server.send(mail(), "", ["jo@example.com"])
