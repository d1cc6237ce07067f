"""Strict DER (X.690): a structure check for hostile bytes, and a reader that hands out slices as they lie.

Schemas come after this: whoever decodes with a library first calls `check`, so that no indefinite length,
over-long length, trailing byte or bottomless nesting ever reaches it. What is signed is then taken as a slice
of the bytes that came in, never as somebody's re-encoding of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06
ENUMERATED: Final = 0x0A
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31

MAX_DEPTH: Final = 32
"""Levels of nesting read; the deepest certificate in use has about ten."""

_CONSTRUCTED: Final = 0x20
_UNIVERSAL_LIMIT: Final = 0x40
_HIGH_TAG: Final = 0x1F
_SHORT_FORM: Final = 0x80
_MAX_LENGTH_OCTETS: Final = 4
_MAX_UNUSED_BITS: Final = 7
_MAX_OID_OCTETS: Final = 64


class DerError(ValueError):
    """Bytes that are not strict DER, or not the element that was expected. Callers give it a Reason."""


def _header(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Return (tag, start of content, end of content) of the element at `at`, all inside `end`."""
    if end - at < 2:  # noqa: PLR2004  (one tag octet, one length octet)
        raise DerError("an element is cut short")
    tag, length = data[at], data[at + 1]
    if tag & _HIGH_TAG == _HIGH_TAG:
        raise DerError("a tag number above 30")
    at += 2
    if length >= _SHORT_FORM:
        octets = length - _SHORT_FORM
        if not 0 < octets <= _MAX_LENGTH_OCTETS or end - at < octets:
            raise DerError("a length that is indefinite, cut short or beyond 4 GiB")
        length = int.from_bytes(data[at : at + octets], "big")
        if length < _SHORT_FORM or length >> 8 * (octets - 1) == 0:
            raise DerError("a length that is not minimal")
        at += octets
    if length > end - at:
        raise DerError("an element is longer than what holds it")
    return tag, at, at + length


def _is_minimal_integer(data: bytes, start: int, end: int) -> bool:
    if end - start < 2:  # noqa: PLR2004  (a single octet is always minimal)
        return end > start
    first, second = data[start], data[start + 1]
    return not ((first == 0 and second < _SHORT_FORM) or (first == 0xFF and second >= _SHORT_FORM))  # noqa: PLR2004


def _check_primitive(data: bytes, tag: int, start: int, end: int) -> None:
    """Refuse the primitive universal types whose content has more than one spelling or no meaning."""
    if tag in (INTEGER, ENUMERATED):
        good = _is_minimal_integer(data, start, end)
    elif tag == BOOLEAN:
        good = data[start:end] in (b"\x00", b"\xff")
    elif tag == NULL:
        good = start == end
    elif tag == BIT_STRING:
        good = end > start and data[start] <= _MAX_UNUSED_BITS and (end - start > 1 or data[start] == 0)
    elif tag == OBJECT_IDENTIFIER:
        good = end > start and data[end - 1] < _SHORT_FORM
    else:
        good = True
    if not good:
        raise DerError(f"the content of a primitive element (tag {tag:#04x}) is not DER")


def _walk(data: bytes, at: int, end: int, depth: int) -> None:
    if depth > MAX_DEPTH and at < end:
        raise DerError(f"nested deeper than {MAX_DEPTH} levels")
    while at < end:
        tag, start, stop = _header(data, at, end)
        if tag < _UNIVERSAL_LIMIT and bool(tag & _CONSTRUCTED) != (tag | _CONSTRUCTED in (SEQUENCE, SET)):
            raise DerError(f"tag {tag:#04x} has the wrong form for DER")
        if tag & _CONSTRUCTED:
            _walk(data, start, stop, depth + 1)
        else:
            _check_primitive(data, tag, start, stop)
        at = stop


def check(data: bytes, *, limit: int) -> None:
    """Check that `data` is exactly one DER element of at most `limit` bytes, with DER all the way down.

    The content of OCTET STRING and BIT STRING is opaque here: what is wrapped there is checked when it is read.

    Raises:
        DerError: longer than `limit`; indefinite, non-minimal or overlong lengths; tag numbers above 30; a
            string in constructed form; more than `MAX_DEPTH` levels; trailing bytes; a BOOLEAN, INTEGER, NULL,
            BIT STRING or OBJECT IDENTIFIER that is not in its one form.
    """
    if len(data) > limit:
        raise DerError(f"longer than {limit} bytes")
    _, _, end = _header(data, 0, len(data))
    if end != len(data):
        raise DerError("bytes follow the element")
    _walk(data, 0, end, 1)


@dataclass(frozen=True, slots=True)
class Element:
    """One element inside `data`: its tag, and where it starts, where its content starts, where both end."""

    data: bytes
    tag: int
    start: int
    body: int
    end: int

    @property
    def der(self) -> bytes:
        """The whole element, exactly as it lies."""
        return self.data[self.start : self.end]

    @property
    def content(self) -> bytes:
        """The content octets."""
        return self.data[self.body : self.end]

    def children(self) -> Reader:
        """Read what a constructed element holds."""
        return Reader(self.data, self.body, self.end)


class Reader:
    """Reads neighbouring elements in order. Every method raises DerError for what does not fit."""

    __slots__ = ("_at", "_data", "_end")

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        """Read `data[start:end]`."""
        self._data = data
        self._at = start
        self._end = len(data) if end is None else end

    def __bool__(self) -> bool:
        """Tell whether anything is left."""
        return self._at < self._end

    def peek(self) -> int | None:
        """Return the next tag; None at the end."""
        return self._data[self._at] if self else None

    def read(self, *tags: int) -> Element:
        """Read one element, which must have one of `tags` when any are given.

        Raises:
            DerError: nothing is left, another tag, or not DER.
        """
        tag, body, end = _header(self._data, self._at, self._end)
        if tags and tag not in tags:
            raise DerError(f"tag {tag:#04x} where {' or '.join(f'{one:#04x}' for one in tags)} was expected")
        element = Element(self._data, tag, self._at, body, end)
        self._at = end
        return element

    def optional(self, *tags: int) -> Element | None:
        """Read one element if it has one of `tags`.

        Raises:
            DerError: it has, and is not DER.
        """
        return self.read(*tags) if self.peek() in tags else None

    def rest(self, *tags: int) -> list[Element]:
        """Read all that is left; each must have one of `tags` when any are given.

        Raises:
            DerError: another tag, or not DER.
        """
        elements = []
        while self:
            elements.append(self.read(*tags))
        return elements

    def finish(self) -> None:
        """Refuse anything left over.

        Raises:
            DerError: something is left.
        """
        if self:
            raise DerError("an element that has no place here")


def read_one(data: bytes, *tags: int) -> Element:
    """Read `data` as exactly one element.

    Raises:
        DerError: another tag, trailing bytes, or not DER.
    """
    reader = Reader(data)
    element = reader.read(*tags)
    reader.finish()
    return element


def integer(element: Element) -> int:
    """Return the value of an INTEGER or ENUMERATED already checked."""
    return int.from_bytes(element.content, "big", signed=True)


def boolean(element: Element) -> bool:
    """Return the value of a BOOLEAN already checked."""
    return element.content != b"\x00"


def octet_bits(element: Element) -> bytes:
    """Return the octets of a BIT STRING whose length is whole octets.

    Raises:
        DerError: it is not a whole number of octets.
    """
    content = element.content
    if content[:1] != b"\x00":
        raise DerError("a BIT STRING that is not whole octets")
    return content[1:]


def oid(element: Element) -> str:
    """Return an OBJECT IDENTIFIER in dotted form.

    Raises:
        DerError: an arc with leading zeros, cut short, or longer than any identifier in use.
    """
    content = element.content
    if len(content) > _MAX_OID_OCTETS:
        raise DerError(f"an OBJECT IDENTIFIER longer than {_MAX_OID_OCTETS} octets")
    arcs: list[int] = []
    arc, fresh = 0, True
    for octet in content:
        if fresh and octet == _SHORT_FORM:
            raise DerError("an OBJECT IDENTIFIER that is not minimal")
        arc = arc << 7 | octet & 0x7F
        fresh = octet < _SHORT_FORM
        if fresh:
            arcs.append(arc)
            arc = 0
    if not arcs or not fresh:
        raise DerError("an OBJECT IDENTIFIER that is cut short")
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))
