"""Mail without a mailbox, posted by a provider or lying in a folder: stored, triaged, perhaps set aside."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from triage.channels.aside import aside_of, held
from triage.channels.email import Mail, with_thread
from triage.channels.mail_files import MailFile
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore
from triage.store.links import Attachment
from triage.types import Message, Triage

Noted = Callable[[Sequence[tuple[Message, Triage]]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenMail:
    """What became of a mail.

    Attributes:
        message_id: Its identity.
        triage: Its answer; None where the same mail had come before.
        aside: Why no agent need see it; None where somebody must.
    """

    message_id: str
    triage: Triage | None
    aside: str | None = None


class MailIntake:
    """Takes mails, each once, however often and to however many processes it comes.

    Args:
        store: Where they are kept.
        pipeline: What triages them.
        noted: Told of each that is triaged.
    """

    def __init__(self, store: SqlTriageStore, pipeline: Pipeline, noted: Noted) -> None:
        self._store = store
        self._pipeline = pipeline
        self._noted = noted

    def take(self, mail: Mail, raw: bytes) -> TakenMail:
        """Store a mail with its bytes and files, then its answer; what is broken off is done again when it comes again.

        It joins the thread of the nearest known mail that it answers. Which of its recipients are this service's is not
        known: X-Loop with one of them marks a loop, while a sender among them may be a resident with a copy to himself.
        """
        mail = with_thread(mail, self._store.mails.threads_of(mail.parents))
        message = mail.message
        if self._store.first_answer(message) is not None:
            return TakenMail(message_id=message.id, triage=None)
        self._store.receive([(message, raw)])
        for file in mail.files:
            self._store.links.attach(message.id, attachment_of(file))
        triage = self._pipeline.triage(message)
        own_addresses = mail.recipients if "x-loop" in mail.headers else ()
        aside = aside_of(mail, triage, own_addresses=own_addresses)
        triage = held(triage, aside) if aside else triage
        self._store.save_once(message, triage, aside=aside.note if aside else None)
        self._noted([(message, triage)])
        return TakenMail(message_id=message.id, triage=triage, aside=aside.note if aside else None)


def attachment_of(file: MailFile) -> Attachment:
    """Return a file as the store keeps it."""
    return Attachment(
        name=file.name, media_type=file.media_type, size_bytes=file.size_bytes, content=file.content, text=file.text
    )
