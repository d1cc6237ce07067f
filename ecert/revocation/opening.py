"""Opening what a region's status key signed, and reading values out of it.

Every payload is a canonical CBOR array that begins with the region (an integer for a region's six digits, text for
a ministry's USCC) and the second at which it was issued.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from ecert import cbor, envelope
from ecert.errors import MalformedError, Reason, RejectedError
from ecert.licence.validity import MAX_SECONDS, from_seconds
from ecert.sm2 import DIGEST_LENGTH, KEY_ID_LENGTH
from ecert.trust import Role

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.sm2 import Signer
    from ecert.trust import Registry

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far ahead of a verifier's clock a signed time may lie."""
MAX_SEQUENCE: Final = 2**32
"""Sequence numbers lie below this."""

_DIGITS: Final = re.compile(r"[0-9]{6}")
_USCC: Final = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")
_REGIONS: Final = 10**6


@dataclass(frozen=True, slots=True)
class Fields:
    """The items of an array. Every method returns the item at `at`, or refuses what does not fit."""

    items: list[cbor.Value]

    @classmethod
    def of(cls, value: cbor.Value, *lengths: int) -> Fields:
        """Take an array of one of `lengths`.

        Raises:
            MalformedError: it is something else.
        """
        if not isinstance(value, list) or len(value) not in lengths:
            raise malformed("an array is missing or has another length")
        return cls(value)

    def uint(self, at: int, limit: int) -> int:
        """Return an integer in 0..limit-1."""
        value = self.items[at]
        if type(value) is not int or not 0 <= value < limit:
            raise malformed("a number is missing or out of its range")
        return value

    def instant(self, at: int) -> datetime:
        """Return an instant, written as seconds after 1970."""
        return from_seconds(self.uint(at, MAX_SECONDS))

    def octets(self, at: int, length: int | None = None) -> bytes:
        """Return bytes, exactly `length` of them when it is given."""
        value = self.items[at]
        if not isinstance(value, bytes) or length not in (None, len(value)):
            raise malformed("a byte string is missing or has another length")
        return value

    def key_id(self, at: int) -> bytes:
        """Return a key id, 8 bytes."""
        return self.octets(at, KEY_ID_LENGTH)

    def digest(self, at: int) -> bytes:
        """Return an SM3 digest, 32 bytes."""
        return self.octets(at, DIGEST_LENGTH)

    def text(self, at: int, limit: int) -> str:
        """Return text of at most `limit` characters, all of them printable or the wide space of Chinese texts."""
        value = self.items[at]
        if not isinstance(value, str) or len(value) > limit or not value.replace("\u3000", "").isprintable():
            raise malformed("a text is missing, too long or not printable")
        return value

    def array(self, at: int) -> list[cbor.Value]:
        """Return an array of any length."""
        value = self.items[at]
        if not isinstance(value, list):
            raise malformed("an array is missing")
        return value

    def region(self, at: int) -> str:
        """Return a region's code."""
        value = self.items[at]
        if type(value) is int and 0 <= value < _REGIONS:
            return f"{value:06d}"
        if isinstance(value, str) and _USCC.fullmatch(value):
            return value
        raise malformed("no region is named")


def region_value(region: str) -> int | str:
    """Write a region's code in its one form."""
    return int(region) if _DIGITS.fullmatch(region) else region


def malformed(what: str) -> MalformedError:
    """Return the refusal of bytes that are not what they should be."""
    return MalformedError(Reason.STATUS_MALFORMED, f"not a status file: {what}")


def seal(kind: envelope.Kind, payload: bytes, signer: Signer, *, limit: int) -> bytes:
    """Sign a payload.

    Raises:
        MalformedError: the envelope would be longer than the `limit` with which it is read.
        CustodyError: the key cannot be used.
    """
    sealed = envelope.seal(kind, payload, signer).encode()
    if len(sealed) > limit:
        raise MalformedError(Reason.TOO_LARGE, f"{len(sealed)} bytes where at most {limit} are allowed")
    return sealed


def open_signed(
    data: bytes, kind: envelope.Kind, registry: Registry, *, limit: int, length: int, now: datetime | None = None
) -> Fields:
    """Return the payload of an object that the status key of the region it names signed while it was in standing.

    Args:
        data: Hostile bytes.
        kind: What it must be.
        registry: Who may sign for which region.
        limit: The most bytes accepted.
        length: How many items the payload has.
        now: The verifier's clock; None where an object from the future is to be had.

    Raises:
        MalformedError: too long, or not a canonical object of this kind.
        RejectedError: not signed by a registered status key, or for another region than the key's, or from the
            future, or the key's certificate did not stand when it was issued, or the key was ever stolen.
        UndeterminedError: evidence about that certificate is missing.
    """
    signed = _decode(data, kind, limit)
    key = registry.find(signed.key_id)
    if key is None or key.member.role is not Role.STATUS:
        raise RejectedError(Reason.STATUS_SIGNATURE_BAD, "not signed by a registered status key")
    try:
        signed.verify(key.public_key)
    except RejectedError as error:
        raise RejectedError(Reason.STATUS_SIGNATURE_BAD, "the signature is not the status key's") from error
    fields = read_payload(signed.payload, length)
    region, issued_at = fields.region(0), fields.instant(1)
    if region != key.region.code:
        raise RejectedError(
            Reason.STATUS_FOREIGN, f"the status key of region {key.region.code} does not speak for {region}"
        )
    if now is not None and issued_at > now + CLOCK_SKEW:
        raise RejectedError(Reason.STATUS_FROM_FUTURE, f"issued at {issued_at:%F %T}Z, and it is {now:%F %T}Z")
    registry.standing(key, issued_at)
    stolen_at = registry.compromised_at(key)
    if stolen_at is not None:  # whoever stole it can claim any time of issue
        raise RejectedError(Reason.CERTIFICATE_REVOKED, f"the status key was stolen at {stolen_at:%F %T}Z")
    return fields


class Listing(Protocol):
    """A list that its region signs again and again; two with equal values are equal."""

    @property
    def region(self) -> str:
        """The region's code."""

    @property
    def sequence(self) -> int:
        """Grows with every list."""


def require_later(offered: Listing, held: Listing) -> None:
    """Require that a list may take the place of the one held.

    Raises:
        RejectedError: STATUS_FOREIGN, it speaks for another region; STATUS_ROLLBACK, it is older, or another one of
            the same number.
    """
    if offered.region != held.region:
        raise RejectedError(Reason.STATUS_FOREIGN, f"a list of region {offered.region}, not of {held.region}")
    if offered.sequence < held.sequence or (offered.sequence == held.sequence and offered != held):
        raise RejectedError(
            Reason.STATUS_ROLLBACK, f"list {offered.sequence} is offered, another list {held.sequence} is held"
        )


def open_unverified(data: bytes, kind: envelope.Kind, *, limit: int, length: int) -> Fields:
    """Return the payload of an object of one's own making, which no registry need vouch for.

    Raises:
        MalformedError: too long, or not a canonical object of this kind.
    """
    return read_payload(_decode(data, kind, limit).payload, length)


def read_payload(payload: bytes, length: int) -> Fields:
    """Read a payload, no longer than the limit of the envelope that it came from.

    Raises:
        MalformedError: not a canonical array of `length` items.
    """
    return Fields.of(cbor.decode(payload, limit=len(payload), reason=Reason.STATUS_MALFORMED), length)


def _decode(data: bytes, kind: envelope.Kind, limit: int) -> envelope.Envelope:
    try:
        signed = envelope.decode(data, limit=limit)
    except MalformedError as error:
        if error.reason is Reason.TOO_LARGE:
            raise
        raise malformed(error.detail) from error
    if signed.kind is not kind:
        raise malformed("it is another signed object")
    return signed
