"""Translation into English. Until packages are installed every language is known, and none is translated."""

from collections.abc import Sequence

from triage.types import Translation, TranslationStatus


class NoTranslator:
    """Says of every text that it cannot be translated; the original is shown and an interpreter is named."""

    version = "none"

    def translate(self, texts: Sequence[str], languages: Sequence[str]) -> list[Translation]:
        """Return `unavailable` for each text."""
        return [Translation(status=TranslationStatus.UNAVAILABLE) for _ in texts]
