"""Fields that seals and sealings have in common, and how files in use spell them (domain.md 2.2 and 2.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert import der
from ecert.errors import MalformedError, RejectedError
from ecert.sm2 import RAW_LENGTH
from ecert.timestamp import generalized_time
from ecert.x509 import names
from ecert.x509.schema import time

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.errors import Reason
    from ecert.x509 import Certificate

LIMIT: Final = 2 * 1024 * 1024
"""The largest seal or sealing read, in bytes; nearly all of it is the picture."""

EXTENSIONS: Final = 0xA0
"""[0] EXPLICIT, where the standard puts ExtensionDatas; files in use put the bare SEQUENCE there, too."""
TIME_STAMP: Final = 0xA0
TIMES: Final = (der.UTC_TIME, der.GENERALIZED_TIME)

SM2_WITH_SM3: Final = "1.2.156.10197.1.501"
_SM2_NAMES: Final = frozenset({SM2_WITH_SM3, "1.2.156.10197.1.301.1", "1.2.156.10197.1.301"})
_MAX_EXTENSIONS: Final = 64
_MAX_INTEGER_OCTETS: Final = 8
_MAX_TEXT: Final = 1024


@dataclass(frozen=True, slots=True)
class SealExtension:
    """One ExtData: dotted type, whether a reader must know it, and its value."""

    oid: str
    critical: bool
    value: bytes


def count(element: der.Element, *, most: int) -> int:
    """Return how many elements a constructed one holds; `most` + 1 when they are more.

    Raises:
        DerError: not DER.
    """
    reader, found = element.children(), 0
    while reader and found <= most:
        reader.read()
        found += 1
    return found


def text(element: der.Element) -> str:
    """Read a string of any type: IA5String, UTF8String and PrintableString stand for one another in use.

    Raises:
        DerError: not a string, or longer than any in use.
    """
    decoded = names.decode_string(element)
    if decoded is None or len(decoded) > _MAX_TEXT:
        raise der.DerError("a string that is none, or longer than any in use")
    return decoded


def number(element: der.Element) -> int:
    """Read an INTEGER that is not negative and small.

    Raises:
        DerError: it is neither.
    """
    if len(element.content) > _MAX_INTEGER_OCTETS or der.integer(element) < 0:
        raise der.DerError("a number that is negative, or larger than any in use")
    return der.integer(element)


def instant(element: der.Element) -> datetime:
    """Read a UTCTime or GeneralizedTime in UTC.

    Raises:
        ValueError: another spelling.
    """
    return time(element) if element.tag == der.UTC_TIME else generalized_time(element.content.decode("ascii"))


def read_extensions(reader: der.Reader) -> tuple[SealExtension, ...]:
    """Read ExtensionDatas OPTIONAL, tagged or not; `critical FALSE` may be written out.

    Raises:
        DerError: something else, too many, or one that must be known and is not: none is known here.
    """
    found = reader.optional(EXTENSIONS, der.SEQUENCE)
    if found is None:
        return ()
    listed = found if found.tag == der.SEQUENCE else der.read_one(found.content, der.SEQUENCE)
    elements = listed.children().rest(der.SEQUENCE)
    if len(elements) > _MAX_EXTENSIONS:
        raise der.DerError(f"{len(elements)} extensions")
    return tuple(_read_extension(one) for one in elements)


def _read_extension(element: der.Element) -> SealExtension:
    reader = element.children()
    oid = der.oid(reader.read(der.OBJECT_IDENTIFIER))
    critical = reader.optional(der.BOOLEAN)
    value = reader.read(der.OCTET_STRING).content
    reader.finish()
    if critical is not None and der.boolean(critical):
        raise der.DerError(f"a critical extension {oid}, which is not known")
    return SealExtension(oid, critical=False, value=value)


def read_time_stamp(reader: der.Reader) -> bytes | None:
    """Read timeStamp [0] EXPLICIT BIT STRING OPTIONAL.

    Raises:
        DerError: something else.
    """
    found = reader.optional(TIME_STAMP)
    return None if found is None else der.octet_bits(der.read_one(found.content, der.BIT_STRING))


def verify_value(certificate: Certificate, algorithm: str, signature: bytes, message: bytes, reason: Reason) -> None:
    """Verify a signature value as seals carry it: SM2 with SM3, DER of r and s, or both raw in 64 bytes.

    Raises:
        RejectedError: with `reason`: another algorithm or kind of key, or not the certificate's signature.
    """
    key = certificate.public_key
    if algorithm not in _SM2_NAMES or key is None:
        raise RejectedError(reason, f"signed by {algorithm}, not by SM2 with SM3; or not an SM2 key")
    verify = key.verify_raw if len(signature) == RAW_LENGTH else key.verify
    try:
        verify(signature, message)
    except (MalformedError, RejectedError) as error:
        raise RejectedError(reason, error.detail) from error
