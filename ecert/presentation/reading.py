"""Reading what a store or another system hands back: canonical CBOR arrays, every item held to its form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from ecert import cbor
from ecert.errors import MalformedError, Reason
from ecert.licence.codes import check_text
from ecert.licence.validity import MAX_SECONDS, from_seconds

if TYPE_CHECKING:
    from datetime import datetime
    from enum import StrEnum

E = TypeVar("E", bound="StrEnum")

MAX_TEXT: Final = 256
"""The longest text of an array in characters."""
MAX_NUMBER: Final = 1 << 53
"""Numbers of an array lie below this."""
MAX_NAME: Final = 128
"""The longest name of a body, person, matter or field in characters."""
MAX_PURPOSE: Final = 200
"""The longest purpose in characters, as that of an annotated copy (加注件制作事由)."""
MAX_FIELDS: Final = 256
"""The most fields that are asked for or disclosed at once."""

_MAX_ITEMS: Final = 4096


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
    """Require at most 256 different names in ascending order.

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
    """The items of an array. Every method returns the item at `at`, or refuses what does not fit (DATA_MALFORMED)."""

    values: list[cbor.Value]

    @classmethod
    def decode(cls, data: bytes, *, limit: int, length: int, items: int = _MAX_ITEMS) -> Items:
        """Read an array of `length` items from at most `limit` hostile bytes, which hold at most `items` in all.

        Raises:
            MalformedError: it is something else.
        """
        return cls.of(cbor.decode(data, limit=limit, reason=Reason.DATA_MALFORMED, items=items), length)

    @classmethod
    def of(cls, value: cbor.Value, length: int) -> Items:
        """Take an array of `length` items.

        Raises:
            MalformedError: it is something else.
        """
        if not isinstance(value, list) or len(value) != length:
            raise malformed(f"an array of {length} is missing")
        return cls(value)

    def text(self, at: int, *, may_be_empty: bool = False) -> str:
        """Return a text of at most 256 visible characters."""
        value = self.values[at]
        if not isinstance(value, str) or (check_text(value, MAX_TEXT) and not (may_be_empty and not value)):
            raise malformed(f"a text is not 1 to {MAX_TEXT} visible characters")
        return value

    def number(self, at: int, limit: int = MAX_NUMBER) -> int:
        """Return a whole number below `limit`."""
        value = self.values[at]
        if type(value) is not int or not 0 <= value < limit:
            raise malformed("a number is missing or out of its range")
        return value

    def instant(self, at: int) -> datetime:
        """Return an instant, written as whole seconds after 1970."""
        return from_seconds(self.number(at, MAX_SECONDS))

    def octets(self, at: int, *lengths: int) -> bytes:
        """Return bytes, of one of these lengths where any is given."""
        value = self.values[at]
        if not isinstance(value, bytes) or (lengths and len(value) not in lengths):
            raise malformed("a byte string is missing or has another length")
        return value

    def one_of(self, at: int, kind: type[E]) -> E:
        """Return a value of an enumeration."""
        value = self.values[at]
        if not isinstance(value, str) or value not in set(kind):
            raise malformed(f"one of {', '.join(kind)} is missing")
        return kind(value)

    def many(self, at: int, most: int) -> list[cbor.Value]:
        """Return a list of at most `most` items."""
        value = self.values[at]
        if not isinstance(value, list) or len(value) > most:
            raise malformed(f"a list of at most {most} is missing")
        return value

    def names(self, at: int) -> tuple[str, ...]:
        """Return at most 256 different names in ascending order."""
        inner = Items(self.many(at, MAX_FIELDS))
        names = tuple(inner.text(index) for index in range(len(inner.values)))
        require_names(names, "the fields")
        return names
