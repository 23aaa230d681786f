"""How long to wait before something that failed is tried again."""

import random
from collections.abc import Callable
from datetime import timedelta


def doubled(
    failures: int, *, first: timedelta, longest: timedelta, draw: Callable[[], float] = random.random
) -> timedelta:
    """Return how long to wait: doubled after each failure in a row, between half and the whole of it by chance.

    Args:
        failures: 1 after the first.
        first: The longest wait after the first.
        longest: The longest wait of all.
        draw: Gives numbers in [0, 1).
    """
    whole = min(longest, first * (1 << min(failures - 1, 20)))
    return whole * (0.5 + 0.5 * draw())
