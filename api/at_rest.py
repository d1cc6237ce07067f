"""What is personal in a ledger, encrypted: each licence with a key of its own, and that key with the ledger's.

So the ledger's key can change without a row of record being touched, and a licence is erased, from its rows of record
too, by forgetting its key (`docs/at-rest.md`).

    data_keys.key     = SM4-GCM(the ledger's key, the licence's key), see `ecert.sm2.Vault`
    completions.record, files.file, licences.summary, uses.content
                      = nonce (12 bytes) ‖ SM4-GCM(the licence's key, …) with its tag
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from ecert.sm2.sm4 import KEY_LENGTH, NONCE_LENGTH, Place, decrypt_gcm, encrypt_gcm

if TYPE_CHECKING:
    from ecert.sm2 import Vault

RECORD: Final = "completions.record"
FILE: Final = "files.file"
SUMMARY: Final = "licences.summary"
USE: Final = "uses.content"
_NUMBER: Final = "licences.number"
_HOLDER: Final = "licences.holder_code"


@dataclass(frozen=True, slots=True)
class Lock:
    """The key of one licence.

    Attributes:
        identifier: The licence's identifier.
    """

    identifier: str
    _key: bytes = field(repr=False)

    def seal(self, column: str, plain: bytes) -> bytes:
        """Encrypt what stands in a column of this licence; 28 bytes longer than `plain`."""
        nonce = secrets.token_bytes(NONCE_LENGTH)
        return nonce + encrypt_gcm(self._key, nonce, plain, self._place(column))

    def open(self, column: str, sealed: bytes) -> bytes:
        """Decrypt it.

        Raises:
            RejectedError: CIPHERTEXT_BAD; it was altered, or is another licence's.
        """
        return decrypt_gcm(self._key, sealed[:NONCE_LENGTH], sealed[NONCE_LENGTH:], self._place(column))

    def _place(self, column: str) -> bytes:
        return Place("licence", self.identifier, column).encode()


@dataclass(frozen=True, slots=True)
class Summary:
    """What a list of licences shows, before it is masked.

    Attributes:
        number: 证照编号.
        holder: 持证主体名称.
        holder_code_type: 持证主体代码类型, three digits.
    """

    number: str
    holder: str
    holder_code_type: str

    def encode(self) -> bytes:
        """Write it as JSON."""
        return json.dumps([self.number, self.holder, self.holder_code_type], ensure_ascii=False).encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read what `encode` wrote."""
        return cls(*json.loads(data))


class AtRest:
    """Locks and opens licences under the ledger's key, and makes what they are searched by."""

    def __init__(self, vault: Vault) -> None:
        """Use the ledger's key.

        Attributes:
            vault: The same, for what else is encrypted.
        """
        self.vault = vault

    def lock(self, identifier: str) -> tuple[bytes, Lock]:
        """Return a new key for a licence, encrypted and in use."""
        key = secrets.token_bytes(KEY_LENGTH)
        return self.vault.encrypt(key, key_place(identifier)), Lock(identifier, key)

    def unlock(self, identifier: str, key: bytes) -> Lock:
        """Return a licence's key in use.

        Raises:
            EcertError: as `Vault.decrypt`.
        """
        return Lock(identifier, self.vault.decrypt(key, key_place(identifier)))

    def number_index(self, number: str) -> bytes:
        """Return what a licence is found by when its number is known."""
        return self.vault.blind_index(number, _NUMBER)

    def holder_index(self, code: str) -> bytes:
        """Return what a holder's licences are found by when the code is known."""
        return self.vault.blind_index(code, _HOLDER)


def key_place(identifier: str) -> Place:
    """Return where the key of a licence, or of what else has one, is bound to."""
    return Place("data_keys", identifier, "key")
