"""Reading what a store or another system hands back: canonical CBOR arrays, every item held to its form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert import cbor
from ecert.errors import MalformedError, Reason
from ecert.licence.codes import check_text
from ecert.licence.identifier import Identifier, parse_identifier
from ecert.licence.validity import MAX_SECONDS, from_seconds, read_uint

if TYPE_CHECKING:
    from datetime import datetime

MAX_NAME: Final = 128
"""The longest name of a body, person, matter or field in characters."""
MAX_PURPOSE: Final = 200
"""The longest purpose in characters, as that of an annotated copy (加注件制作事由)."""
MAX_FIELDS: Final = 128
"""The most fields that are asked for or disclosed at once."""


def malformed(what: str) -> MalformedError:
    """Make the error of data that does not have the form it should."""
    return MalformedError(Reason.DATA_MALFORMED, what)


def require_text(text: str, limit: int, what: str) -> None:
    """Require 1 to `limit` visible characters.

    Raises:
        MalformedError: DATA_MALFORMED; it is something else.
    """
    if check_text(text, limit):
        raise malformed(f"{what} is not 1 to {limit} visible characters")


def require_names(names: tuple[str, ...], what: str) -> None:
    """Require at most 128 different names in ascending order.

    Raises:
        MalformedError: DATA_MALFORMED; it is something else.
    """
    if len(names) > MAX_FIELDS or list(names) != sorted(set(names)):
        raise malformed(f"{what} are not at most {MAX_FIELDS} different names in ascending order")
    for name in names:
        require_text(name, MAX_NAME, what)


def require_seconds(*instants: datetime) -> None:
    """Require aware instants of whole seconds, which come back from their bytes as they were.

    Raises:
        MalformedError: DATA_MALFORMED; one is not.
    """
    if any(one.tzinfo is None or one.microsecond for one in instants):
        raise malformed("a time has no zone, or is not one of whole seconds")


@dataclass(frozen=True, slots=True)
class Items:
    """The items of an array; every method returns one, or refuses what does not fit."""

    values: list[cbor.Value]

    @classmethod
    def decode(cls, data: bytes, *, limit: int, length: int) -> Items:
        """Read an array of `length` items from at most `limit` hostile bytes.

        Raises:
            MalformedError: it is something else.
        """
        return cls.of(cbor.decode(data, limit=limit, reason=Reason.DATA_MALFORMED, items=limit), length)

    @classmethod
    def of(cls, value: cbor.Value, length: int | None = None) -> Items:
        """Take an array, of `length` items where it is given.

        Raises:
            MalformedError: it is something else.
        """
        if not isinstance(value, list) or length not in (None, len(value)):
            raise malformed("an array is missing or has another length")
        return cls(value)

    def text(self, at: int) -> str:
        """Return a text."""
        value = self.values[at]
        if not isinstance(value, str):
            raise malformed("a text is missing")
        return value

    def instant(self, at: int) -> datetime:
        """Return an instant, written as whole seconds after 1970."""
        try:
            return from_seconds(read_uint(self.values[at], MAX_SECONDS))
        except MalformedError:
            raise malformed("a time is missing or out of its range") from None

    def identifier(self, at: int) -> Identifier:
        """Return a licence identifier."""
        return parse_identifier(self.text(at))

    def texts(self, at: int) -> tuple[str, ...]:
        """Return a list of texts."""
        inner = Items.of(self.values[at])
        return tuple(inner.text(index) for index in range(len(inner.values)))
