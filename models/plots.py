"""Small line plots as SVG, for pages that must need nothing else."""

import html
from collections.abc import Sequence

WIDTH, HEIGHT, MARGIN = 420, 300, 50
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def line_plot(points: Sequence[tuple[float, float]], *, x: str, y: str, diagonal: bool = False) -> str:
    """Return a line through points in [0, 1] x [0, 1], in their order.

    Args:
        points: Pairs (x, y).
        x: What the horizontal axis shows, with its unit.
        y: The same for the vertical axis.
        diagonal: Draw where both are equal.
    """
    line = " ".join(f"{_across(a):.1f},{_up(b):.1f}" for a, b in points)
    dots = "".join(f'<circle cx="{_across(a):.1f}" cy="{_up(b):.1f}" r="3" fill="#1a5fb4"/>' for a, b in points)
    equal = f'<path d="M{_across(0)} {_up(0)}L{_across(1)} {_up(1)}" stroke="#888" stroke-dasharray="4"/>'
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" aria-label="{html.escape(f"{y} by {x}")}" '
        f'font-size="12">{_axes(x, y)}{equal if diagonal else ""}'
        f'<polyline points="{line}" fill="none" stroke="#1a5fb4" stroke-width="2"/>{dots}</svg>'
    )


def _axes(x: str, y: str) -> str:
    frame = f'<path d="M{_across(0)} {_up(1)}V{_up(0)}H{_across(1)}" fill="none" stroke="#333"/>'
    across = "".join(
        f'<text x="{_across(tick)}" y="{_up(0) + 16}" text-anchor="middle">{tick:g}</text>' for tick in TICKS
    )
    up = "".join(f'<text x="{_across(0) - 6}" y="{_up(tick) + 4}" text-anchor="end">{tick:g}</text>' for tick in TICKS)
    middle = HEIGHT / 2
    names = (
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">{html.escape(x)}</text>'
        f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">{html.escape(y)}</text>'
    )
    return frame + across + up + names


def _across(value: float) -> float:
    return MARGIN + value * (WIDTH - MARGIN - 20)


def _up(value: float) -> float:
    return HEIGHT - MARGIN - value * (HEIGHT - MARGIN - 20)
