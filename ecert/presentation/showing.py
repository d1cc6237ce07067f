"""One showing of licences by a phone: from the dynamic code that is put up to the one window that takes it.

    put up ──take (once, before it ends)──▶ taken
       └────── its time is over ──────────▶ ended

A store keeps what is put up, and marks it taken in one atomic step, whatever the number of processes (`ShowingStore`
in `ecert.ports`). It remembers both for ten minutes more, so that a clerk is told "used" or "too late", not "unknown".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ecert import cbor
from ecert.errors import Reason, RejectedError
from ecert.licence.identifier import parse_identifier
from ecert.licence.validity import to_seconds
from ecert.presentation.reading import (
    MAX_NAME,
    MAX_PURPOSE,
    Items,
    malformed,
    require_names,
    require_seconds,
    require_text,
)

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.licence.identifier import Identifier
    from ecert.ports import Held

LIFETIME: Final = timedelta(seconds=60)
"""The longest that a dynamic code may be redeemed."""
MEMORY: Final = timedelta(minutes=10)
"""How long a store remembers a showing after its end."""
COUNTER_PURPOSE: Final = "在窗口办理政务服务事项"
"""What a phone shows licences for unless its holder says more: the window that takes them names the one use."""
MAX_LICENCES: Final = 16
"""The most licences shown at once."""
MAX_OFFER: Final = 64 * 1024
"""The longest encoded offer in bytes."""
MAX_TAKING: Final = 1024
"""The longest encoded taking in bytes."""

_OFFER_PARTS, _LICENCE_PARTS, _TAKING_PARTS = 6, 2, 4


@dataclass(frozen=True, slots=True)
class ShownLicence:
    """One version of one licence, and the fields that are disclosed unmasked.

    Attributes:
        identifier: With its version: a licence that was renewed meanwhile is shown anew.
        fields: Names in ascending order; none where the masked face is all that is shown.
    """

    identifier: Identifier
    fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no phone can have put up."""
        require_names(self.fields, "the fields disclosed")


@dataclass(frozen=True, slots=True)
class Offer:
    """What a phone puts up under a dynamic code.

    Attributes:
        holder: The holder's account, an identifier without meaning elsewhere.
        session: The session that shows it: whoever ends it takes its codes down.
        purpose: What it is shown for, at most 200 characters.
        licences: 1 to 16 licences, each once.
        made_at: Aware UTC, whole seconds.
        ends_at: The first instant it is no longer good; at most a minute later.
    """

    holder: str
    session: str
    purpose: str
    licences: tuple[ShownLicence, ...]
    made_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        """Refuse what is out of bounds."""
        require_text(self.holder, MAX_NAME, "the holder's account")
        require_text(self.session, MAX_NAME, "the session")
        require_text(self.purpose, MAX_PURPOSE, "the purpose")
        require_seconds(self.made_at, self.ends_at)
        different = {one.identifier for one in self.licences}
        if not 1 <= len(self.licences) <= MAX_LICENCES or len(different) != len(self.licences):
            raise malformed(f"1 to {MAX_LICENCES} different licences are shown at once")
        if not self.made_at < self.ends_at <= self.made_at + LIFETIME:
            raise malformed("a dynamic code is good for 1 to 60 seconds")

    def encode(self) -> bytes:
        """Return the bytes that a store keeps."""
        licences: list[cbor.Value] = [[one.identifier.text, list(one.fields)] for one in self.licences]
        times = [to_seconds(self.made_at), to_seconds(self.ends_at)]
        return cbor.encode([self.holder, self.session, self.purpose, licences, *times])

    @classmethod
    def decode(cls, data: bytes) -> Offer:
        """Read what `encode` wrote.

        Raises:
            MalformedError: it is something else.
        """
        items = Items.decode(data, limit=MAX_OFFER, length=_OFFER_PARTS)
        licences = tuple(map(_read_licence, items.many(3, MAX_LICENCES)))
        return cls(items.text(0), items.text(1), items.text(2), licences, items.instant(4), items.instant(5))


def _read_licence(value: cbor.Value) -> ShownLicence:
    items = Items.of(value, _LICENCE_PARTS)
    return ShownLicence(parse_identifier(items.text(0)), items.names(1))


@dataclass(frozen=True, slots=True)
class Taking:
    """Who took a showing.

    Attributes:
        unit: Credit code of the body whose window it was.
        window: The window as people know it, e.g. 浦东3号窗口.
        operator: The clerk's identifier.
        at: When, aware UTC, whole seconds.
    """

    unit: str
    window: str
    operator: str
    at: datetime

    def __post_init__(self) -> None:
        """Refuse what names nobody."""
        for text, what in ((self.unit, "the unit"), (self.window, "the window"), (self.operator, "the operator")):
            require_text(text, MAX_NAME, what)
        require_seconds(self.at)

    def encode(self) -> bytes:
        """Return the bytes that a store keeps."""
        return cbor.encode([self.unit, self.window, self.operator, to_seconds(self.at)])

    @classmethod
    def decode(cls, data: bytes) -> Taking:
        """Read what `encode` wrote.

        Raises:
            MalformedError: it is something else.
        """
        items = Items.decode(data, limit=MAX_TAKING, length=_TAKING_PARTS)
        return cls(items.text(0), items.text(1), items.text(2), items.instant(3))


def redeem(held: Held | None, at: datetime) -> Offer:
    """Return what was put up, if the code could still be taken.

    Args:
        held: What the store's `take` returned: how the showing stood before it.
        at: The instant given to `take`, aware.

    Raises:
        RejectedError: CODE_UNKNOWN, CODE_USED or CODE_EXPIRED; with who used it, and when.
        MalformedError: the store holds something else.
    """
    if held is None:
        raise RejectedError(Reason.CODE_UNKNOWN, "nobody shows this code, or it was taken down")
    if held.taken is not None:
        taking = Taking.decode(held.taken)
        raise RejectedError(Reason.CODE_USED, f"it was used at {taking.at:%F %T}Z, at {taking.window}")
    offer = Offer.decode(held.offer)
    if at >= offer.ends_at:
        raise RejectedError(Reason.CODE_EXPIRED, f"it was good until {offer.ends_at:%F %T}Z")
    return offer
