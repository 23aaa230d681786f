"""The classifier of a running service: it notices that another model was activated and takes it up.

A request is answered by the model that stood when it came, whole; the next one may be answered by another. A model
that cannot be opened changes nothing, is logged and tried again after a while: it may be registered again meanwhile.
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
TRY_AGAIN_S = 60.0


class LiveClassifier:
    """Answers with the active model; see `protocols.Classifier`.

    Args:
        default: Answers where no registered model is active.
        active: Returns the id of the active model, None where there is none.
        open_model: Opens a model by its id.
        look_every_s: Seconds between two looks, made while requests come in and beside them.
        try_again_s: Seconds until a model that could not be opened is tried again.
    """

    def __init__(
        self,
        default: Classifier,
        *,
        active: Callable[[], str | None],
        open_model: Callable[[str], Classifier],
        look_every_s: float = LOOK_EVERY_S,
        try_again_s: float = TRY_AGAIN_S,
    ) -> None:
        self._default, self._active, self._open = default, active, open_model
        self._standing: tuple[str | None, Classifier] = (None, default)
        self._look_every_s, self._try_again_s = look_every_s, try_again_s
        self._next_look = 0.0
        self._looking = threading.Lock()
        self._refused: tuple[str | None, float] = (None, 0.0)  # which, and until when
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
        refused, until = self._refused
        if model_id == self._standing[0] or (model_id == refused and time.monotonic() < until):
            return
        try:
            self._standing = (model_id, self._default if model_id is None else self._open(model_id))
            self._refused = (None, 0.0)
        except TriageError as error:
            self._refused = (model_id, time.monotonic() + self._try_again_s)
            log.error("model %s stays out: %s", model_id, error)
