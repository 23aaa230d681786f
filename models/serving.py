"""The classifier of a running service: it notices that another model was activated and takes it up.

A request is answered by the model that stood when it came, whole; the next one may be answered by another. A model
that cannot be opened changes nothing and is logged.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from triage.errors import TriageError
from triage.protocols import Classifier
from triage.types import Prediction, Vectors

log = logging.getLogger(__name__)
LOOK_EVERY_S = 2.0


class LiveClassifier:
    """Answers with the active model; see `protocols.Classifier`.

    Args:
        default: Answers where no registered model is active.
        active: Returns the id of the active model, None where there is none.
        open_model: Opens a model by its id.
        look_every_s: Seconds between two looks, made while requests come in and beside them.
    """

    def __init__(
        self,
        default: Classifier,
        *,
        active: Callable[[], str | None],
        open_model: Callable[[str], Classifier],
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._default, self._active, self._open = default, active, open_model
        self._standing: tuple[str | None, Classifier] = (None, default)
        self._look_every_s = look_every_s
        self._next_look = 0.0
        self._looking = threading.Lock()
        self._refused: str | None = None
        self.refresh()

    @property
    def version(self) -> str:
        """Version of the model that answers now."""
        return self._standing[1].version

    def classify(self, texts: Sequence[str], vectors: Vectors) -> list[tuple[Prediction, ...]]:
        """Return the five likeliest labels a text, as the model that stands now ranks them."""
        standing = self._standing[1]
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + self._look_every_s
            threading.Thread(target=self.refresh, name="model-look", daemon=True).start()
        return standing.classify(texts, vectors)

    def refresh(self) -> None:
        """Take up the model that is active now; return at once where another thread is at it."""
        if not self._looking.acquire(blocking=False):
            return
        try:
            self._take_up(self._active())
        except TriageError as error:
            log.warning("the store did not say which model is active: %s", type(error).__name__)
        finally:
            self._looking.release()

    def _take_up(self, model_id: str | None) -> None:
        if model_id == self._standing[0] or (model_id is not None and model_id == self._refused):
            return
        try:
            self._standing = (model_id, self._default if model_id is None else self._open(model_id))
            self._refused = None
        except TriageError as error:
            self._refused = model_id
            log.error("model %s stays out: %s", model_id, error)
