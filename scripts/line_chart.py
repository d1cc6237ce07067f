"""A line chart as SVG: measured points on a logarithmic x axis, a y axis from zero."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 84, 20, 64, 48
COLOURS = ("#1f6feb", "#c0392b", "#2e8b57", "#8e5ea2")
GRID_LINES = 5


def line_chart(title: str, x_label: str, y_label: str, lines: Mapping[str, Points]) -> str:
    """Draw lines of (x, y), x above zero; every x of the first line is labelled."""
    ticks = [x for x, _ in next(iter(lines.values()))]
    low, high = math.log(ticks[0]), math.log(ticks[-1])
    top = _round_up(max(y for points in lines.values() for _, y in points))

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log(x) - low) / ((high - low) or 1)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM)

    parts = [_text(LEFT, 24, title, "font-size='16' font-weight='bold'"), _text(LEFT, 44, y_label)]
    for step in range(GRID_LINES + 1):
        value = top * step / GRID_LINES
        _, y = place(ticks[0], value)
        parts.append(f"<path d='M{LEFT} {y:.1f}H{WIDTH - RIGHT}' stroke='#d8dee4'/>")
        parts.append(_text(LEFT - 8, y + 4, f"{value:,.0f}", "text-anchor='end'"))
    parts += [_text(place(x, 0)[0], HEIGHT - BOTTOM + 18, f"{x:,.0f}", "text-anchor='middle'") for x in ticks]
    parts.append(_text(WIDTH - RIGHT, HEIGHT - 8, x_label, "text-anchor='end'"))
    for number, (name, points) in enumerate(lines.items()):
        parts += _line(COLOURS[number], [place(*point) for point in points])
        parts.append(
            _text(WIDTH - RIGHT - 8, TOP + 14 + 18 * number, name, f"text-anchor='end' fill='{COLOURS[number]}'")
        )
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' "
        f"font-family='sans-serif' font-size='12'>"
        f"<rect width='{WIDTH}' height='{HEIGHT}' fill='#fff'/>{''.join(parts)}</svg>\n"
    )


def _line(colour: str, places: Sequence[tuple[float, float]]) -> list[str]:
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    dots = [f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3' fill='{colour}'/>" for x, y in places]
    return [f"<path d='M{path}' fill='none' stroke='{colour}' stroke-width='2'/>", *dots]


def _text(x: float, y: float, words: str, style: str = "") -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' {style}>{escape(words)}</text>"


def _round_up(value: float) -> float:
    """Return the next of 1, 2 or 5 times a power of ten."""
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)
