"""Pages of details: the decisions behind the marks of 4,096 neighbouring indices of one list, signed.

    [region, issuedAt, sequence, key id, number, page, [[offset, [event, ...]], ...]]

Offsets count from page · 4096 and ascend; an index about which nothing was ever decided is left out. An envelope
of STATUS_PAGE, signed by the region's status key.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

from ecert import cbor, envelope
from ecert.licence.reference import StatusRef
from ecert.licence.validity import to_seconds
from ecert.revocation.events import event_value, read_event
from ecert.revocation.opening import MAX_SEQUENCE, Fields, malformed, open_signed, read_payload, region_value, seal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ecert.revocation.status import ListKey, StatusEvent
    from ecert.sm2 import Signer
    from ecert.trust import Registry

PageKey: TypeAlias = "tuple[str, ListKey, int]"
"""Region, list, and number of a page in the list."""
PAGE_SIZE: Final = 4096
"""Indices of one page."""
MAX_PAGE: Final = 4 * 1024 * 1024
"""The longest page in bytes."""

_LENGTH: Final = 7


@dataclass(frozen=True, slots=True)
class StatusPage:
    """What is known of the licences page · 4096 .. page · 4096 + 4095 of one list.

    Attributes:
        region: Whose.
        key_id: The issuing key, 8 bytes.
        number: The list.
        page: Which page of the list.
        sequence: The step of the region's chain that it speaks of.
        issued_at: When it was issued.
        events: Index in the list → every decision, in the order in which they were made.
    """

    region: str
    key_id: bytes
    number: int
    page: int
    sequence: int
    issued_at: datetime
    events: Mapping[int, tuple[StatusEvent, ...]]

    @property
    def key(self) -> PageKey:
        """What names the page, whatever its age."""
        return self.region, (self.key_id, self.number), self.page


def seal_page(page: StatusPage, signer: Signer) -> bytes:
    """Sign a page.

    Raises:
        MalformedError: an index of another page, decisions that are not in order, a text too long, over 4 MiB.
        CustodyError: the key cannot be used.
    """
    rows: list[cbor.Value] = [
        [index - page.page * PAGE_SIZE, [event_value(event) for event in events]]
        for index, events in sorted(page.events.items())
    ]
    issued_at = to_seconds(page.issued_at)
    payload = cbor.encode(
        [region_value(page.region), issued_at, page.sequence, page.key_id, page.number, page.page, rows]
    )
    _read(read_payload(payload, _LENGTH))
    return seal(envelope.Kind.STATUS_PAGE, payload, signer, limit=MAX_PAGE)


def load_page(data: bytes, registry: Registry, *, now: datetime) -> StatusPage:
    """Parse and verify a page.

    Raises:
        MalformedError: too long, or not a page.
        RejectedError: not signed by the region's status key, from the future, or the key's certificate did not stand.
        UndeterminedError: evidence about that certificate is missing.
    """
    kind = envelope.Kind.STATUS_PAGE
    return _read(open_signed(data, kind, registry, limit=MAX_PAGE, length=_LENGTH, now=now))


def _read(fields: Fields) -> StatusPage:
    page = fields.uint(5, StatusRef.CAPACITY // PAGE_SIZE)
    events: dict[int, tuple[StatusEvent, ...]] = {}
    last = -1
    for row in fields.array(6):
        entry = Fields.of(row, 2)
        offset = entry.uint(0, PAGE_SIZE)
        if offset <= last:
            raise malformed("the entries of a page are not in order")
        events[page * PAGE_SIZE + offset] = _read_events(entry.array(1))
        last = offset
    sequence, number = fields.uint(2, MAX_SEQUENCE), fields.uint(4, StatusRef.LISTS)
    return StatusPage(fields.region(0), fields.key_id(3), number, page, sequence, fields.instant(1), events)


def _read_events(rows: list[cbor.Value]) -> tuple[StatusEvent, ...]:
    events = tuple(map(read_event, rows))
    if not events or any(later.decided_at < earlier.decided_at for earlier, later in pairwise(events)):
        raise malformed("the decisions about a licence are missing or not in order")
    return events
