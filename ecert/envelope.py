"""The signed envelope: COSE_Sign1 (RFC 9052) with SM2, one byte form for each content.

    [ protected: bstr .cbor { 1: -65537, ? 3: content type, 4: key id },
      unprotected: {} or the disclosed fields of a licence record,
      payload: bstr, signature: bstr of 64 bytes (r ‖ s) ]

The algorithm -65537 is a private-use COSE id and means SM2 with SM3 and the default user ID over the
Sig_structure `["Signature1", protected, h'', payload]`. The content type separates what one key may sign:
a status list can never pass for a licence. Only the face record, printed as a QR code, has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ecert import cbor
from ecert.errors import CustodyError, EcertError, MalformedError, Reason
from ecert.sm2 import KEY_ID_LENGTH, RAW_LENGTH, PublicKey, Signer, decode_der, decode_raw, encode_raw, sign_all

if TYPE_CHECKING:
    from collections.abc import Sequence

ALGORITHM: Final = -65537
"""Private-use COSE algorithm id: SM2 with SM3, default user ID, raw 64-byte signature."""

NOTHING_OUTSIDE: Final = b"\xa0"
"""The encoded map outside the signature where nothing stands there."""

_ALG, _CONTENT_TYPE, _KID = 1, 3, 4
_PARTS: Final = 4
_SIGNATURE_HEAD: Final = bytes((0x58, RAW_LENGTH))
# Where the parts of a face's envelope lie: 84 51 a2 01 3a00010000 04 48 <key id> a0 <length> <payload> 58 40 <r ‖ s>.
_FACE_KEY_ID: Final = slice(11, 19)
_FACE_PAYLOAD: Final = 20
_FACE_SHORTEST: Final = _FACE_PAYLOAD + len(_SIGNATURE_HEAD) + RAW_LENGTH
_LENGTH_BYTES: Final = {0x58: 1, 0x59: 2}
"""How many bytes of length follow the head of a byte string."""
_KEYS: Final = 8192
"""Of how many keys the headers are remembered."""
_MAX_ITEMS: Final = 300
"""An envelope has five items; that of a record as many more as it discloses fields, at most 256, and two."""


class Kind(Enum):
    """What an envelope holds, by its content type.

    Numbers are CoAP content formats (RFC 7252, section 12.3) from the range for experiments: a delta of a status
    list has some 340 bytes in all, and a media type in words would be a tenth of it.
    """

    FACE = None
    RECORD = "application/vnd.ecert.licence+cbor"
    STATUS_SNAPSHOT = 65001
    STATUS_DELTA = 65002
    STATUS_PAGE = 65003
    STATUS_ANSWER = 65004
    SEAL_STATUS = 65005
    ISSUED_HEAD = 65006
    AUDIT_HEAD = 65007
    AGENT_APPROVAL = 65008
    VERIFICATION_RECEIPT = 65009
    TYPE_LIST = 65010


@dataclass(frozen=True, slots=True)
class Envelope:
    """One signed object, as its parts lie in the bytes; nothing in it is believed before `verify`.

    Attributes:
        kind: What it claims to hold.
        key_id: Which key it claims, 8 bytes.
        payload: The content, not yet decoded.
        signature: r ‖ s, 64 bytes.
        unprotected: Encoded map outside the signature; what it may hold is up to the kind.
    """

    kind: Kind
    key_id: bytes
    payload: bytes
    signature: bytes
    unprotected: bytes = NOTHING_OUTSIDE

    @property
    def tbs(self) -> bytes:
        """The exact bytes that are signed."""
        return to_be_signed(self.kind, self.key_id, self.payload)

    def encode(self) -> bytes:
        """Return the one byte form."""
        return _before_signature(self.kind, self.key_id, self.unprotected, self.payload) + self.signature

    def verify(self, public_key: PublicKey) -> None:
        """Verify the signature over exactly these bytes.

        Raises:
            RejectedError: the signature is not this key's.
        """
        public_key.verify_raw(self.signature, self.tbs)


@lru_cache(maxsize=_KEYS)
def _protected(kind: Kind, key_id: bytes) -> bytes:
    """Return the protected header as it stands in an envelope: a byte string of CBOR."""
    header: dict[int | str, cbor.Value] = {_ALG: ALGORITHM, _KID: key_id}
    if kind.value is not None:
        header[_CONTENT_TYPE] = kind.value
    return cbor.byte_string(cbor.encode(header))


def _before_signature(kind: Kind, key_id: bytes, unprotected: bytes, payload: bytes) -> bytes:
    protected, content = _protected(kind, key_id), cbor.byte_string(payload)
    return b"".join((b"\x84", protected, unprotected, content, _SIGNATURE_HEAD))


def to_be_signed(kind: Kind, key_id: bytes, payload: bytes) -> bytes:
    """Return the Sig_structure of RFC 9052, section 4.4, as bytes."""
    return b"".join((b"\x84\x6aSignature1", _protected(kind, key_id), b"\x40", cbor.byte_string(payload)))


def decode(data: bytes, *, limit: int) -> Envelope:
    """Read an envelope from hostile bytes: its parts only, never its payload.

    Raises:
        MalformedError: longer than `limit` bytes, or not the one byte form of an envelope.
    """
    envelope = _decode_face(data) if _FACE_SHORTEST < len(data) <= limit else None
    if envelope is None:
        envelope = _decode_any(data, limit)
    decode_raw(envelope.signature)
    return envelope


def _decode_face(data: bytes) -> Envelope | None:
    """Cut a face's envelope where its parts must lie and write it anew: what begins the same is one, to the byte.

    Windows read little else. None where it is not: another kind, or malformed.
    """
    begins = _FACE_PAYLOAD + 1 + _LENGTH_BYTES.get(data[_FACE_PAYLOAD], 0)
    payload, key_id = data[begins : -RAW_LENGTH - len(_SIGNATURE_HEAD)], data[_FACE_KEY_ID]
    if not data.startswith(_before_signature(Kind.FACE, key_id, NOTHING_OUTSIDE, payload)):
        return None
    return Envelope(Kind.FACE, key_id, payload, data[-RAW_LENGTH:])


def _decode_any(data: bytes, limit: int) -> Envelope:
    parts = cbor.decode(data, limit=limit, reason=Reason.RECORD_MALFORMED, items=_MAX_ITEMS)
    if not isinstance(parts, list) or len(parts) != _PARTS:
        raise _malformed("not an array of four")
    protected, unprotected, payload, signature = parts
    if not (isinstance(protected, bytes) and isinstance(payload, bytes) and isinstance(signature, bytes)):
        raise _malformed("a part has the wrong type")
    if not isinstance(unprotected, dict) or len(signature) != RAW_LENGTH:
        raise _malformed("the unprotected header or the signature has the wrong form")
    kind, key_id = _read_protected(protected)
    if unprotected and kind is not Kind.RECORD:
        raise _malformed("only a licence record has an unprotected header")
    return Envelope(kind, key_id, payload, signature, cbor.encode(unprotected))


@lru_cache(maxsize=_KEYS)
def _read_protected(data: bytes) -> tuple[Kind, bytes]:
    header = cbor.decode(data, limit=128, reason=Reason.RECORD_MALFORMED)
    if not isinstance(header, dict) or not {_ALG, _KID} <= header.keys() <= {_ALG, _CONTENT_TYPE, _KID}:
        raise _malformed("the protected header is not one of ours")
    key_id = header[_KID]
    try:
        kind = Kind(header.get(_CONTENT_TYPE))
    except ValueError as error:
        raise _malformed("the content type is not one of ours") from error
    if (
        not isinstance(key_id, bytes)
        or _protected(kind, key_id) != cbor.byte_string(data)
        or len(key_id) != KEY_ID_LENGTH
    ):
        raise _malformed("the protected header is not one of ours")
    return kind, key_id


def _malformed(what: str) -> MalformedError:
    return MalformedError(Reason.RECORD_MALFORMED, f"not a sealed record: {what}")


def seal(kind: Kind, payload: bytes, signer: Signer, *, unprotected: bytes = NOTHING_OUTSIDE) -> Envelope:
    """Sign `payload` and verify our own work before it leaves.

    Raises:
        CustodyError: the key or its engine failed, or returned a signature that does not verify.
    """
    return seal_all([(kind, payload, unprotected)], signer)[0]


def seal_all(contents: Sequence[tuple[Kind, bytes, bytes]], signer: Signer) -> list[Envelope]:
    """Seal many contents, each with its kind before it and what stays outside the signature after it, as `seal` does.

    Raises:
        CustodyError: as for `seal`; nothing is returned then.
    """
    key_id = signer.public_key.key_id
    signatures = sign_all(signer, [to_be_signed(kind, key_id, payload) for kind, payload, _ in contents])
    return [_checked(*one, signature, signer.public_key) for one, signature in zip(contents, signatures, strict=True)]


def _checked(kind: Kind, payload: bytes, unprotected: bytes, signature: bytes, public_key: PublicKey) -> Envelope:
    try:
        envelope = Envelope(kind, public_key.key_id, payload, encode_raw(*decode_der(signature)), unprotected)
        envelope.verify(public_key)
    except EcertError as error:
        raise CustodyError(Reason.SELF_CHECK_FAILED, "the signer returned a signature that does not verify") from error
    return envelope
