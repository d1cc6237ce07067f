"""The entries of a revocation list (RFC 5280, 5.1.2.6 and 5.3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ecert import der
from ecert.x509.extensions import read_extensions
from ecert.x509.schema import time

if TYPE_CHECKING:
    from datetime import datetime

REASON_CODE: Final = "2.5.29.21"
INVALIDITY_DATE: Final = "2.5.29.24"
CERTIFICATE_ISSUER: Final = "2.5.29.29"
_PROCESSED: Final = (REASON_CODE, INVALIDITY_DATE)
_MAX_SERIAL_OCTETS: Final = 64


class CrlReason(IntEnum):
    """CRLReason (RFC 5280, 5.3.1)."""

    UNSPECIFIED = 0
    KEY_COMPROMISE = 1
    CA_COMPROMISE = 2
    AFFILIATION_CHANGED = 3
    SUPERSEDED = 4
    CESSATION_OF_OPERATION = 5
    CERTIFICATE_HOLD = 6
    REMOVE_FROM_CRL = 8
    PRIVILEGE_WITHDRAWN = 9
    AA_COMPROMISE = 10

    @classmethod
    def _missing_(cls, value: object) -> CrlReason | None:
        """Read a code nobody has defined as "unspecified": the certificate is revoked all the same."""
        return cls.UNSPECIFIED if isinstance(value, int) else None


@dataclass(frozen=True, slots=True)
class Revocation:
    """One revoked certificate.

    Attributes:
        serial: Its serial number.
        at: When it ceased to be good, aware UTC: the revocation date, or the invalidity date (RFC 5280, 5.3.2)
            when the entry gives one that is earlier.
        reason: Why.
    """

    serial: int
    at: datetime
    reason: CrlReason = CrlReason.UNSPECIFIED


@dataclass(frozen=True, slots=True)
class _EntryMeaning:
    """What an entry's extensions say; `odd`: one is critical and not known, or the entry is another issuer's."""

    reason: CrlReason
    invalid_since: datetime | None
    odd: bool


_NO_EXTENSIONS: Final = _EntryMeaning(CrlReason.UNSPECIFIED, None, odd=False)


@lru_cache(maxsize=64)
def _entry_meaning(extensions: bytes) -> _EntryMeaning:
    """Read an entry's extensions; a long list repeats a few of them a hundred thousand times."""
    found = read_extensions(der.read_one(extensions, der.SEQUENCE))
    values = {one.oid: one.value for one in found}
    reason, invalid_since = values.get(REASON_CODE), values.get(INVALIDITY_DATE)
    return _EntryMeaning(
        reason=CrlReason(0 if reason is None else der.integer(der.read_one(reason, der.ENUMERATED))),
        invalid_since=None if invalid_since is None else time(der.read_one(invalid_since, der.GENERALIZED_TIME)),
        odd=CERTIFICATE_ISSUER in values or any(one.critical and one.oid not in _PROCESSED for one in found),
    )


def read_entries(element: der.Element | None, version: der.Element | None) -> tuple[tuple[Revocation, ...], bool]:
    """Read revokedCertificates; the second value tells whether an entry says what is not understood here.

    Raises:
        DerError: not entries, or extensions in a version 1 list.
        ValueError: a time that is none.
    """
    revoked, odd = [], False
    reader = der.Reader(b"") if element is None else element.children()
    while reader:
        entry = reader.read(der.SEQUENCE).children()
        serial = entry.read(der.INTEGER)
        at = time(entry.read(der.UTC_TIME, der.GENERALIZED_TIME))
        extensions = entry.optional(der.SEQUENCE)
        entry.finish()
        if serial.end - serial.body > _MAX_SERIAL_OCTETS or (extensions is not None and version is None):
            raise der.DerError("an entry that a list of this version cannot hold")
        meaning = _NO_EXTENSIONS if extensions is None else _entry_meaning(extensions.der)
        if meaning.invalid_since is not None:
            at = min(at, meaning.invalid_since)
        odd = odd or meaning.odd
        revoked.append(Revocation(der.integer(serial), at, meaning.reason))
    return tuple(revoked), odd
