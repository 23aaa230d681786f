"""What is known of the mails that go out: an acknowledgment leaves once or not at all."""

from typing import Any

from sqlalchemy import ColumnElement, select, update

from triage.errors import NotFound
from triage.store.mail_records import AckState
from triage.store.resource import Resource
from triage.store.schema import messages
from triage.store.schema_mail import mails


class MailSends(Resource):
    """Sending of acknowledgments, written down before and after it, and the bytes of mails that are forwarded.

    A mail server takes a mail twice without a word: whoever dies between its last byte and the server's answer cannot
    know. So the beginning is written down first, and what was begun and not told to have ended is never begun again.
    """

    def state_of(self, mail_id: int) -> AckState:
        """Return what is known of a mail's acknowledgment.

        Raises:
            NotFound: If the mail is not stored any more.
        """
        statement = select(mails.c.ack_begun_at, mails.c.ack_sent_at).where(mails.c.id == mail_id)
        with self._database.reading() as connection:
            row = connection.execute(statement).one_or_none()
        if row is None:
            raise NotFound(f"mail {mail_id} is not stored any more")
        if row.ack_sent_at is not None:
            return AckState.SENT
        return AckState.NEW if row.ack_begun_at is None else AckState.UNKNOWN

    def begin(self, mail_id: int) -> bool:
        """Write down that an acknowledgment is handed over from now on; False where it was begun before."""
        return self._set(mail_id, mails.c.ack_begun_at.is_(None), {"ack_begun_at": self._now()})

    def withdraw(self, mail_id: int) -> bool:
        """Write down that the mail server has not taken it for certain, so that it may be begun again."""
        return self._set(mail_id, mails.c.ack_sent_at.is_(None), {"ack_begun_at": None})

    def sent(self, mail_id: int) -> bool:
        """Write down that the mail server has taken it."""
        return self._set(mail_id, mails.c.ack_begun_at.is_not(None), {"ack_sent_at": self._now()})

    def raw_of(self, mail_id: int) -> bytes:
        """Return the bytes of a mail.

        Raises:
            NotFound: If it is not stored any more.
        """
        of_text = (messages.c.contact_id == mails.c.contact_id) & (messages.c.revision == mails.c.revision)
        statement = select(messages.c.raw).join(mails, of_text).where(mails.c.id == mail_id)
        with self._database.reading() as connection:
            raw = connection.execute(statement).scalar_one_or_none()
        if raw is None:
            raise NotFound(f"the bytes of mail {mail_id} are not stored any more")
        return bytes(raw)

    def _set(self, mail_id: int, only: ColumnElement[bool], values: dict[str, Any]) -> bool:
        with self._database.writing() as connection:
            return connection.execute(update(mails).where(mails.c.id == mail_id, only).values(values)).rowcount == 1
