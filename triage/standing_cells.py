"""The policy's cells as the store has them, read again every few seconds, and the brake that sets them back."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from triage.cells import BRAKE, Cell, CellMode, trips
from triage.errors import StoreError
from triage.store.policy_cells import PolicyCell, PolicyCells

log = logging.getLogger(__name__)
WINDOW = timedelta(days=14)
LOOK_EVERY_S = 5.0


class StandingCells:
    """Returns the cells that stand; looks at the store beside the requests, never in their way.

    Args:
        store: Where the cells are kept.
        now: Tells the time, aware.
        look_every_s: Seconds between two looks, made while requests come in.
    """

    def __init__(
        self,
        store: PolicyCells,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._store, self._now, self._look_every_s = store, now, look_every_s
        self._cells: tuple[Cell, ...] = ()
        self._next_look = 0.0
        self._looking = threading.Lock()
        self.refresh()

    def __call__(self) -> Sequence[Cell]:
        """Return the cells as they were at the last look."""
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + self._look_every_s
            threading.Thread(target=self.refresh, name="policy-look", daemon=True).start()
        return self._cells

    def refresh(self) -> None:
        """Read the cells and pull the brake where agents override too often; a store that fails changes nothing."""
        if not self._looking.acquire(blocking=False):
            return
        try:
            self._cells = tuple(map(cell_of, self._store.current()))
            self._brake()
        except StoreError as error:
            log.warning("the policy's cells could not be read: %s", type(error).__name__)
        finally:
            self._looking.release()

    def _brake(self) -> None:
        """Set every cell that trips back to suggest, with a record of what agents changed."""
        if not any(cell.mode in (CellMode.PRESELECT, CellMode.AUTO) for cell in self._cells):
            return
        found = trips(self._cells, self._store.rates_since_set(self._now() - WINDOW))
        for trip in found:
            self._store.set(
                service_type=trip.service_type,
                channel=trip.channel,
                language=trip.language,
                mode=CellMode.SUGGEST,
                reason=trip.reason,
                by=BRAKE,
                evidence={"decided": trip.decided, "overridden": trip.overridden},
            )
            log.warning("policy cell tripped: %s, %s, %s", trip.service_type, trip.channel, trip.language)
        if found:
            self._cells = tuple(map(cell_of, self._store.current()))


def cell_of(stored: PolicyCell) -> Cell:
    """Return a stored cell as the policy reads it."""
    return Cell(
        id=stored.id,
        mode=CellMode(stored.mode),
        service_type=stored.service_type,
        channel=stored.channel,
        language=stored.language,
        threshold=stored.threshold,
    )
