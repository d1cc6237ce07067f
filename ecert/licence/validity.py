"""Dates and instants of a licence. Dates are calendar days in China (UTC+8, no summer time)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Final

from ecert.errors import MalformedError, Reason

if TYPE_CHECKING:
    from ecert import cbor

CHINA: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
_EPOCH: Final = date(1970, 1, 1)
MAX_SECONDS: Final = 2**34
"""Instants beyond this many seconds after 1970 (the year 2514) are refused."""
MAX_DAYS: Final = MAX_SECONDS // 86400


@dataclass(frozen=True, slots=True)
class Validity:
    """The days on which a licence is in force, both included.

    Attributes:
        start: The first day.
        end: The last day; None means 长期, without end.
    """

    start: date
    end: date | None


def china_day(instant: datetime) -> date:
    """Return the calendar day in China at `instant` (aware)."""
    return instant.astimezone(CHINA).date()


def china_midnight(instant: datetime) -> datetime:
    """Return when the day in China at `instant` (aware) began, UTC."""
    return datetime.combine(china_day(instant), time(), CHINA).astimezone(UTC)


def day_number(day: date) -> int:
    """Return the number of days since 1970-01-01."""
    return (day - _EPOCH).days


def from_day_number(number: int) -> date:
    """Return the day `number` days after 1970-01-01; `number` in 0..MAX_DAYS."""
    return _EPOCH + timedelta(days=number)


def to_seconds(instant: datetime) -> int:
    """Return the whole seconds since 1970-01-01T00:00:00Z; `instant` is aware."""
    return int(instant.timestamp())


def from_seconds(seconds: int) -> datetime:
    """Return the aware UTC instant `seconds` after 1970, `seconds` in 0..MAX_SECONDS."""
    return datetime.fromtimestamp(seconds, UTC)


def _malformed(what: str) -> MalformedError:
    return MalformedError(Reason.RECORD_MALFORMED, f"not a sealed record: {what}")


def encode_validity(
    validity: Validity, sealed_at: datetime, start_key: int, end_key: int
) -> dict[int | str, cbor.Value]:
    """Write the days in force: the first is left out when it is the day of sealing, the last for 长期."""
    days: dict[int | str, cbor.Value] = {}
    if validity.start != china_day(sealed_at):
        days[start_key] = day_number(validity.start)
    if validity.end is not None:
        days[end_key] = day_number(validity.end)
    return days


def decode_validity(
    content: dict[int | str, cbor.Value], sealed_at: datetime, start_key: int, end_key: int
) -> Validity:
    """Read what `encode_validity` wrote.

    Raises:
        MalformedError: not days, out of order, or the day of sealing spelt out.
    """
    implied = china_day(sealed_at)
    start = implied
    if start_key in content:
        start = from_day_number(read_uint(content[start_key], MAX_DAYS))
        if start == implied:
            raise _malformed("the first day is spelt out where it must be left out")
    end = from_day_number(read_uint(content[end_key], MAX_DAYS)) if end_key in content else None
    if end is not None and end < start:
        raise _malformed("the last day lies before the first")
    return Validity(start, end)


def read_uint(value: cbor.Value, limit: int) -> int:
    """Return `value` if it is an integer in 0..limit-1.

    Raises:
        MalformedError: it is not.
    """
    if type(value) is not int or not 0 <= value < limit:
        raise _malformed("a number is out of its range")
    return value
