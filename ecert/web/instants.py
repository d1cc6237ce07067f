"""Instants in answers of other services: hostile until checked, and then fit to be compared and shown."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  (models read annotations)
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime

_YEARS: Final = range(2000, 3000)


def _bounded(instant: datetime) -> datetime:
    if instant.year not in _YEARS:
        raise ValueError("an instant lies between 2000 and 3000")
    return instant


Instant = Annotated[AwareDatetime, AfterValidator(_bounded)]
"""Aware, and of a year that every clock and calendar here can show."""
