"""The registry as a value: loaded whole from one signed file, asked by key id, never fetching anything.

Payload, canonical CBOR with text keys: version, issuedAt, freshUntil (seconds), crls (DER), and regions,
each with its certificate and its members (issuers, seal makers, status signers) with their certificates.
The file is signed by the national root, whose certificate is the pinned trust anchor.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from ecert import cbor, envelope
from ecert.errors import MalformedError, Reason, RejectedError, VerificationError
from ecert.licence.validity import MAX_SECONDS, from_seconds, read_uint, to_seconds
from ecert.x509 import Certificate, Purpose, ValidatedPath, validate_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from ecert.sm2 import PublicKey

MAX_REGISTRY: Final = 64 * 1024 * 1024
"""The longest registry file in bytes."""
_MAX_VERSION: Final = 2**32


class Role(StrEnum):
    """What a registered key may do, and the certificate purpose it needs for it."""

    ISSUER = "issuer"
    SEAL_MAKER = "seal-maker"
    STATUS = "status"


_PURPOSES: Final = {Role.ISSUER: Purpose.LICENCE, Role.SEAL_MAKER: Purpose.SEAL, Role.STATUS: Purpose.STATUS}


@dataclass(frozen=True, slots=True)
class Member:
    """One body registered in a region.

    Attributes:
        role: What its keys may do.
        code: Its USCC, 18 characters.
        name: Its Chinese name.
        name_en: Its English name.
        types: Licence type codes it may issue; empty for other roles.
        areas: Prefixes of the area codes it may issue for, e.g. `44` or `440106`; empty for other roles.
        certificates: DER of its certificates, old ones included: what they sealed stays verifiable.
    """

    role: Role
    code: str
    name: str
    name_en: str
    types: tuple[str, ...]
    areas: tuple[str, ...]
    certificates: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """One region with its certification authority and members.

    Attributes:
        code: GB/T 2260, 6 digits.
        name: Chinese name.
        name_en: English name.
        certificate: DER of the region's CA certificate.
        members: Everybody it vouches for.
    """

    code: str
    name: str
    name_en: str
    certificate: bytes
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class RegisteredKey:
    """A key in the registry, with the body it belongs to."""

    region: Region
    member: Member
    certificate: Certificate
    public_key: PublicKey

    def entitlement_problem(self, type_code: str, area_code: str | None) -> str | None:
        """Say why this key's owner may not issue that type for that area; None when it may."""
        if self.member.role is not Role.ISSUER:
            return f"the key belongs to a {self.member.role.value}, not to an issuer"
        if type_code not in self.member.types:
            return f"licence type {type_code} is not among those registered for the issuer"
        if area_code is not None and not area_code.startswith(self.member.areas):
            return f"area {area_code} is not among those registered for the issuer"
        return None


class Registry:
    """A registry whose signature was verified. Certificate paths are validated on first use, then remembered."""

    def __init__(
        self,
        *,
        version: int,
        issued_at: datetime,
        fresh_until: datetime,
        anchor: Certificate,
        regions: tuple[Region, ...],
        crls: tuple[bytes, ...],
    ) -> None:
        """Index every member's keys; use `load_registry`."""
        self.version = version
        self.issued_at = issued_at
        self.fresh_until = fresh_until
        self.regions = {region.code: region for region in regions}
        self._anchor = anchor
        self._crls = crls
        self._keys: dict[bytes, RegisteredKey] = {}
        self._paths: dict[bytes, ValidatedPath | VerificationError | MalformedError] = {}
        for region in regions:
            for member in region.members:
                for der in member.certificates:
                    key = _registered(region, member, Certificate.from_der(der))
                    self._keys[key.public_key.key_id] = key

    def is_fresh(self, at: datetime) -> bool:
        """Tell whether this registry may be relied on at `at`."""
        return at <= self.fresh_until

    def find(self, key_id: bytes) -> RegisteredKey | None:
        """Return the key with this id, 8 bytes; None when no registered key has it."""
        return self._keys.get(key_id)

    def keys(self) -> Collection[RegisteredKey]:
        """Return every registered key."""
        return self._keys.values()

    def standing(self, key: RegisteredKey, at: datetime) -> ValidatedPath:
        """Return the path from the key's certificate to the anchor, valid at `at`.

        Raises:
            RejectedError: no valid path, or one that was not valid, or revoked, at `at`.
            UndeterminedError: the evidence for it is missing.
        """
        path = self._path(key)
        if isinstance(path, Exception):
            raise path
        if at < path.not_before:
            raise RejectedError(Reason.CERTIFICATE_NOT_YET_VALID, f"the path is valid from {path.not_before:%F %T}Z")
        if at > path.not_after:
            raise RejectedError(Reason.CERTIFICATE_EXPIRED, f"the path was valid until {path.not_after:%F %T}Z")
        for revocation in path.revocations:
            if revocation.at <= at:
                raise RejectedError(Reason.CERTIFICATE_REVOKED, f"revoked at {revocation.at:%F %T}Z")
        return path

    def _path(self, key: RegisteredKey) -> ValidatedPath | VerificationError | MalformedError:
        key_id = key.public_key.key_id
        if key_id not in self._paths:
            region = Certificate.from_der(key.region.certificate)
            start = max(c.not_before for c in (key.certificate, region, self._anchor))
            try:
                self._paths[key_id] = validate_path(
                    key.certificate.der,
                    [region.der],
                    [self._anchor.der],
                    at=start,
                    crls=self._crls,
                    purpose=_PURPOSES[key.member.role],
                )
            except (VerificationError, MalformedError) as error:
                self._paths[key_id] = error
        return self._paths[key_id]


def _registered(region: Region, member: Member, certificate: Certificate) -> RegisteredKey:
    if certificate.public_key is None:
        raise MalformedError(Reason.REGISTRY_MALFORMED, f"a certificate of {member.name} has no SM2 key")
    return RegisteredKey(region, member, certificate, certificate.public_key)


def encode_registry(
    *, version: int, issued_at: datetime, fresh_until: datetime, regions: Iterable[Region], crls: Iterable[bytes]
) -> bytes:
    """Write a registry's payload, to be sealed by the national root as `Kind.REGISTRY`."""
    return cbor.encode(
        {
            "version": version,
            "issuedAt": to_seconds(issued_at),
            "freshUntil": to_seconds(fresh_until),
            "crls": list(crls),
            "regions": [_region_value(region) for region in regions],
        }
    )


def _region_value(region: Region) -> cbor.Value:
    members: list[cbor.Value] = [
        {
            "role": member.role.value,
            "code": member.code,
            "name": member.name,
            "nameEn": member.name_en,
            "types": list(member.types),
            "areas": list(member.areas),
            "certificates": list(member.certificates),
        }
        for member in region.members
    ]
    return {
        "code": region.code,
        "name": region.name,
        "nameEn": region.name_en,
        "certificate": region.certificate,
        "members": members,
    }


def load_registry(data: bytes, anchor: Certificate) -> Registry:
    """Parse and verify a signed registry file. Whether it is fresh is asked later, of a time.

    Raises:
        MalformedError: not a registry file.
        RejectedError: not signed by the trust anchor's key.
    """
    signed = envelope.decode(data, limit=MAX_REGISTRY)
    if signed.kind is not envelope.Kind.REGISTRY:
        raise MalformedError(Reason.REGISTRY_MALFORMED, "the file is another signed object, not a registry")
    if anchor.public_key is None:
        raise MalformedError(Reason.CERTIFICATE_MALFORMED, "the trust anchor has no SM2 key")
    try:
        signed.verify(anchor.public_key)
    except RejectedError as error:
        raise RejectedError(Reason.REGISTRY_SIGNATURE_BAD, "not signed by the trust anchor's key") from error
    content = cbor.decode(signed.payload, limit=MAX_REGISTRY, reason=Reason.REGISTRY_MALFORMED)
    try:
        return _read(content, anchor)
    except (KeyError, TypeError, ValueError, AttributeError, MalformedError) as error:
        raise MalformedError(Reason.REGISTRY_MALFORMED, f"the signed content is not a registry: {error}") from error


def _read(content: Any, anchor: Certificate) -> Registry:
    """Read content that the trust anchor signed; a wrong type raises whatever it raises."""
    return Registry(
        version=read_uint(content["version"], _MAX_VERSION),
        issued_at=from_seconds(read_uint(content["issuedAt"], MAX_SECONDS)),
        fresh_until=from_seconds(read_uint(content["freshUntil"], MAX_SECONDS)),
        anchor=anchor,
        regions=tuple(_read_region(region) for region in content["regions"]),
        crls=tuple(content["crls"]),
    )


def _read_region(value: Any) -> Region:
    members = tuple(
        Member(
            role=Role(member["role"]),
            code=member["code"],
            name=member["name"],
            name_en=member["nameEn"],
            types=tuple(member["types"]),
            areas=tuple(member["areas"]),
            certificates=tuple(member["certificates"]),
        )
        for member in value["members"]
    )
    return Region(value["code"], value["name"], value["nameEn"], value["certificate"], members)
