"""Where bytes become values: one place turns every parser's failure into a MalformedError.

Order, always: size and strict DER first (`ecert.der`), then the schema. Outer structures are read as slices
with our own reader, because the bytes that were signed must be taken as they lie; extension values go through
asn1crypto, which is lazy and raises many types, and is therefore called only inside `reading`.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ecert import der
from ecert.errors import MalformedError, Reason, RejectedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecert.sm2 import PublicKey

CERTIFICATE_LIMIT: Final = 64 * 1024
"""The largest certificate or request read, in bytes."""
CRL_LIMIT: Final = 16 * 1024 * 1024
"""The largest revocation list read, in bytes."""

SM2_WITH_SM3: Final = bytes.fromhex("300a06082a811ccf55018375")
"""AlgorithmIdentifier of SM2-with-SM3 (1.2.156.10197.1.501) as we write it: without parameters (GB/T 20518)."""
_SM2_WITH_SM3_NULL: Final = bytes.fromhex("300c06082a811ccf550183750500")
"""The same with NULL parameters, which certificates in use carry too."""

_FAILURES: Final = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)
_UTC_TIME_LENGTH: Final = 13
_PIVOT: Final = "50"


@contextmanager
def reading(reason: Reason, what: str) -> Iterator[None]:
    """Turn a parser's failure inside the block into one error.

    Raises:
        MalformedError: with `reason`, whenever the block fails to parse.
    """
    try:
        yield
    except _FAILURES as error:
        raise MalformedError(reason, f"{what} cannot be read: {error}") from error


def load(schema: Any, value: bytes) -> Any:
    """Load one complete value with an asn1crypto schema, after the strict walk.

    Raises:
        DerError: not strict DER.
        ValueError: DER, and not of this schema. asn1crypto raises other types later, as values are touched.
    """
    der.check(value, limit=CRL_LIMIT)
    return schema.load(value, strict=True)


def time(element: der.Element) -> datetime:
    """Read a Time (RFC 5280, 4.1.2.5): to the second, with Z, two-digit years 1950 to 2049.

    Raises:
        ValueError: any other spelling.
    """
    text = element.content.decode("ascii")
    if element.tag == der.UTC_TIME and len(text) == _UTC_TIME_LENGTH:
        text = ("19" if text[:2] >= _PIVOT else "20") + text
    if len(text) != _UTC_TIME_LENGTH + 2 or text[-1] != "Z" or not text[:-1].isdecimal():
        raise ValueError("a time that is not written YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ")
    fields = (int(text[:4]), *(int(text[i : i + 2]) for i in range(4, 14, 2)))
    return datetime(*fields, tzinfo=UTC)  # type: ignore[arg-type,misc]


def require_utc(at: datetime) -> datetime:
    """Return `at` in UTC.

    Raises:
        ValueError: it has no time zone: a mistake in the caller's code, not in anybody's data.
    """
    if at.tzinfo is None:
        raise ValueError("an instant must be aware of its time zone")
    return at.astimezone(UTC)


def verify_signed(key: PublicKey | None, tbs: bytes, algorithms: tuple[bytes, bytes], signature: bytes) -> None:
    """Verify an X.509 signature: SM2 with SM3 and the default user ID, over `tbs` as it lies.

    Args:
        key: The signer's key; None when it is not an SM2 key.
        tbs: The signed bytes.
        algorithms: The AlgorithmIdentifier inside and the one outside the signed bytes; they must be equal
            (RFC 5280, 4.1.1.2), else the outer one, which nobody signs, would decide.
        signature: The DER signature value.

    Raises:
        RejectedError: another algorithm, two that differ, not an SM2 key, or not its signature.
    """
    inside, outside = algorithms
    if inside != outside:
        raise RejectedError(Reason.CERTIFICATE_ALGORITHM, "the two signature algorithms named differ")
    if inside not in (SM2_WITH_SM3, _SM2_WITH_SM3_NULL):
        raise RejectedError(Reason.CERTIFICATE_ALGORITHM, "the signature algorithm is not SM2 with SM3")
    if key is None:
        raise RejectedError(Reason.CERTIFICATE_ALGORITHM, "the signer's key is not an SM2 key")
    try:
        key.verify(signature, tbs)
    except MalformedError as error:
        raise RejectedError(Reason.SIGNATURE_BAD, error.detail) from error
