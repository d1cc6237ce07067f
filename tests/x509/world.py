"""A small PKI with a clock, and a forge for certificates and lists that no honest CA makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from asn1crypto.core import ObjectIdentifier

from ecert.sm2 import PrivateKey
from ecert.x509 import (
    Certificate,
    Name,
    Profile,
    Revocation,
    RevocationList,
    ValidatedPath,
    build_certificate,
    build_crl,
    validate_path,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ecert.sm2 import PublicKey, Signer
    from ecert.x509 import Purpose

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
YEAR = timedelta(days=365)
DAY = timedelta(days=1)

SM2_WITH_SM3 = bytes.fromhex("300a06082a811ccf55018375")
SM2_WITH_SM3_NULL = bytes.fromhex("300c06082a811ccf550183750500")
ECDSA_WITH_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")

CA_USAGE = bytes.fromhex("03020106")
SIGNER_USAGE = bytes.fromhex("030206c0")
CRL_USAGE = bytes.fromhex("03020102")
CA_TRUE = bytes.fromhex("30030101ff")


def tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    if len(content) < 128:
        return bytes((tag, len(content))) + content
    octets = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 128 | len(octets))) + octets + content


def oid(dotted: str) -> bytes:
    der: bytes = ObjectIdentifier(dotted).dump()
    return der


def integer(value: int) -> bytes:
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def instant(at: datetime) -> bytes:
    if 1950 <= at.year < 2050:
        return tlv(0x17, at.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(0x18, at.strftime("%Y%m%d%H%M%SZ").encode())


def extension(kind: str, value: bytes, *, critical: bool | None = None) -> bytes:
    """`critical` None leaves the flag out, False writes it out, which is legal to read and not DER."""
    flag = b"" if critical is None else tlv(0x01, b"\xff" if critical else b"\x00")
    return tlv(0x30, oid(kind), flag, tlv(0x04, value))


def basic_constraints(value: bytes = CA_TRUE, *, critical: bool | None = True) -> bytes:
    return extension("2.5.29.19", value, critical=critical)


def key_usage(value: bytes, *, critical: bool | None = True) -> bytes:
    return extension("2.5.29.15", value, critical=critical)


def ca_extensions(*more: bytes) -> list[bytes]:
    return [basic_constraints(), key_usage(CA_USAGE), *more]


def leaf_extensions(*more: bytes) -> list[bytes]:
    return [key_usage(SIGNER_USAGE), *more]


def directory(name: Name) -> bytes:
    return tlv(0xA4, name.der)


def name_constraints(*, permitted: Sequence[bytes] = (), excluded: Sequence[bytes] = ()) -> bytes:
    trees = [
        tlv(tag, *(tlv(0x30, base) for base in bases)) for tag, bases in ((0xA0, permitted), (0xA1, excluded)) if bases
    ]
    return extension("2.5.29.30", tlv(0x30, *trees), critical=True)


def sign(signer: Signer, tbs: bytes, algorithm: bytes = SM2_WITH_SM3) -> bytes:
    return tlv(0x30, tbs, algorithm, tlv(0x03, b"\x00", signer.sign(tbs)))


def forge(
    *,
    subject: bytes,
    key: PublicKey,
    issuer: bytes,
    signer: Signer,
    extensions: Iterable[bytes] = (),
    serial: int = 99,
    not_before: datetime = NOW - YEAR,
    not_after: datetime = NOW + YEAR,
    algorithm: bytes = SM2_WITH_SM3,
    outer_algorithm: bytes | None = None,
    version: bytes = b"\xa0\x03\x02\x01\x02",
    spki: bytes | None = None,
) -> bytes:
    listed = tuple(extensions)
    tbs = tlv(
        0x30,
        version,
        integer(serial),
        algorithm,
        issuer,
        tlv(0x30, instant(not_before), instant(not_after)),
        subject,
        spki or key.spki,
        tlv(0xA3, tlv(0x30, *listed)) if listed else b"",
    )
    return sign(signer, tbs, outer_algorithm or algorithm)


def entry(serial: int, at: datetime, *extensions: bytes) -> bytes:
    return tlv(0x30, integer(serial), instant(at), tlv(0x30, *extensions) if extensions else b"")


def reason_code(code: int) -> bytes:
    return extension("2.5.29.21", bytes((0x0A, 1, code)))


def forge_crl(
    *,
    issuer: bytes,
    signer: Signer,
    entries: Sequence[bytes] = (),
    extensions: Sequence[bytes] = (),
    this_update: datetime = NOW - DAY,
    next_update: datetime | None = NOW + DAY,
    algorithm: bytes = SM2_WITH_SM3,
    version: bytes = b"\x02\x01\x01",
) -> bytes:
    tbs = tlv(
        0x30,
        version,
        algorithm,
        issuer,
        instant(this_update),
        b"" if next_update is None else instant(next_update),
        tlv(0x30, *entries) if entries else b"",
        tlv(0xA0, tlv(0x30, *extensions)) if extensions else b"",
    )
    return sign(signer, tbs, algorithm)


@dataclass
class Authority:
    """A CA: its key, its certificate, and the next serial number it gives."""

    key: PrivateKey
    certificate: Certificate
    next_serial: int = 1

    @property
    def name(self) -> bytes:
        return self.certificate.subject

    def issue(self, profile: Profile, subject: Name, key: PublicKey) -> Certificate:
        self.next_serial += 1
        return build_certificate(
            profile=profile,
            subject=subject,
            public_key=key,
            serial=self.next_serial,
            not_before=NOW - YEAR,
            not_after=NOW + YEAR,
            signer=self.key,
            issuer=self.certificate,
        )

    def crl(self, *revoked: Revocation, this_update: datetime = NOW - DAY, next_update: datetime = NOW + DAY) -> bytes:
        return self.list(*revoked, this_update=this_update, next_update=next_update).der

    def list(self, *revoked: Revocation, this_update: datetime, next_update: datetime) -> RevocationList:
        return build_crl(
            issuer=self.certificate,
            signer=self.key,
            number=1,
            this_update=this_update,
            next_update=next_update,
            revoked=revoked,
        )


@dataclass
class World:
    """Root, region, department; `at` is what the clock shows."""

    root: Authority
    region: Authority
    department_key: PrivateKey
    department: Certificate
    at: datetime = NOW
    strangers: list[PrivateKey] = field(default_factory=lambda: [PrivateKey.generate() for _ in range(3)])

    @classmethod
    def build(cls) -> World:
        root_key, region_key, department_key = (PrivateKey.generate() for _ in range(3))
        certificate = build_certificate(
            profile=Profile.ROOT,
            subject=Name("测试根", "电子证照"),
            public_key=root_key.public_key,
            serial=1,
            not_before=NOW - 10 * YEAR,
            not_after=NOW + 10 * YEAR,
            signer=root_key,
            issuer=None,
        )
        root = Authority(root_key, certificate)
        region = Authority(region_key, root.issue(Profile.REGION, Name("贵州省", "电子证照"), region_key.public_key))
        department = region.issue(Profile.DEPARTMENT, Name("11520000009390308X"), department_key.public_key)
        return cls(root, region, department_key, department)

    def validate(
        self,
        leaf: bytes | None = None,
        *,
        intermediates: Sequence[bytes] | None = None,
        anchors: Sequence[bytes] | None = None,
        crls: Sequence[bytes] | None = None,
        purpose: Purpose | None = None,
    ) -> ValidatedPath:
        return validate_path(
            self.department.der if leaf is None else leaf,
            [self.region.certificate.der] if intermediates is None else intermediates,
            [self.root.certificate.der] if anchors is None else anchors,
            at=self.at,
            crls=crls,
            purpose=purpose,
        )

    def leaf(self, *extensions: bytes, **changes: object) -> bytes:
        """Forge a leaf under the region; `changes` replace what `forge` is given."""
        values: dict[str, object] = {
            "subject": Name("leaf").der,
            "key": self.department_key.public_key,
            "issuer": self.region.name,
            "signer": self.region.key,
            "extensions": list(extensions) or leaf_extensions(),
        }
        return forge(**(values | changes))  # type: ignore[arg-type]

    def chain(self, ca_extensions: Iterable[bytes], *extensions: bytes, **changes: object) -> tuple[bytes, bytes]:
        """Forge a leaf under a CA of its own directly below the root: (leaf, CA)."""
        key = self.strangers[0]
        name = Name("forged CA").der
        values: dict[str, object] = {
            "subject": name,
            "key": key.public_key,
            "issuer": self.root.name,
            "signer": self.root.key,
            "extensions": ca_extensions,
        }
        ca = forge(**(values | changes))  # type: ignore[arg-type]
        return self.leaf(*extensions, issuer=Certificate.from_der(ca).subject, signer=key), ca
