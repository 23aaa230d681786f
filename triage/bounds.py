"""How sure a share is that was counted on few."""

import math

Z_95 = 1.959964  # of the normal distribution, two-sided


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927), both ends in [0, 1]; (0, 1) where nothing was counted.

    73 right of 73 are the fewest whose lower end reaches .95.

    Raises:
        ValueError: Unless 0 <= hits <= n.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"hits must lie in 0..{n}, got {hits}")
    if n == 0:
        return 0.0, 1.0
    share, square = hits / n, Z_95**2
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = Z_95 * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def lower_bound(hits: int, n: int) -> float:
    """Return the lower end of `wilson`."""
    return wilson(hits, n)[0]
