"""Certificate revocation lists (RFC 5280, section 5), read completely and kept with their bytes.

A list that holds what is not supported here (an unknown critical extension, other issuers' certificates, a
part of the reasons) still reads: `unsupported` says so, and path validation then draws nothing good from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ecert import der
from ecert.errors import Reason
from ecert.x509 import extensions as certificate_extensions
from ecert.x509 import names, pem
from ecert.x509.entries import Revocation, read_entries
from ecert.x509.extensions import Extension, read_extensions
from ecert.x509.general_names import GeneralName, read_point_name
from ecert.x509.schema import CRL_LIMIT, reading, time, verify_signed

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.sm2 import PublicKey

_LABELS: Final = ("X509 CRL", "CRL")
_V2: Final = 1
_EXTENSIONS: Final = 0xA0

CRL_NUMBER: Final = "2.5.29.20"
DELTA_CRL_INDICATOR: Final = "2.5.29.27"
ISSUING_DISTRIBUTION_POINT: Final = "2.5.29.28"
_PROCESSED: Final = (CRL_NUMBER, ISSUING_DISTRIBUTION_POINT, DELTA_CRL_INDICATOR)

_ONLY_USERS, _ONLY_CAS, _ONLY_REASONS, _INDIRECT, _ONLY_ATTRIBUTES = 0x81, 0x82, 0x83, 0x84, 0x85


@dataclass(frozen=True, slots=True)
class Scope:
    """Which certificates a list covers: its issuingDistributionPoint (RFC 5280, 5.2.5).

    Attributes:
        names: Names of the distribution point; None when the list is not tied to one.
        only_users: It covers end entities only.
        only_cas: It covers CAs only.
        only_attributes: It covers attribute certificates only.
        only_reasons: It covers some reasons only.
        indirect: It lists other issuers' certificates too.
    """

    names: frozenset[GeneralName] | None = None
    only_users: bool = False
    only_cas: bool = False
    only_attributes: bool = False
    only_reasons: bool = False
    indirect: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class RevocationList:
    """A revocation list as it was read.

    Attributes:
        der: The whole list.
        tbs: The signed bytes.
        algorithms: The AlgorithmIdentifier inside the signed bytes, and the one outside, in DER.
        signature: The signature value.
        issuer: The issuer's Name in DER.
        this_update: When it was made, aware UTC.
        next_update: By when the next one comes, aware UTC; None when it does not say, and then it is never fresh.
        number: The CRL number, or None.
        authority_key_id: keyIdentifier of the key that signed, or None.
        scope: Which certificates it covers.
        delta: It lists changes to another list.
        unsupported: Why nothing at all can be drawn from it, as an English phrase; None when something can.
        revoked: The entries, in order.
    """

    der: bytes
    tbs: bytes
    algorithms: tuple[bytes, bytes]
    signature: bytes
    issuer: bytes
    this_update: datetime
    next_update: datetime | None
    number: int | None
    authority_key_id: bytes | None
    scope: Scope
    delta: bool
    unsupported: str | None
    revoked: tuple[Revocation, ...]
    _by_serial: dict[int, Revocation] = field(compare=False)

    @classmethod
    def from_der(cls, data: bytes) -> RevocationList:
        """Read a list of at most 16 MiB.

        Raises:
            MalformedError: not strict DER, not a revocation list, or an extension twice.
        """
        with reading(Reason.CRL_MALFORMED, "the revocation list"):
            der.check(data, limit=CRL_LIMIT)
            reader = der.read_one(data, der.SEQUENCE).children()
            tbs = reader.read(der.SEQUENCE)
            algorithm = reader.read(der.SEQUENCE)
            signature = der.octet_bits(reader.read(der.BIT_STRING))
            reader.finish()
            return _read_tbs(data, tbs, algorithm, signature)

    @classmethod
    def from_pem(cls, data: bytes | str) -> RevocationList:
        """Read the one list in a PEM file.

        Raises:
            MalformedError: not exactly one PEM block with a revocation list, or not a revocation list.
        """
        return cls.from_der(pem.decode(data, _LABELS, limit=CRL_LIMIT, reason=Reason.CRL_MALFORMED))

    def to_pem(self) -> bytes:
        """Write the list as PEM."""
        return pem.encode(self.der, _LABELS[0])

    @property
    def issuer_text(self) -> str:
        """The issuer for people, in the manner of RFC 4514."""
        return names.text(self.issuer)

    def __repr__(self) -> str:
        return f"RevocationList({self.issuer_text}, {self.this_update:%Y-%m-%dT%H:%M:%SZ}, {len(self.revoked)} entries)"

    def find(self, serial: int) -> Revocation | None:
        """Return the entry for a serial number, or None."""
        return self._by_serial.get(serial)

    def verify_issued_by(self, key: PublicKey | None) -> None:
        """Verify the signature alone: not the names, not the dates, not whether that key may sign lists.

        Raises:
            RejectedError: not SM2 with SM3, or not this key's signature.
        """
        verify_signed(key, self.tbs, self.algorithms, self.signature)


def _read_tbs(data: bytes, tbs: der.Element, algorithm: der.Element, signature: bytes) -> RevocationList:
    reader = tbs.children()
    version = reader.optional(der.INTEGER)
    if version is not None and der.integer(version) != _V2:
        raise der.DerError("a version other than 1 and 2, or version 1 written out")
    inner_algorithm = reader.read(der.SEQUENCE)
    issuer = reader.read(der.SEQUENCE).der
    names.relative_names(issuer)
    this_update = time(reader.read(der.UTC_TIME, der.GENERALIZED_TIME))
    next_update = reader.optional(der.UTC_TIME, der.GENERALIZED_TIME)
    entries = reader.optional(der.SEQUENCE)
    extensions = _list_extensions(reader.optional(_EXTENSIONS), version)
    reader.finish()
    revoked, odd_entries = read_entries(entries, version)
    values = {extension.oid: extension.value for extension in extensions}
    scope = _scope(values.get(ISSUING_DISTRIBUTION_POINT), issuer)
    number = values.get(CRL_NUMBER)
    return RevocationList(
        der=data,
        tbs=tbs.der,
        algorithms=(inner_algorithm.der, algorithm.der),
        signature=signature,
        issuer=issuer,
        this_update=this_update,
        next_update=None if next_update is None else time(next_update),
        number=None if number is None else der.integer(der.read_one(number, der.INTEGER)),
        authority_key_id=certificate_extensions.authority_key_id(
            values.get(certificate_extensions.AUTHORITY_KEY_IDENTIFIER)
        ),
        scope=scope,
        delta=DELTA_CRL_INDICATOR in values,
        unsupported=_unsupported(extensions, scope, odd_entries=odd_entries),
        revoked=revoked,
        _by_serial={one.serial: one for one in sorted(revoked, key=_at, reverse=True)},
    )


def _at(revocation: Revocation) -> datetime:
    """Sort key under which, of two entries for one serial number, the earlier is indexed."""
    return revocation.at


def _list_extensions(element: der.Element | None, version: der.Element | None) -> tuple[Extension, ...]:
    if element is None:
        return ()
    if version is None:
        raise der.DerError("extensions in a version 1 list")
    return read_extensions(der.read_one(element.content, der.SEQUENCE))


def _unsupported(extensions: tuple[Extension, ...], scope: Scope, *, odd_entries: bool) -> str | None:
    if any(extension.critical and extension.oid not in _PROCESSED for extension in extensions):
        return "it has a critical extension that is not known"
    if odd_entries:
        return "an entry has a critical extension that is not known, or another issuer"
    if scope.indirect:
        return "it lists other issuers' certificates too"
    if scope.only_attributes:
        return "it lists attribute certificates, whose serial numbers are others"
    return None


def _scope(value: bytes | None, issuer: bytes) -> Scope:
    if value is None:
        return Scope()
    der.check(value, limit=len(value))
    reader = der.read_one(value, der.SEQUENCE).children()
    name = reader.optional(0xA0)
    flags = {element.tag: element.content != b"\x00" for element in reader.rest()}
    if not flags.keys() <= {_ONLY_USERS, _ONLY_CAS, _ONLY_REASONS, _INDIRECT, _ONLY_ATTRIBUTES}:
        raise der.DerError("an issuing distribution point with an element that has no place there")
    return Scope(
        names=None if name is None else read_point_name(name, issuer),
        only_users=flags.get(_ONLY_USERS, False),
        only_cas=flags.get(_ONLY_CAS, False),
        only_attributes=flags.get(_ONLY_ATTRIBUTES, False),
        only_reasons=_ONLY_REASONS in flags,
        indirect=flags.get(_INDIRECT, False),
    )
