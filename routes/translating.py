"""When a text is put into English, and the update that brings what was not waited for."""

from typing import Annotated

from fastapi import BackgroundTasks, Query

from routes.services import Services
from triage.backlog import lacks_translation
from triage.types import Message, Translate, TranslationStatus, Triage

TranslateParameter = Annotated[
    Translate | None,
    Query(description="Wait for the translation, get it as an update, or do without; by the channel where missing."),
]


def add_translation(tasks: BackgroundTasks, services: Services, message: Message, triage: Triage) -> None:
    """Have a pending translation made once the answer is sent.

    Should the process die before, the text still waits in the store, and the backlog is worked off by the next.
    """
    if triage.translation.status is TranslationStatus.PENDING:
        tasks.add_task(_translated, services, message)


def _translated(services: Services, message: Message) -> None:
    triage = services.pipeline.triage(message)
    if not lacks_translation(triage, services.pipeline):  # else it still waits in the store, for the backlog
        services.store.save([(message, triage)])
