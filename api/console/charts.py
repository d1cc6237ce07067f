"""Charts as SVG drawn on the server: geometry in attributes, colours by classes, numbers in words beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

_WIDTH, _HEIGHT = 960, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 14, 34
_STEPS: Final = (1, 2, 5)
_LINES: Final = 4
_LABEL_EVERY: Final = 5
_GAP: Final = 0.28
"""How much of a column's place stays empty."""


def column_chart(title: str, points: Sequence[tuple[date, int]]) -> Markup:
    """Draw a column a day, the oldest first; the numbers are told to whoever cannot see it.

    Args:
        title: What is counted.
        points: Days and counts; at least one.
    """
    top = _ceiling(max(count for _, count in points))
    place = (_WIDTH - _LEFT - _RIGHT) / len(points)
    body = [_line(value, top) for value in range(0, top + 1, top // _LINES)]
    body += [_column(index, place, point, top) for index, point in enumerate(points)]
    body += [_label(index, place, points[index][0]) for index in range(len(points) - 1, -1, -_LABEL_EVERY)]
    spoken = "；".join(f"{day:%m-%d} {count}" for day, count in points)
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img"><title>{}</title><desc>{}</desc>{}</svg>').format(
        _WIDTH, _HEIGHT, title, spoken, Markup("").join(body)
    )


def bar(count: int, largest: int) -> Markup:
    """Draw one bar as long as its share of the largest; the number stands beside it in the page."""
    length = round(100 * count / largest, 2) if largest else 0
    return Markup(
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="ground" width="100" height="10"/><rect class="fill" width="{}" height="10"/></svg>'
    ).format(length)


def stacked_bar(parts: Sequence[tuple[str, int]]) -> Markup:
    """Draw shares of one whole in one bar.

    Args:
        parts: A class for the colour, and a count, for each.
    """
    whole, at = sum(count for _, count in parts), 0.0
    drawn = []
    for name, count in parts:
        length = 100 * count / whole if whole else 0
        drawn.append(
            Markup('<rect class="{}" x="{}" width="{}" height="10"/>').format(name, round(at, 3), round(length, 3))
        )
        at += length
    return Markup(
        '<svg class="bar stacked" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{}</svg>'
    ).format(Markup("").join(drawn))


def _ceiling(largest: int) -> int:
    """Return the least round number of four equal steps that is not below the largest count."""
    power = 1
    while True:
        for step in _STEPS:
            if step * power * _LINES >= largest:
                return step * power * _LINES
        power *= 10


def _y(value: float, top: int) -> float:
    return round(_HEIGHT - _BOTTOM - value / top * (_HEIGHT - _TOP - _BOTTOM), 2)


def _line(value: int, top: int) -> Markup:
    y = _y(value, top)
    return Markup(
        '<path class="grid" d="M{} {}H{}"/><text class="tick" x="{}" y="{}" text-anchor="end">{}</text>'
    ).format(_LEFT, y, _WIDTH - _RIGHT, _LEFT - 10, y + 5, value)


def _column(index: int, place: float, point: tuple[date, int], top: int) -> Markup:
    day, count = point
    x, y = _LEFT + (index + _GAP / 2) * place, _y(count, top)
    width, height = round(place * (1 - _GAP), 2), round(_y(0, top) - y, 2)
    return Markup(
        '<rect class="column" x="{}" y="{}" width="{}" height="{}" rx="2"><title>{}: {}</title></rect>'
    ).format(round(x, 2), y, width, height, f"{day:%m-%d}", count)


def _label(index: int, place: float, day: date) -> Markup:
    middle = round(_LEFT + (index + 0.5) * place, 2)
    return Markup('<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>').format(
        middle, _HEIGHT - 10, f"{day:%m-%d}"
    )
