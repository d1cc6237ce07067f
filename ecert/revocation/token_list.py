"""A status list in the form the rest of the world reads: IETF Token Status List (draft-ietf-oauth-status-list).

Two bits for each index, lowest bits first, compressed with zlib; signed once as a JWT and once as a CWT:

    JWT   {"alg": "SM2-SM3", "kid": key id in hex, "typ": "statuslist+jwt"}
          {"exp", "iat", "status_list": {"bits", "lst"}, "sub", "ttl"}
    CWT   COSE_Sign1, tag 18: {1: -65537, 4: key id, 16: "application/statuslist+cwt"}
          {2: sub, 4: exp, 6: iat, 65533: {"bits", "lst"}, 65534: ttl}

Both algorithm names are private (SM2 with SM3, default user ID, r ‖ s in 64 bytes). The twin knows no times, no
reasons and no flags, and a licence whose status was restored looks as if nothing had happened: it serves those who
know nothing better, while windows of ours use snapshots and deltas.

One list has one byte form here; the readers accept no other, be it JSON with a space in it.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from ecert import cbor
from ecert.envelope import ALGORITHM
from ecert.errors import CustodyError, EcertError, MalformedError, Reason, RejectedError, UndeterminedError
from ecert.licence.reference import StatusRef
from ecert.licence.validity import to_seconds
from ecert.revocation.opening import Fields, malformed
from ecert.revocation.status import State
from ecert.sm2 import decode_der, encode_raw

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from ecert.sm2 import PublicKey, Signer

MAX_TOKEN: Final = 2 * 1024 * 1024
"""The longest token in bytes: a full list of 8 bits that does not compress, twice in base64, is shorter."""
MAX_SUBJECT: Final = 512
"""The longest URI of a list in characters."""

_MAX_TTL: Final = 1 << 32
_SIGN1: Final = b"\xd2"
_ALG, _KID, _TYPE = 1, 4, 16
_JWT_CLAIMS: Final = ("sub", "iat", "exp", "ttl", "status_list")
_CWT_CLAIMS: Final = (2, 6, 4, 65534, 65533)
_LIST_CLAIMS: Final = ("bits", "lst")


class TokenStatus(IntEnum):
    """What an index can say."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2


_BITS: Final = 2
_STATE_MASK: Final = 7
_STATUSES: Final = tuple(
    TokenStatus.INVALID if state.ends else TokenStatus.VALID if state is State.VALID else TokenStatus.SUSPENDED
    for state in sorted(State, key=lambda state: state.value)
)


@dataclass(frozen=True, slots=True)
class TokenStatusList:
    """A token whose signature was verified. Whether it has expired is for its reader to ask.

    Attributes:
        subject: The URI of the list.
        issued_at: When it was made.
        expires: After this it says nothing.
        ttl: How many seconds it may be kept before a newer one is asked for.
        bits: For each index: 1, 2, 4 or 8.
        statuses: The list, `8 // bits` indices in each byte.
    """

    subject: str
    issued_at: datetime
    expires: datetime
    ttl: int
    bits: int
    statuses: bytes

    def status(self, index: int) -> int:
        """Return what the list says of an index, see `TokenStatus`.

        Raises:
            UndeterminedError: STATUS_NOT_COVERED; the list is shorter.
        """
        at, place = divmod(index, 8 // self.bits)
        if not 0 <= at < len(self.statuses):
            raise UndeterminedError(Reason.STATUS_NOT_COVERED, f"index {index} lies outside the token status list")
        return self.statuses[at] >> place * self.bits & (1 << self.bits) - 1


def pack_statuses(covered: int, marks: Iterable[tuple[int, int]]) -> bytes:
    """Return the list before compression: two bits for each of `covered` indices.

    The last byte may have room for up to three indices that are not covered: they say INVALID, never VALID.

    Args:
        covered: How many indices there are, from 0.
        marks: (index, mark byte) of the indices that were ever touched; the others are valid.

    Raises:
        MalformedError: STATUS_INCOMPLETE; a mark lies outside.
    """
    packed = bytearray((covered * _BITS + 7) // 8)
    for index, mark in marks:
        if not 0 <= index < covered:
            raise MalformedError(Reason.STATUS_INCOMPLETE, f"index {index} is marked, {covered} are covered")
        packed[index >> 2] |= _STATUSES[mark & _STATE_MASK] << ((index & 3) * _BITS)
    for index in range(covered, len(packed) * 4):
        packed[index >> 2] |= TokenStatus.INVALID << ((index & 3) * _BITS)
    return bytes(packed)


def token_status_list(
    covered: int,
    marks: Iterable[tuple[int, int]],
    *,
    subject: str,
    issued_at: datetime,
    expires: datetime,
    ttl: int,
    signer: Signer,
) -> tuple[bytes, bytes]:
    """Sign one list as a JWT and as a CWT, and return both.

    Args:
        covered: How many indices the list answers for, from 0.
        marks: (index, mark byte) of the indices that were ever touched.
        subject: The URI of the list, the same for both forms.
        issued_at: Now; fractions of a second are dropped.
        expires: After this it says nothing.
        ttl: How many seconds it may be kept before a newer one is asked for.
        signer: The region's status key.

    Raises:
        MalformedError: STATUS_INCOMPLETE; a mark lies outside. STATUS_MALFORMED; no reader would take the result.
        CustodyError: the key or its engine failed.
    """
    claims = (subject, to_seconds(issued_at), to_seconds(expires), ttl)
    packed = zlib.compress(pack_statuses(covered, marks), 9)
    _read([*claims, _BITS, packed])
    jwt_list: cbor.Value = {"bits": _BITS, "lst": _base64(packed).decode()}
    cwt_list: cbor.Value = {"bits": _BITS, "lst": packed}
    return (
        _sign_jwt(dict(zip(_JWT_CLAIMS, (*claims, jwt_list), strict=True)), signer),
        _sign_cwt(dict(zip(_CWT_CLAIMS, (*claims, cwt_list), strict=True)), signer),
    )


def read_jwt(data: bytes, public_key: PublicKey) -> TokenStatusList:
    """Verify and read a list in the form of a JWT.

    Args:
        data: Hostile bytes.
        public_key: The status key that must have signed it.

    Raises:
        MalformedError: STATUS_MALFORMED or TOO_LARGE; not a status list that such a key signed.
        RejectedError: STATUS_SIGNATURE_BAD; the signature is not this key's.
    """
    _check_length(data)
    message, _, signature = data.rpartition(b".")
    header, _, body = message.partition(b".")
    if header != _jwt_header(public_key):
        raise malformed("the header is not that of a status list (JWT) signed by this key")
    _verify(_from_base64(signature), message, public_key)
    return _read_jwt_claims(_from_base64(body))


def read_cwt(data: bytes, public_key: PublicKey) -> TokenStatusList:
    """Verify and read a list in the form of a CWT.

    Args:
        data: Hostile bytes.
        public_key: The status key that must have signed it.

    Raises:
        MalformedError: STATUS_MALFORMED or TOO_LARGE; not a status list that such a key signed.
        RejectedError: STATUS_SIGNATURE_BAD; the signature is not this key's.
    """
    _check_length(data)
    if data[:1] != _SIGN1:
        raise malformed("it is not tagged as COSE_Sign1")
    token = Fields.of(cbor.decode(data[1:], limit=MAX_TOKEN, reason=Reason.STATUS_MALFORMED), 4)
    if token.items[:2] != [_cwt_header(public_key), {}]:
        raise malformed("the headers are not those of a status list (CWT) signed by this key")
    body = token.octets(2)
    _verify(token.octets(3), _cwt_to_be_signed(public_key, body), public_key)
    return _read_cwt_claims(body)


def _check_length(data: bytes) -> None:
    if len(data) > MAX_TOKEN:
        raise MalformedError(Reason.TOO_LARGE, f"{len(data)} bytes where at most {MAX_TOKEN} are allowed")


def _verify(signature: bytes, message: bytes, public_key: PublicKey) -> None:
    try:
        public_key.verify_raw(signature, message)
    except (MalformedError, RejectedError) as error:
        raise RejectedError(Reason.STATUS_SIGNATURE_BAD, error.detail) from error


def _sign(message: bytes, signer: Signer) -> bytes:
    """Sign, and verify our own work before it leaves."""
    signature = encode_raw(*decode_der(signer.sign(message)))
    try:
        signer.public_key.verify_raw(signature, message)
    except EcertError as error:
        raise CustodyError(Reason.SELF_CHECK_FAILED, "the signer returned a signature that does not verify") from error
    return signature


def _read_jwt_claims(body: bytes) -> TokenStatusList:
    """Read a payload whose signature was verified."""
    try:
        content = json.loads(body)
        again = _json(content)
    except (ValueError, RecursionError) as error:
        raise malformed("the claims are not JSON") from error
    if again != body:
        raise malformed("the claims are not in the one form of JSON used here")
    *claims, listing = _values(content, _JWT_CLAIMS)
    bits, lst = _values(listing, _LIST_CLAIMS)
    packed = Fields([lst]).text(0, MAX_TOKEN).encode()
    return _read([*claims, bits, _from_base64(packed)])


def _read_cwt_claims(body: bytes) -> TokenStatusList:
    """Read a payload whose signature was verified."""
    content = cbor.decode(body, limit=MAX_TOKEN, reason=Reason.STATUS_MALFORMED)
    *claims, listing = _values(content, _CWT_CLAIMS)
    return _read([*claims, *_values(listing, _LIST_CLAIMS)])


def _values(value: cbor.Value, names: Sequence[int | str]) -> list[cbor.Value]:
    """Return what a map with exactly these keys holds, in their order."""
    if not isinstance(value, dict) or value.keys() != set(names):
        raise malformed(f"exactly {', '.join(map(str, names))} were expected")
    return [value[name] for name in names]


def _read(values: list[cbor.Value]) -> TokenStatusList:
    """Read the values that both forms share, in the order of the claims."""
    fields = Fields(values)
    bits = fields.uint(4, 9)
    if bits not in (1, 2, 4, 8):
        raise malformed("the bits of an index are 1, 2, 4 or 8")
    listing = TokenStatusList(
        subject=fields.text(0, MAX_SUBJECT),
        issued_at=fields.instant(1),
        expires=fields.instant(2),
        ttl=fields.uint(3, _MAX_TTL),
        bits=bits,
        statuses=_decompress(fields.octets(5), StatusRef.CAPACITY * bits // 8),
    )
    if not listing.subject or listing.expires <= listing.issued_at or listing.ttl == 0:
        raise malformed("the list has no name, or is good for no time at all")
    return listing


def _decompress(data: bytes, most: int) -> bytes:
    """Return what zlib packed; a bomb stops at `most` + 1 bytes."""
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(data, most + 1)
    except zlib.error as error:
        raise malformed("the list is not a zlib stream") from error
    if len(content) > most or not stream.eof or stream.unused_data:
        raise malformed(f"the list is cut short, has something after it, or is longer than {most} bytes")
    return content


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _from_base64(text: bytes) -> bytes:
    """Return what the one base64url form without padding holds."""
    try:
        data = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except ValueError as error:
        raise malformed("not base64url") from error
    if _base64(data) != text:
        raise malformed("not base64url without padding")
    return data


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _jwt_header(public_key: PublicKey) -> bytes:
    return _base64(_json({"alg": "SM2-SM3", "kid": public_key.key_id.hex(), "typ": "statuslist+jwt"}))


def _sign_jwt(claims: dict[str, cbor.Value], signer: Signer) -> bytes:
    message = _jwt_header(signer.public_key) + b"." + _base64(_json(claims))
    return message + b"." + _base64(_sign(message, signer))


def _cwt_header(public_key: PublicKey) -> bytes:
    return cbor.encode({_ALG: ALGORITHM, _KID: public_key.key_id, _TYPE: "application/statuslist+cwt"})


def _cwt_to_be_signed(public_key: PublicKey, body: bytes) -> bytes:
    return cbor.encode(["Signature1", _cwt_header(public_key), b"", body])


def _sign_cwt(claims: dict[int | str, cbor.Value], signer: Signer) -> bytes:
    body = cbor.encode(claims)
    signature = _sign(_cwt_to_be_signed(signer.public_key, body), signer)
    return _SIGN1 + cbor.encode([_cwt_header(signer.public_key), {}, body, signature])
