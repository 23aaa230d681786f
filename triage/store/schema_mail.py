"""The table of mails under way: each copy that lies in a mailbox, from its discovery to its folder.

found → stored → decided → moving → done; gone where somebody else took it out of the mailbox
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, UniqueConstraint

from triage.store.columns import ROW_NUMBER, ExactText, UtcDateTime
from triage.store.schema import metadata

mails = Table(
    "mails",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("mailbox", ExactText, nullable=False),
    Column("validity", BigInteger, nullable=False),
    Column("uid", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("contact_id", ROW_NUMBER, ForeignKey("contacts.id"), index=True),
    Column("revision", Integer),
    Column("plan", ExactText),
    # Where it is moved and its bytes, as one digest: copies of the same mail are told apart by their number alone.
    Column("copy_key", LargeBinary, index=True),
    # Digests, for counting only: an address or a text is kept with its contact and goes with it.
    Column("sender_key", LargeBinary),
    Column("text_key", LargeBinary),
    Column("thread_key", LargeBinary),
    # The acknowledgment that was decided: its identity, when it was decided, begun and taken by the mail server.
    Column("ack_key", LargeBinary, index=True),
    Column("ack_decided_at", UtcDateTime),
    Column("ack_begun_at", UtcDateTime),
    Column("ack_sent_at", UtcDateTime),
    Column("attempts", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("next_attempt_at", UtcDateTime, nullable=False),
    Column("leased_by", ExactText),
    Column("leased_until", UtcDateTime),
    Column("last_error", ExactText),
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    UniqueConstraint("mailbox", "validity", "uid"),
    Index(None, "mailbox", "validity", "state", "next_attempt_at"),
    Index(None, "sender_key", "created_at"),
    Index(None, "text_key", "created_at"),
    Index(None, "thread_key"),
    sqlite_autoincrement=True,
)
