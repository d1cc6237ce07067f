"""SM2 keys on the wire: SubjectPublicKeyInfo, and PKCS#8 plain and encrypted.

Sources: RFC 5280 (SPKI), RFC 5915 and RFC 5958 (private keys), RFC 8018 (PBES2), with the object
identifiers of GM/T 0006: curve 1.2.156.10197.1.301, SM4-CBC .1.104.2, HMAC-SM3 .1.401.2.
An SM2 SubjectPublicKeyInfo has exactly one DER encoding, so it is compared with a constant prefix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.x509 import ObjectIdentifier

from ecert.errors import CustodyError, MalformedError, Reason
from ecert.sm2.curve import N

POINT_LENGTH: Final = 65
"""Length in bytes of an uncompressed point, 04 ‖ x ‖ y."""
SPKI_LENGTH: Final = 91
"""Length in bytes of every SM2 SubjectPublicKeyInfo."""
SCALAR_LENGTH: Final = 32
"""Length in bytes of a private key."""

_SPKI_PREFIX: Final = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")

_EC: Final = ObjectIdentifier("1.2.840.10045.2.1")
_SM2: Final = ObjectIdentifier("1.2.156.10197.1.301")
_PBES2: Final = ObjectIdentifier("1.2.840.113549.1.5.13")
_PBKDF2: Final = ObjectIdentifier("1.2.840.113549.1.5.12")
_SM4_CBC: Final = ObjectIdentifier("1.2.156.10197.1.104.2")
_HMAC_SM3: Final = ObjectIdentifier("1.2.156.10197.1.401.2")
_HMAC_SM3_ANNEX_A: Final = ObjectIdentifier("1.2.156.10197.1.401.3.1")
_HMAC_SHA256: Final = ObjectIdentifier("1.2.840.113549.2.9")
_PRFS: Final[dict[ObjectIdentifier, hashes.HashAlgorithm]] = {
    _HMAC_SM3: hashes.SM3(),
    _HMAC_SM3_ANNEX_A: hashes.SM3(),
    _HMAC_SHA256: hashes.SHA256(),
}
"""HMAC-SM3 is what we write, by GM/T 0006's identifier. Read too: the identifier of GM/T 0091-2020 Annex A.2, which
newer OpenSSL and Tongsuo write for it, and HMAC-SHA256, which OpenSSL writes beside SM4-CBC unless asked otherwise."""

ITERATIONS: Final = 100_000
"""PBKDF2 rounds of the keys we write: about a twentieth of a second for each guess at the passphrase."""
_MAX_ITERATIONS: Final = 10_000_000
_MAX_KEY_FILE: Final = 4096
_BLOCK: Final = 16


@asn1.sequence
@dataclass
class _EcAlgorithm:
    algorithm: ObjectIdentifier
    curve: ObjectIdentifier


@asn1.sequence
@dataclass
class _EcPrivateKey:
    version: int
    key: bytes
    curve: Annotated[ObjectIdentifier | None, asn1.Explicit(0)]
    point: Annotated[asn1.BitString | None, asn1.Explicit(1)]


@asn1.sequence
@dataclass
class _PrivateKeyInfo:
    version: int
    algorithm: _EcAlgorithm
    key: bytes


@asn1.sequence
@dataclass
class _Prf:
    algorithm: ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
@dataclass
class _Pbkdf2:
    salt: bytes
    iterations: int
    length: int | None
    prf: _Prf


@asn1.sequence
@dataclass
class _Kdf:
    algorithm: ObjectIdentifier
    parameters: _Pbkdf2


@asn1.sequence
@dataclass
class _Encryption:
    algorithm: ObjectIdentifier
    iv: bytes


@asn1.sequence
@dataclass
class _Pbes2:
    kdf: _Kdf
    encryption: _Encryption


@asn1.sequence
@dataclass
class _EncryptionAlgorithm:
    algorithm: ObjectIdentifier
    parameters: _Pbes2


@asn1.sequence
@dataclass
class _EncryptedPrivateKeyInfo:
    algorithm: _EncryptionAlgorithm
    data: bytes


def encode_spki(point: bytes) -> bytes:
    """Wrap a 65-byte uncompressed point as a 91-byte SubjectPublicKeyInfo."""
    return _SPKI_PREFIX + point


def decode_spki(der: bytes) -> bytes:
    """Return the 65-byte uncompressed point inside an SM2 SubjectPublicKeyInfo.

    Raises:
        MalformedError: not the DER of an SM2 key with an uncompressed point. Whether the point lies on the
            curve is not decided here.
    """
    if len(der) != SPKI_LENGTH or not der.startswith(_SPKI_PREFIX):
        raise MalformedError(
            Reason.PUBLIC_KEY_MALFORMED,
            "not a SubjectPublicKeyInfo of an uncompressed point on the SM2 curve",
        )
    return der[len(_SPKI_PREFIX) :]


def encode_private_key_info(scalar: bytes, point: bytes | None = None) -> bytes:
    """Write a private key as plain PKCS#8 (RFC 5958), with its public point where one is given."""
    public = None if point is None else asn1.BitString(point, 0)
    inner = asn1.encode_der(_EcPrivateKey(version=1, key=scalar, curve=None, point=public))
    return asn1.encode_der(_PrivateKeyInfo(version=0, algorithm=_EcAlgorithm(_EC, _SM2), key=inner))


def _bad_key_file(what: str) -> MalformedError:
    return MalformedError(Reason.KEY_FILE_MALFORMED, f"not an SM2 private key in PKCS#8: {what}")


def decode_private_key_info(der: bytes) -> tuple[bytes, bytes | None]:
    """Read plain PKCS#8: the 32-byte private key, and the public point where the file holds one.

    Raises:
        MalformedError: not PKCS#8, not an SM2 key, or a private key outside 1..n-2.
    """
    if len(der) > _MAX_KEY_FILE:
        raise _bad_key_file(f"longer than {_MAX_KEY_FILE} bytes")
    try:
        outer = asn1.decode_der(_PrivateKeyInfo, der)
        inner = asn1.decode_der(_EcPrivateKey, outer.key)
    except ValueError as error:
        raise _bad_key_file("the structure does not parse") from error
    # OpenSSL before 3.0.13, 3.1.5 and 3.2.1 names the curve for the algorithm, too.
    names = (outer.algorithm.algorithm, outer.algorithm.curve)
    if names not in ((_EC, _SM2), (_SM2, _SM2)) or inner.curve not in (None, _SM2):
        raise _bad_key_file("it is for another algorithm or curve")
    if outer.version != 0 or inner.version != 1 or len(inner.key) != SCALAR_LENGTH:
        raise _bad_key_file("wrong version or length")
    if not 0 < int.from_bytes(inner.key, "big") < N - 1:
        raise _bad_key_file("the key lies outside 1..n-2")
    return inner.key, None if inner.point is None else inner.point.as_bytes()


def _cipher(passphrase: bytes, kdf: _Pbkdf2, iv: bytes) -> Cipher[modes.CBC]:
    key = PBKDF2HMAC(_PRFS[kdf.prf.algorithm], _BLOCK, kdf.salt, kdf.iterations).derive(passphrase)
    return Cipher(algorithms.SM4(key), modes.CBC(iv))


def encrypt_private_key_info(info: bytes, passphrase: bytes, *, salt: bytes, iv: bytes) -> bytes:
    """Encrypt plain PKCS#8 with PBES2: PBKDF2-HMAC-SM3 and SM4-CBC.

    Args:
        info: The plain DER.
        passphrase: UTF-8 bytes, not empty.
        salt: 16 random bytes.
        iv: 16 random bytes.
    """
    kdf = _Pbkdf2(salt=salt, iterations=ITERATIONS, length=_BLOCK, prf=_Prf(_HMAC_SM3, asn1.Null()))
    padder = padding.PKCS7(_BLOCK * 8).padder()
    encryptor = _cipher(passphrase, kdf, iv).encryptor()
    data = encryptor.update(padder.update(info) + padder.finalize()) + encryptor.finalize()
    parameters = _Pbes2(_Kdf(_PBKDF2, kdf), _Encryption(_SM4_CBC, iv))
    return asn1.encode_der(_EncryptedPrivateKeyInfo(_EncryptionAlgorithm(_PBES2, parameters), data))


def decrypt_private_key_info(der: bytes, passphrase: bytes) -> bytes:
    """Decrypt PBES2 with SM4-CBC and PBKDF2 over HMAC-SM3 or HMAC-SHA256.

    Raises:
        MalformedError: not such a structure, or with parameters outside sane bounds.
        CustodyError: the passphrase is wrong.
    """
    if len(der) > _MAX_KEY_FILE:
        raise _bad_key_file(f"longer than {_MAX_KEY_FILE} bytes")
    try:
        outer = asn1.decode_der(_EncryptedPrivateKeyInfo, der)
    except ValueError as error:
        raise _bad_key_file("the encrypted structure does not parse (PBES2 with PBKDF2 and SM4-CBC is read)") from error
    scheme = outer.algorithm.parameters
    kdf = scheme.kdf.parameters
    if (outer.algorithm.algorithm, scheme.kdf.algorithm, scheme.encryption.algorithm) != (
        _PBES2,
        _PBKDF2,
        _SM4_CBC,
    ):
        raise _bad_key_file("it is encrypted by another method than PBES2 with PBKDF2 and SM4-CBC")
    if kdf.prf.algorithm not in _PRFS or kdf.length not in (None, _BLOCK) or len(scheme.encryption.iv) != _BLOCK:
        raise _bad_key_file("its PBES2 parameters are not supported")
    if not 1 <= kdf.iterations <= _MAX_ITERATIONS or not outer.data or len(outer.data) % _BLOCK:
        raise _bad_key_file("its PBES2 parameters are out of bounds")
    decryptor = _cipher(passphrase, kdf, scheme.encryption.iv).decryptor()
    unpadder = padding.PKCS7(_BLOCK * 8).unpadder()
    try:
        plain = unpadder.update(decryptor.update(outer.data) + decryptor.finalize()) + unpadder.finalize()
        decode_private_key_info(plain)
    except (ValueError, MalformedError) as error:
        raise CustodyError(Reason.PASSPHRASE_WRONG, "the passphrase does not open this key") from error
    return plain
