"""The key of data at rest in the agent's keeping: its versions, and the key of the blind indexes, under a passphrase.

    canonical CBOR [current version, {version: key}, key of the blind indexes], see `ecert.sm2.passphrase`

A rotation adds a version and makes it the current one; what was encrypted before opens as before. When nothing is
left under a version (`python -m api vault rotate`), it is retired.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ecert import cbor
from ecert.errors import CustodyError, MalformedError, Reason
from ecert.sm2 import Vault
from ecert.sm2.passphrase import decrypt_secret, encrypt_secret
from ecert.sm2.sm4 import INDEX_KEY_LENGTH, KEY_LENGTH, MAX_KEY_VERSION
from keys.private_files import read_private, write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ecert.cbor import Value

MAX_VERSIONS: Final = 32
"""The most versions held at the same time."""


@dataclass(frozen=True, slots=True)
class VaultKeys:
    """All that a vault file holds.

    Attributes:
        current: The version that encrypts.
        versions: Every version's key, 16 bytes.
        index_key: The key of the blind indexes, 32 bytes.
    """

    current: int
    versions: Mapping[int, bytes] = field(repr=False)
    index_key: bytes = field(repr=False)

    @property
    def vault(self) -> Vault:
        """What encrypts with it."""
        return Vault(self.versions, self.current, self.index_key)

    def rotated(self) -> VaultKeys:
        """Return the same with a new version that is the current one.

        Raises:
            CustodyError: VAULT_KEY_UNUSABLE; there are as many as can be.
        """
        new = max(self.versions) + 1
        if len(self.versions) >= MAX_VERSIONS or new > MAX_KEY_VERSION:
            raise _unusable(f"it has {len(self.versions)} versions, up to {max(self.versions)}: retire some")
        return replace(self, current=new, versions={**self.versions, new: secrets.token_bytes(KEY_LENGTH)})

    def retired(self, version: int) -> VaultKeys:
        """Return the same without a version: what is encrypted under it is lost for good.

        Raises:
            CustodyError: VAULT_KEY_UNUSABLE; it is the current one, or there is no such version.
        """
        if version == self.current or version not in self.versions:
            raise _unusable(f"version {version} is the current one, or not there")
        return replace(self, versions={one: key for one, key in self.versions.items() if one != version})


def new_keys() -> VaultKeys:
    """Return new keys, in their first version."""
    return VaultKeys(1, {1: secrets.token_bytes(KEY_LENGTH)}, secrets.token_bytes(INDEX_KEY_LENGTH))


def local_keys(path: Path) -> VaultKeys:
    """Read the key file beside an embedded ledger (`keys.local_vault`), to hand it over to an agent.

    Raises:
        CustodyError: VAULT_KEY_UNUSABLE; it is no such file.
    """
    data = read_private(path)
    if len(data) != KEY_LENGTH + INDEX_KEY_LENGTH:
        raise _unusable(f"{path} is not the key beside a ledger")
    return VaultKeys(1, {1: data[:KEY_LENGTH]}, data[KEY_LENGTH:])


def open_vault_file(path: Path, passphrase: Callable[[], bytes]) -> VaultKeys:
    """Open a vault file.

    Raises:
        CustodyError: it is not there, is open to others, or the passphrase is wrong or missing.
        MalformedError: KEY_FILE_MALFORMED; it is something else.
    """
    keys = _decode(decrypt_secret(read_private(path), passphrase()))
    keys.vault  # noqa: B018  (refuses keys out of bounds)
    return keys


def write_vault_file(path: Path, keys: VaultKeys, passphrase: bytes, *, replacing: bool) -> None:
    """Write a vault file of mode 0600, whole or not at all.

    Raises:
        CustodyError: KEY_EXISTS; one is there, and is not to be replaced. PASSPHRASE_MISSING.
        OSError: it cannot be written.
    """
    versions: dict[int | str, Value] = dict(keys.versions.items())
    data = encrypt_secret(cbor.encode([keys.current, versions, keys.index_key]), passphrase)
    write_private(path, data, replacing=replacing)


def _decode(data: bytes) -> VaultKeys:
    match cbor.decode(data, limit=len(data), reason=Reason.KEY_FILE_MALFORMED):
        case [int() as current, dict() as versions, bytes() as index_key]:
            keys = {one: key for one, key in versions.items() if isinstance(one, int) and isinstance(key, bytes)}
            if len(keys) == len(versions):
                return VaultKeys(current, keys, index_key)
    raise MalformedError(Reason.KEY_FILE_MALFORMED, "not the key of a ledger")


def _unusable(what: str) -> CustodyError:
    return CustodyError(Reason.VAULT_KEY_UNUSABLE, what)
