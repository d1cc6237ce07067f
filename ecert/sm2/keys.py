"""SM2 key pairs: what signs, and what verifies.

A signature is over e = SM3(Z ‖ M), where Z = SM3(ENTL ‖ ID ‖ a ‖ b ‖ xG ‖ yG ‖ xP ‖ yP) binds the
signer's identity string and public key (GM/T 0003.2, GM/T 0009).
"""

from __future__ import annotations

import base64
import re
import secrets
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from ecert.errors import CustodyError, MalformedError, Reason, RejectedError
from ecert.sm2 import curve, encoding, engine
from ecert.sm2.kernel import FITS, MALFORMED
from ecert.sm2.signature import decode_der, decode_raw, encode_der
from ecert.sm2.sm3 import sm3

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_USER_ID: Final = b"1234567812345678"
"""The signer identity used wherever none is agreed (GM/T 0009)."""

KEY_ID_LENGTH: Final = 8
"""Length in bytes of a key id: the first bytes of SM3 over the SubjectPublicKeyInfo."""

_MAX_USER_ID: Final = 8191
_CURVE_BYTES: Final = b"".join(value.to_bytes(32, "big") for value in (curve.A, curve.B, *curve.G))
_PEM: Final = re.compile(
    rb"-----BEGIN (ENCRYPTED )?PRIVATE KEY-----\r?\n([A-Za-z0-9+/=\r\n]{1,8192})"
    rb"-----END (?(1)ENCRYPTED )PRIVATE KEY-----"
)


class Signer(Protocol):
    """Whatever signs with one SM2 key: a `PrivateKey`, a hardware module, a remote agent."""

    @property
    def public_key(self) -> PublicKey:
        """The key that verifies what this signs."""

    def sign(self, message: bytes) -> bytes:
        """Return the DER signature over `message` with the default user ID."""


@runtime_checkable
class BatchSigner(Signer, Protocol):
    """A signer that is far away, and so signs many texts at once."""

    def sign_many(self, messages: Sequence[bytes]) -> list[bytes]:
        """Return the DER signatures over `messages`, in their order."""


def sign_all(signer: Signer, messages: Sequence[bytes]) -> list[bytes]:
    """Return the DER signatures over many messages; of a far signer's, in as few round trips as can be.

    Raises:
        EcertError: as the signer's `sign`; then there are none.
    """
    return signer.sign_many(messages) if isinstance(signer, BatchSigner) else [signer.sign(one) for one in messages]


class PublicKey:
    """A public key on the SM2 curve; equal when the points are equal."""

    __slots__ = ("__dict__", "_point")

    def __init__(self, point: bytes) -> None:
        """Use `from_point` or `from_spki`: this trusts that the point was checked."""
        self._point = point

    @classmethod
    def from_point(cls, point: bytes) -> PublicKey:
        """Take an uncompressed point: 65 bytes, 04 ‖ x ‖ y.

        Raises:
            MalformedError: another length or form, a coordinate ≥ p, or a point not on the curve.
        """
        if len(point) != encoding.POINT_LENGTH or point[0] != 4:  # noqa: PLR2004  (04: uncompressed)
            raise MalformedError(Reason.PUBLIC_KEY_MALFORMED, "not an uncompressed point of 65 bytes, 04 ‖ x ‖ y")
        if not curve.on_curve(int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")):
            raise MalformedError(Reason.PUBLIC_KEY_MALFORMED, "the point does not lie on the SM2 curve")
        return cls(bytes(point))

    @classmethod
    def from_spki(cls, der: bytes) -> PublicKey:
        """Take the DER of a SubjectPublicKeyInfo.

        Raises:
            MalformedError: not the 91-byte SPKI of a point on the SM2 curve.
        """
        return cls.from_point(encoding.decode_spki(der))

    @property
    def point(self) -> bytes:
        """The 65-byte uncompressed point."""
        return self._point

    @property
    def spki(self) -> bytes:
        """The 91-byte SubjectPublicKeyInfo."""
        return encoding.encode_spki(self._point)

    @cached_property
    def key_id(self) -> bytes:
        """The key id, 8 bytes. It finds a key; it proves nothing."""
        return sm3(self.spki)[:KEY_ID_LENGTH]

    @cached_property
    def _default_z(self) -> bytes:
        return self._digest_of(DEFAULT_USER_ID)

    def z(self, user_id: bytes) -> bytes | None:
        """Return Z for a user ID, 32 bytes; None for the default one, whose Z the kernel holds.

        Raises:
            MalformedError: the user ID is longer than 8191 bytes.
        """
        return None if user_id == DEFAULT_USER_ID else self._digest_of(user_id)

    def _digest_of(self, user_id: bytes) -> bytes:
        if len(user_id) > _MAX_USER_ID:
            raise MalformedError(Reason.USER_ID_MALFORMED, f"a user ID has at most {_MAX_USER_ID} bytes")
        return sm3((len(user_id) * 8).to_bytes(2, "big") + user_id + _CURVE_BYTES + self._point[1:])

    def message_digest(self, message: bytes, user_id: bytes = DEFAULT_USER_ID) -> bytes:
        """Return e = SM3(Z ‖ message), 32 bytes.

        Raises:
            MalformedError: the user ID is longer than 8191 bytes. An empty one is legal.
        """
        return sm3((self.z(user_id) or self._default_z) + message)

    def verify(self, signature: bytes, message: bytes, user_id: bytes = DEFAULT_USER_ID) -> None:
        """Verify a DER signature over `message`.

        Raises:
            MalformedError: not a DER signature, or no possible one.
            RejectedError: well formed, and not this key's signature over this message and user ID.
        """
        self._verify(signature, message, user_id, raw=False)

    def verify_raw(self, signature: bytes, message: bytes, user_id: bytes = DEFAULT_USER_ID) -> None:
        """Verify a 64-byte raw signature over `message`; otherwise as `verify`.

        Raises:
            MalformedError: not 64 bytes, or no possible signature.
            RejectedError: well formed, and not this key's signature over this message and user ID.
        """
        self._verify(signature, message, user_id, raw=True)

    def _verify(self, signature: bytes, message: bytes, user_id: bytes, *, raw: bool) -> None:
        kernel = engine.kernel()
        if kernel is not None:
            answer = kernel.answer(self._point, signature, message, self.z(user_id), raw=raw)
            if answer != FITS:
                raise refusal(answer, signature, raw=raw)
            return
        r, s = (decode_raw if raw else decode_der)(signature)
        other = engine.verify_engine()
        if not other.verify(other.load_public(self._point), self.message_digest(message, user_id), r, s):
            raise _rejected()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self._point == other._point

    def __hash__(self) -> int:
        return hash(self._point)

    def __repr__(self) -> str:
        return f"PublicKey(key_id={self.key_id.hex()})"


def _rejected() -> RejectedError:
    return RejectedError(Reason.SIGNATURE_BAD, "the signature is not this key's over these bytes")


def refusal(answer: int, signature: bytes, *, raw: bool) -> MalformedError | RejectedError:
    """Return the error for a kernel's answer other than FITS; the strict parser says in words what is malformed."""
    if answer == MALFORMED:
        try:
            (decode_raw if raw else decode_der)(signature)
        except MalformedError as error:
            return error
    return _rejected()


class PrivateKey:
    """An SM2 private key in this process. It never shows itself in a repr, and does not pickle."""

    __slots__ = ("_engine", "_handle", "_scalar", "public_key")

    def __init__(self, scalar: bytes) -> None:
        """Take 32 bytes, big-endian, in 1..n-2; use `generate` or `from_pkcs8`."""
        self._engine = engine.secret_engine()
        self._scalar = scalar
        self._handle = self._engine.load_private(scalar)
        self.public_key = PublicKey.from_point(self._engine.public_point(self._handle))

    @classmethod
    def generate(cls) -> PrivateKey:
        """Draw a new key.

        Raises:
            CustodyError: this machine has no engine for private keys.
        """
        return cls(engine.secret_engine().generate())

    def sign(self, message: bytes, user_id: bytes = DEFAULT_USER_ID) -> bytes:
        """Return a DER signature over `message`, at most 72 bytes.

        Raises:
            MalformedError: the user ID is longer than 8191 bytes.
            CustodyError: the engine failed.
        """
        e = self.public_key.message_digest(message, user_id)
        return encode_der(*self._engine.sign(self._handle, e))

    @classmethod
    def from_pkcs8(cls, der: bytes, passphrase: bytes | None = None) -> PrivateKey:
        """Read PKCS#8 DER: encrypted when a passphrase is given, plain when not.

        Raises:
            MalformedError: not such a key.
            CustodyError: the passphrase is wrong, or the public key in the file is another key's.
        """
        plain = der if passphrase is None else encoding.decrypt_private_key_info(der, passphrase)
        scalar, point = encoding.decode_private_key_info(plain)
        key = cls(scalar)
        if point is not None and point != key.public_key.point:
            raise CustodyError(Reason.KEY_MISMATCH, "the public key in the file does not belong to the private key")
        return key

    def to_pkcs8(self, passphrase: bytes | None = None) -> bytes:
        """Write PKCS#8 DER, encrypted (PBES2: PBKDF2-HMAC-SM3, SM4-CBC) when a passphrase is given.

        Raises:
            CustodyError: the passphrase given is empty: what it encrypts, `from_pem` would not read.
        """
        plain = encoding.encode_private_key_info(self._scalar, self.public_key.point)
        if passphrase is None:
            return plain
        if not passphrase:
            raise CustodyError(Reason.PASSPHRASE_MISSING, "a key is not encrypted under an empty passphrase")
        return encoding.encrypt_private_key_info(
            plain, passphrase, salt=secrets.token_bytes(16), iv=secrets.token_bytes(16)
        )

    @classmethod
    def from_pem(cls, pem: bytes, passphrase: bytes | None = None) -> PrivateKey:
        """Read a PKCS#8 PEM file, encrypted or plain as its label says.

        Raises:
            MalformedError: not one PKCS#8 PEM block, or not an SM2 key.
            CustodyError: the key is encrypted and the passphrase is missing or wrong.
        """
        match = _PEM.fullmatch(pem.strip())
        if match is None:
            raise MalformedError(Reason.KEY_FILE_MALFORMED, "not one PEM block with a PKCS#8 private key")
        encrypted = match[1] is not None
        if encrypted and not passphrase:
            raise CustodyError(Reason.PASSPHRASE_MISSING, "the key is encrypted: give its passphrase")
        try:
            der = base64.b64decode(match[2].translate(None, b"\r\n"), validate=True)
        except ValueError as error:
            raise MalformedError(Reason.KEY_FILE_MALFORMED, "the PEM block is not base64") from error
        return cls.from_pkcs8(der, passphrase if encrypted else None)

    def to_pem(self, passphrase: bytes | None = None) -> bytes:
        """Write a PKCS#8 PEM file, encrypted when a passphrase is given.

        Raises:
            CustodyError: the passphrase given is empty.
        """
        label = b"PRIVATE KEY" if passphrase is None else b"ENCRYPTED PRIVATE KEY"
        text = base64.b64encode(self.to_pkcs8(passphrase))
        lines = b"\n".join(text[i : i + 64] for i in range(0, len(text), 64))
        return b"-----BEGIN " + label + b"-----\n" + lines + b"\n-----END " + label + b"-----\n"

    def __reduce__(self) -> Any:
        raise TypeError("a private key does not leave its process")

    def __repr__(self) -> str:
        return f"PrivateKey(key_id={self.public_key.key_id.hex()})"
