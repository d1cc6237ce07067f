"""The sealing, SES_Signature: a seal applied to data; V1, V4 and V5 as domain.md 2.2 writes them.

It is read once, completely; what the sealer signed, TBS_Sign, is kept as it lies.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from ecert import cms, der
from ecert.errors import MalformedError, Reason
from ecert.seal.fields import (
    LIMIT,
    TIMES,
    SealExtension,
    count,
    instant,
    number,
    read_extensions,
    read_time_stamp,
    text,
)
from ecert.seal.seal import Seal, SealVersion, read_seal
from ecert.sm2 import DIGEST_LENGTH, RAW_LENGTH
from ecert.timestamp import read_token
from ecert.x509.schema import reading

_V1_ELEMENTS: Final = 2
_MAX_TIME_TEXT: Final = 40
_ISO_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]{8,16}(Z|[+-][0-9]{2}:?[0-9]{2})")


class ValueKind(StrEnum):
    """What the signature value of an OFD file turns out to be."""

    SEALING = "sealing"
    SEAL = "seal"
    SIGNED_DATA = "signed-data"
    SIGNATURE = "signature"


def kind_of_value(data: bytes) -> ValueKind:
    """Tell by its beginning what a signature value is; reading it may still fail.

    Raises:
        MalformedError: it begins like none of them.
    """
    if len(data) == RAW_LENGTH:
        return ValueKind.SIGNATURE
    if cms.is_signed_data(data):
        return ValueKind.SIGNED_DATA
    with reading(Reason.SEALING_MALFORMED, "the signature value"):
        first = der.read_one(data, der.SEQUENCE).children().read(der.SEQUENCE, der.INTEGER)
        if first.tag == der.INTEGER:
            return ValueKind.SIGNATURE
        inner = first.children().read(der.SEQUENCE, der.INTEGER)
        return ValueKind.SEALING if inner.tag == der.INTEGER else ValueKind.SEAL


@dataclass(frozen=True, slots=True, repr=False)
class Sealing:
    """A sealing as read.

    Attributes:
        der: The whole sealing.
        version: Which structure it has.
        seal: The seal applied.
        signed: What the sealer signed: TBS_Sign.
        time: When the sealer says it sealed, aware UTC; None when that cannot be read.
        data_hash: SM3 of what was sealed, 32 bytes.
        property_info: What was sealed: in OFD the absolute path of Signature.xml.
        extensions: Whatever the vendor added.
        certificate: The sealer's certificate as carried, in DER.
        algorithm: Dotted identifier of the signature algorithm.
        signature: The sealer's signature value.
        time_stamp: The token over the signature value, or None.
    """

    der: bytes
    version: SealVersion
    seal: Seal
    signed: bytes
    time: datetime | None
    data_hash: bytes
    property_info: str
    extensions: tuple[SealExtension, ...]
    certificate: bytes
    algorithm: str
    signature: bytes
    time_stamp: bytes | None

    @classmethod
    def decode(cls, data: bytes) -> Sealing:
        """Read a sealing of at most 2 MiB (GM/T 0031, 6.2.3 a).

        Raises:
            MalformedError: not strict DER, not a sealing of V1, V4 or V5, or with a critical extension.
        """
        with reading(Reason.SEALING_MALFORMED, "the sealing"):
            der.check(data, limit=LIMIT)
            whole = der.read_one(data, der.SEQUENCE)
            parts = whole.children()
            signed = parts.read(der.SEQUENCE)
            if count(whole, most=_V1_ELEMENTS) == _V1_ELEMENTS:
                signature = der.octet_bits(parts.read(der.BIT_STRING))
                return _read_v1(data, signed, signature)
            return _read_v4(data, signed, parts)

    def __repr__(self) -> str:
        return f"Sealing({self.seal!r}, {self.time}, {self.property_info})"


def _read_v4(data: bytes, signed: der.Element, parts: der.Reader) -> Sealing:
    certificate = parts.read(der.OCTET_STRING).content
    algorithm = der.oid(parts.read(der.OBJECT_IDENTIFIER))
    signature = der.octet_bits(parts.read(der.BIT_STRING))
    time_stamp = read_time_stamp(parts)
    parts.finish()
    reader = signed.children()
    number(reader.read(der.INTEGER))
    seal = read_seal(reader.read(der.SEQUENCE))
    time = instant(reader.read(*TIMES))
    data_hash, property_info = _digest(reader.read(der.BIT_STRING)), text(reader.read())
    extensions = read_extensions(reader)
    reader.finish()
    return Sealing(
        der=data,
        version=SealVersion.V5 if seal.version is SealVersion.V5 else SealVersion.V4,
        seal=seal,
        signed=signed.der,
        time=time,
        data_hash=data_hash,
        property_info=property_info,
        extensions=extensions,
        certificate=certificate,
        algorithm=algorithm,
        signature=signature,
        time_stamp=time_stamp,
    )


def _read_v1(data: bytes, signed: der.Element, signature: bytes) -> Sealing:
    reader = signed.children()
    number(reader.read(der.INTEGER))
    seal = read_seal(reader.read(der.SEQUENCE))
    time = _time_info(der.octet_bits(reader.read(der.BIT_STRING)))
    data_hash, property_info = _digest(reader.read(der.BIT_STRING)), text(reader.read())
    certificate = reader.read(der.OCTET_STRING).content
    algorithm = der.oid(reader.read(der.OBJECT_IDENTIFIER))
    reader.finish()
    return Sealing(
        der=data,
        version=SealVersion.V1,
        seal=seal,
        signed=signed.der,
        time=time,
        data_hash=data_hash,
        property_info=property_info,
        extensions=(),
        certificate=certificate,
        algorithm=algorithm,
        signature=signature,
        time_stamp=None,
    )


def _digest(element: der.Element) -> bytes:
    digest = der.octet_bits(element)
    if len(digest) != DIGEST_LENGTH:
        raise der.DerError("a data hash that is not an SM3 digest")
    return digest


def _time_info(value: bytes) -> datetime | None:
    """Read timeInfo of V1: a timestamp token, a time in DER, or a time in ASCII.

    A token's time is read and not believed: for which bytes it is issued is nowhere written.
    """
    try:
        if cms.is_signed_data(value):
            return read_token(value)[0].time
        if value[:1] in map(bytes, zip(TIMES, strict=True)):
            return instant(der.read_one(value, *TIMES))
        return _time_text(value[: _MAX_TIME_TEXT + 1].decode("ascii"))
    except (MalformedError, ValueError, OverflowError):
        return None


def _time_text(value: str) -> datetime | None:
    if _ISO_TIME.fullmatch(value):
        return datetime.fromisoformat(value).astimezone(UTC)
    return datetime.strptime(value, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
