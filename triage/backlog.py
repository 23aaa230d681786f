"""Triages what was stored and has no whole answer: its process died before it, or its translation was to come later.

Whoever stores a message triages it as well, at once. What is left after a while is what nobody will come back to.
"""

import logging
from datetime import timedelta
from typing import Final
from uuid import uuid4

from triage.pipeline import Pipeline
from triage.store.pending import PendingWork, WorkItem
from triage.types import TranslationStatus, Triage

log = logging.getLogger(__name__)

MOST_TRIES: Final = 3  # to get a translation, as long as a lease apart; then the answer is stored without
LEFT_AFTER: Final = timedelta(seconds=30)  # longer than any request takes


def lacks_translation(triage: Triage, pipeline: Pipeline) -> bool:
    """Tell whether the translator reads the language and yet gave nothing: it took too long, or failed."""
    missing = triage.translation.status is TranslationStatus.UNAVAILABLE
    return missing and pipeline.parts.translator.reads(triage.language.code)


class Backlog:
    """Works off what other processes left; safe beside any number of others.

    Args:
        work: What waits.
        pipeline: What triages it, its translation included.
    """

    def __init__(self, work: PendingWork, pipeline: Pipeline) -> None:
        self._work = work
        self._pipeline = pipeline
        self._worker = f"backlog-{uuid4().hex}"

    def work_off(self) -> int:
        """Triage what was left, message by message, and return how many answers were stored."""
        stored = 0
        while items := self._work.claim(self._worker, left_for=LEFT_AFTER):
            stored += sum(map(self._work_on, items))
        return stored

    def _work_on(self, item: WorkItem) -> bool:
        try:
            triage = self._pipeline.triage(item.message)
        except Exception as error:  # an edge: one text that cannot be triaged must not hold up the others
            log.warning("message %s was left and cannot be triaged: %s", item.message.id, type(error).__name__)
            return False  # its lease ends by itself: the next try is in two minutes, not at once
        if item.attempts < MOST_TRIES and lacks_translation(triage, self._pipeline):
            return False
        return self._work.finish(self._worker, [(item.message, triage)])[0]
