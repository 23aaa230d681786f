"""How often one caller may ask; counted in this process, over a window that moves with the clock."""

import math
import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from triage.errors import SettingsError, TooManyRequests

# Wrong keys from one address: a program with an old key learns to wait. Right keys from there are not held up.
FAILURES = "30/minute"


class RateLimits:
    """Counts requests by caller and wrong keys by address.

    Args:
        rate: Requests of one caller, such as `1200/minute`.

    Raises:
        SettingsError: If the rate is not one.
    """

    def __init__(self, rate: str) -> None:
        self._rate = _parsed(rate)
        self._failures = _parsed(FAILURES)
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def count(self, caller: str) -> None:
        """Count a request.

        Raises:
            TooManyRequests: If the caller has sent as many as it may.
        """
        self._count(self._rate, caller, "requests")

    def count_failure(self, address: str) -> None:
        """Count a wrong key.

        Raises:
            TooManyRequests: If the address has sent as many as it may.
        """
        self._count(self._failures, address, "wrong keys")

    def _count(self, rate: RateLimitItem, who: str, what: str) -> None:
        if self._window.hit(rate, who):
            return
        freed_at, _ = self._window.get_window_stats(rate, who)
        wait_s = max(1, math.ceil(freed_at - time.time()))
        raise TooManyRequests(f"at most {rate} {what} are taken; come again in {wait_s} s", retry_after_s=wait_s)


def _parsed(rate: str) -> RateLimitItem:
    try:
        return parse(rate)
    except ValueError:
        raise SettingsError(f"TRIAGE_RATE_LIMIT must be a number and a span, as 1200/minute, got {rate!r}") from None
