"""Small plots as SVG, for pages that must need nothing else."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 460, 320
LEFT, BELOW, AROUND = 62, 52, 16
LINE, SECOND, GRAY = "#0b5394", "#b45f06", "#767676"
_TICKS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis: what it shows, with its unit, and from where to where; `percent` writes 0.5 as 50."""

    name: str
    low: float = 0.0
    high: float = 1.0
    percent: bool = True

    @property
    def ticks(self) -> tuple[float, ...]:
        """Five values from end to end."""
        step = (self.high - self.low) / (_TICKS - 1)
        return tuple(self.low + number * step for number in range(_TICKS))

    def written(self, value: float) -> str:
        """Return a value as it stands beside the axis."""
        number = 100 * value if self.percent else value
        span = (self.high - self.low) * (100 if self.percent else 1)
        return f"{number:,.0f}" if span > _TICKS else f"{number:.1f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Points (x, y) in their order, and what they are; `interval` holds (x, low, high) of points with one."""

    points: Sequence[tuple[float, float]]
    name: str
    color: str = LINE
    dashed: bool = False
    interval: Sequence[tuple[float, float, float]] = ()


def plot(lines: Sequence[Line], *, x: Axis, y: Axis, diagonal: bool = False) -> str:
    """Return lines on two axes; each point tells its values to who points at it.

    Args:
        lines: Drawn in their order; named below where there are several.
        x: The horizontal axis.
        y: The vertical one.
        diagonal: Draw where both are equal.
    """
    equal = f'<path d="M{_x(x, x.low)} {_y(y, x.low)}L{_x(x, x.high)} {_y(y, x.high)}" class="equal"/>'
    names = [line.name for line in lines]
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 18 * (len(lines) > 1)}" role="img" '
        f'aria-label="{html.escape(f"{y.name} by {x.name}")}">'
        f"{_axes(x, y)}{equal if diagonal else ''}{''.join(_drawn(line, x, y) for line in lines)}"
        f"{_legend(lines) if len(names) > 1 else ''}</svg>"
    )


def _drawn(line: Line, x: Axis, y: Axis) -> str:
    path = " ".join(f"{_x(x, a)},{_y(y, b)}" for a, b in line.points)
    dash = ' stroke-dasharray="5 4"' if line.dashed else ""
    bars = "".join(
        f'<path d="M{_x(x, a)} {_y(y, low)}V{_y(y, high)}" stroke="{line.color}" stroke-width="2"/>'
        for a, low, high in line.interval
    )
    dots = "".join(
        f'<circle cx="{_x(x, a)}" cy="{_y(y, b)}" r="3.5" fill="{line.color}">'
        f"<title>{x.written(a)}: {y.written(b)}</title></circle>"
        for a, b in line.points
    )
    return f'<polyline points="{path}" fill="none" stroke="{line.color}" stroke-width="2"{dash}/>{bars}{dots}'


def _axes(x: Axis, y: Axis) -> str:
    bottom, top = _y(y, y.low), _y(y, y.high)
    grid = "".join(f'<path d="M{LEFT} {_y(y, tick)}H{WIDTH - AROUND}" class="grid"/>' for tick in y.ticks)
    frame = f'<path d="M{LEFT} {top}V{bottom}H{WIDTH - AROUND}" class="frame"/>'
    across = "".join(
        f'<text x="{_x(x, tick)}" y="{bottom + 18}" text-anchor="middle">{x.written(tick)}</text>' for tick in x.ticks
    )
    up = "".join(
        f'<text x="{LEFT - 7}" y="{_y(y, tick) + 4}" text-anchor="end">{y.written(tick)}</text>' for tick in y.ticks
    )
    middle, center = (bottom + top) / 2, (LEFT + WIDTH - AROUND) / 2
    turned = f'text-anchor="middle" transform="rotate(-90 16 {middle})"'
    names = (
        f'<text x="{center}" y="{HEIGHT - 10}" text-anchor="middle">{html.escape(x.name)}</text>'
        f'<text x="16" y="{middle}" {turned}>{html.escape(y.name)}</text>'
    )
    return grid + frame + across + up + names


def _legend(lines: Sequence[Line]) -> str:
    step = (WIDTH - LEFT) / len(lines)
    return "".join(
        f'<path d="M{LEFT + number * step} {HEIGHT + 6}h18" stroke="{line.color}" stroke-width="3"/>'
        f'<text x="{LEFT + number * step + 24}" y="{HEIGHT + 10}">{html.escape(line.name)}</text>'
        for number, line in enumerate(lines)
    )


def _x(axis: Axis, value: float) -> float:
    return round(LEFT + _share(axis, value) * (WIDTH - LEFT - AROUND), 1)


def _y(axis: Axis, value: float) -> float:
    return round(HEIGHT - BELOW - _share(axis, value) * (HEIGHT - BELOW - AROUND), 1)


def _share(axis: Axis, value: float) -> float:
    return min(1.0, max(0.0, (value - axis.low) / (axis.high - axis.low)))
