"""How the values of data items are written on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecert.errors import MalformedError
from ecert.licence.codes import parse_date

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from ecert.licence.fields import FieldValue


def _chinese(day: date) -> str:
    return f"{day.year}年{day.month:02}月{day.day:02}日"


FORMATS: Final[Mapping[str, Callable[[date], str]]] = {
    "date": _chinese,
    "dots": lambda day: f"{day.year}.{day.month:02}.{day.day:02}",
    "year": lambda day: str(day.year),
    "month": lambda day: str(day.month),
    "day": lambda day: str(day.day),
}
"""How a date may be written: 2026年03月07日, 2026.03.07, and its parts; what is no date (长期) stays as it is."""


def write_value(value: FieldValue, form: str | None) -> str:
    """Write a value in one of `FORMATS`, or as it is."""
    text = str(value)
    if form is None:
        return text
    try:
        day = parse_date(text)
    except MalformedError:
        return text
    return FORMATS[form](day)
