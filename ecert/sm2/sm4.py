"""Encryption at rest: SM4-GCM under versioned keys, and blind indexes by HMAC-SM3.

What is encrypted is bound to its place (table, row, column): moved to another row, it no longer opens. A sealed value:

    format (1 byte, 01) ‖ key version (2 bytes, big-endian) ‖ nonce (12 bytes) ‖ ciphertext ‖ tag (16 bytes)

The additional data is the first three bytes and the place, each of its three names with its length before it.

Nonces are random. With 96 random bits, two of q messages under one key share a nonce with probability q²/2⁹⁷: up to
`MESSAGES_PER_KEY` = 2³² messages that stays below 2⁻³³ (NIST SP 800-38D, 8.3, asks for 2⁻³²). One message is one
value written, updates included; a table of 100 million rows with ten encrypted columns is 10⁹. Whoever holds the keys
makes a new version before then, and at the latest when the period set for keys ends.

SM4-GCM is RFC 8998, 3; SM4 GB/T 32907; HMAC-SM3 RFC 2104 with GM/T 0004.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ecert.errors import CustodyError, MalformedError, Reason, RejectedError
from ecert.sm2.sm3 import hmac_sm3

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_LENGTH: Final = 16
"""Length of an SM4 key in bytes."""
INDEX_KEY_LENGTH: Final = 32
"""Length of the key that blind indexes are made with, in bytes."""
INDEX_LENGTH: Final = 16
"""Length of a blind index in bytes."""
NONCE_LENGTH: Final = 12
"""Length of a nonce in bytes."""
TAG_LENGTH: Final = 16
"""Length of an authentication tag in bytes."""
MAX_PLAIN: Final = 128 * 1024 * 1024
"""The longest value encrypted in bytes: the largest file that a licence has."""
MAX_KEY_VERSION: Final = 0xFFFF
MESSAGES_PER_KEY: Final = 2**32
"""The most values to encrypt under one key version."""

_FORMAT: Final = 1
_HEAD: Final = 3
_OVERHEAD: Final = _HEAD + NONCE_LENGTH + TAG_LENGTH
_PURPOSE: Final = b"ecert blind index\0"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an encrypted value is kept; it opens nowhere else.

    Attributes:
        table: The table's name.
        row: The row's primary key, as text; a key that is never given to another row.
        column: The column's name.
    """

    table: str
    row: str
    column: str

    def encode(self) -> bytes:
        """Write the place without ambiguity: each name as UTF-8 with its length, four bytes big-endian, before it."""
        names = (name.encode() for name in (self.table, self.row, self.column))
        return b"".join(len(name).to_bytes(4, "big") + name for name in names)


def encrypt_gcm(key: bytes, nonce: bytes, plain: bytes, additional: bytes) -> bytes:
    """Return ciphertext ‖ tag. The caller sees to it that a nonce is never used twice with a key."""
    encryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(additional)
    return encryptor.update(plain) + encryptor.finalize() + encryptor.tag


def decrypt_gcm(key: bytes, nonce: bytes, sealed: bytes, additional: bytes) -> bytes:
    """Return the plain text of ciphertext ‖ tag.

    Raises:
        RejectedError: CIPHERTEXT_BAD; the key, the nonce, the additional data or a byte is another.
    """
    decryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce)).decryptor()
    decryptor.authenticate_additional_data(additional)
    plain = decryptor.update(sealed[:-TAG_LENGTH])
    try:
        return plain + decryptor.finalize_with_tag(sealed[-TAG_LENGTH:])
    except InvalidTag:
        raise RejectedError(
            Reason.CIPHERTEXT_BAD, "the value was altered, moved, or encrypted with another key"
        ) from None


class Vault:
    """Encrypts with the current key version, decrypts with any it holds. It never shows a key, and does not pickle."""

    __slots__ = ("_held", "_index_key")

    def __init__(self, keys: Mapping[int, bytes], current: int, index_key: bytes) -> None:
        """Take the keys by their versions, 16 bytes each, and the key of the blind indexes, 32 bytes.

        The index key has no versions: with another one nothing is found until every index was made anew.

        Raises:
            CustodyError: VAULT_KEY_UNUSABLE; a key or version out of bounds, two versions alike, or no current one.
        """
        if current not in keys or not all(0 < version <= MAX_KEY_VERSION for version in keys):
            raise CustodyError(
                Reason.VAULT_KEY_UNUSABLE, f"key versions are 1 to {MAX_KEY_VERSION}, the current among them"
            )
        if any(len(key) != KEY_LENGTH for key in keys.values()) or len(index_key) != INDEX_KEY_LENGTH:
            raise CustodyError(
                Reason.VAULT_KEY_UNUSABLE, f"a key has {KEY_LENGTH} bytes, that of the indexes {INDEX_KEY_LENGTH}"
            )
        if len(set(keys.values())) != len(keys):
            raise CustodyError(Reason.VAULT_KEY_UNUSABLE, "two versions have the same key")
        self._held = dict(keys), current  # together: other threads may encrypt while `adopt` replaces both
        self._index_key = index_key

    @property
    def current(self) -> int:
        """The version that encrypts."""
        return self._held[1]

    @property
    def head(self) -> bytes:
        """The first three bytes of whatever is encrypted now: the format, and the current version."""
        return _head(self.current)

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions held, in their order."""
        return tuple(sorted(self._held[0]))

    def adopt(self, other: Vault) -> None:
        """Hold the key versions of another vault instead, e.g. after a rotation.

        Raises:
            CustodyError: VAULT_KEY_UNUSABLE; it has another index key: it is another ledger's.
        """
        if other._index_key != self._index_key:
            raise CustodyError(Reason.VAULT_KEY_UNUSABLE, "these are the keys of another ledger")
        self._held = other._held

    def encrypt(self, plain: bytes, place: Place) -> bytes:
        """Encrypt a value for its place, `_OVERHEAD` = 31 bytes longer than `plain`.

        Raises:
            MalformedError: TOO_LARGE; longer than `MAX_PLAIN`.
        """
        if len(plain) > MAX_PLAIN:
            raise MalformedError(Reason.TOO_LARGE, f"at most {MAX_PLAIN} bytes are encrypted as one value")
        keys, current = self._held
        head = _head(current)
        nonce = secrets.token_bytes(NONCE_LENGTH)
        return head + nonce + encrypt_gcm(keys[current], nonce, plain, head + place.encode())

    def decrypt(self, sealed: bytes, place: Place) -> bytes:
        """Decrypt what `encrypt` returned for the same place, under any key version held.

        Raises:
            MalformedError: CIPHERTEXT_MALFORMED; not a value that was encrypted here.
            CustodyError: VAULT_KEY_MISSING; encrypted under a key version that is not held.
            RejectedError: CIPHERTEXT_BAD; altered, moved to another place, or of another key.
        """
        key = self._held[0].get(_version(sealed))
        if key is None:
            raise CustodyError(Reason.VAULT_KEY_MISSING, f"key version {_version(sealed)} is not held")
        head, nonce, rest = sealed[:_HEAD], sealed[_HEAD : _HEAD + NONCE_LENGTH], sealed[_HEAD + NONCE_LENGTH :]
        return decrypt_gcm(key, nonce, rest, head + place.encode())

    def needs_rotation(self, sealed: bytes) -> bool:
        """Tell whether a value was encrypted under another key version than the current one.

        Raises:
            MalformedError: CIPHERTEXT_MALFORMED.
        """
        return _version(sealed) != self.current

    def blind_index(self, value: str, purpose: str) -> bytes:
        """Return 16 bytes that are equal for equal values of one purpose, and tell nobody else anything more.

        Whoever has the index key can try values: holder codes are few enough for that. So it stays with the
        encryption keys. 16 bytes of 10⁹ values collide with probability 2⁻⁶⁹; the row found is decrypted and compared.

        Args:
            value: What is searched for, exactly as it was stored.
            purpose: What the index is of, e.g. `licences.holder_code`: indexes of two purposes cannot be matched.
        """
        key = hmac_sm3(self._index_key, _PURPOSE + purpose.encode())
        return hmac_sm3(key, value.encode())[:INDEX_LENGTH]

    def __reduce__(self) -> Any:
        raise TypeError("keys do not leave their process")

    def __repr__(self) -> str:
        return f"Vault(versions={list(self.versions)}, current={self.current})"


def _head(version: int) -> bytes:
    return bytes((_FORMAT,)) + version.to_bytes(2, "big")


def _version(sealed: bytes) -> int:
    if len(sealed) < _OVERHEAD or sealed[0] != _FORMAT:
        raise MalformedError(Reason.CIPHERTEXT_MALFORMED, "not a value that was encrypted here")
    return int.from_bytes(sealed[1:_HEAD], "big")
