"""Receipts as files: signed by the relying body's key, or not yet signed.

    signed     an envelope of VERIFICATION_RECEIPT over canonical CBOR [body, signed at]
    unsigned   canonical CBOR [65009, body], made without a network; it proves nothing, and every reader says so

What is signed later keeps its body: the time of signing stands beside that of making, and tells how long it waited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecert import cbor, envelope
from ecert.errors import MalformedError, Reason
from ecert.licence.validity import to_seconds
from ecert.presentation.reading import Items
from ecert.receipt.content import MAX_BODY, Receipt

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.sm2 import Signer

KIND: Final = envelope.Kind.VERIFICATION_RECEIPT
MAX_RECEIPT: Final = MAX_BODY + 1024
"""The longest receipt file in bytes."""

_UNSIGNED: Final = KIND.value


def write_unsigned(receipt: Receipt) -> bytes:
    """Return a receipt that waits for its signature.

    Raises:
        MalformedError: RECEIPT_MALFORMED; no such receipt can be.
    """
    return cbor.encode([_UNSIGNED, receipt.encode()])


def seal_receipt(receipt: Receipt, signer: Signer, *, at: datetime) -> bytes:
    """Sign a receipt.

    Args:
        receipt: What is to be signed.
        signer: The key of the unit that the receipt names, registered as a relying party.
        at: When it is signed, aware; not before it was made.

    Raises:
        MalformedError: RECEIPT_MALFORMED; no such receipt can be.
        CustodyError: the key failed.
    """
    payload = cbor.encode([receipt.encode(), to_seconds(at)])
    read_payload(payload)
    return envelope.seal(KIND, payload, signer).encode()


def read_payload(payload: bytes) -> tuple[Receipt, datetime]:
    """Read what a signature is over: the receipt, and when it was signed.

    Raises:
        MalformedError: RECEIPT_MALFORMED; it is something else.
    """
    try:
        items = Items.decode(payload, limit=MAX_RECEIPT, length=2)
        body, signed_at = items.octets(0), items.instant(1)
    except MalformedError as error:
        raise _malformed(error.detail) from error
    receipt = Receipt.decode(body)
    if signed_at < receipt.made_at:
        raise _malformed("it was signed before it was made")
    return receipt, signed_at


def read_unsigned(data: bytes) -> Receipt | None:
    """Read a receipt that waits for its signature; None when the bytes are something else.

    Raises:
        MalformedError: RECEIPT_MALFORMED; it is one, and malformed.
    """
    body = _unsigned_body(data)
    return None if body is None else Receipt.decode(body)


def is_receipt(data: bytes) -> bool:
    """Tell whether bytes claim to be a receipt, signed or not; reading it may still fail."""
    try:
        return envelope.decode(data, limit=MAX_RECEIPT).kind is KIND
    except MalformedError:
        return _unsigned_body(data) is not None


def _unsigned_body(data: bytes) -> bytes | None:
    try:
        items = Items.decode(data, limit=MAX_RECEIPT, length=2)
        return items.octets(1) if items.number(0) == _UNSIGNED else None
    except MalformedError:
        return None


def _malformed(what: str) -> MalformedError:
    return MalformedError(Reason.RECEIPT_MALFORMED, f"not a verification receipt: {what}")
