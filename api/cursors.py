"""Cursors of lists: where a page ended, as a text that the caller hands back and need not read.

Whatever a cursor says, no more is found by it than without: whose things somebody may touch stands in the query.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ecert.errors import EcertError, Reason

if TYPE_CHECKING:
    import re

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def write_cursor(*parts: str | int | datetime) -> str:
    """Return the cursor of the row that these parts tell from all others; instants count in microseconds."""
    plain = (_microseconds(one) if isinstance(one, datetime) else one for one in parts)
    return urlsafe_b64encode(" ".join(map(str, plain)).encode()).decode().rstrip("=")


def read_cursor(cursor: str, form: re.Pattern[str]) -> re.Match[str]:
    """Return the parts of a cursor, as groups of `form`.

    Raises:
        EcertError: USAGE; it is none of this list.
    """
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        text = ""
    found = form.fullmatch(text)
    if found is None:
        raise no_cursor()
    return found


def read_instant(microseconds: str) -> datetime:
    """Return an instant that a cursor has.

    Raises:
        EcertError: USAGE; there is none so late.
    """
    try:
        return _EPOCH + timedelta(microseconds=int(microseconds))
    except OverflowError as error:
        raise no_cursor() from error


def no_cursor() -> EcertError:
    """Return the error of a text that is no cursor of a list."""
    return EcertError(Reason.USAGE, "the cursor is none that a page of this list gave")


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)
