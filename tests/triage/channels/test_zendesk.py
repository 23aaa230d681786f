"""Zendesk: the service's own notes, which Zendesk sends back, are no messages."""

import pytest

from triage.backends.zendesk import note_of
from triage.channels.zendesk import message_of, ticket_of

DECISION = {
    "actor": "service",
    "mode": "suggest",
    "code": "waste.dumping",
    "previous_code": "waste.missed",
    "department": "Public Works",
    "urgency": "high",
    "version": 2,
}


@pytest.mark.parametrize("actor", ["service", "person"])
@pytest.mark.parametrize("is_sent", [True, False])
def test_a_note_of_the_service_is_no_message(actor: str, is_sent: bool) -> None:
    note = note_of({**DECISION, "actor": actor}, is_sent=is_sent)
    assert message_of({"ticket_id": 35, "comment_id": 9, "comment": note}) is None
    assert message_of({"detail": {"id": "35"}, "event": {"comment": {"id": 9, "body": note}}}) is None


def test_a_resident_who_names_the_service_is_heard() -> None:
    message = message_of({"ticket_id": 35, "comment_id": 9, "comment": "Triage 311: gas leak"})
    assert message is not None
    assert (message.text, ticket_of(message)) == ("Triage 311: gas leak", "35")
