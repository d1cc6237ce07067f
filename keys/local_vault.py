"""The key that an embedded ledger is encrypted with, in a file beside it: made with the ledger, for its owner alone.

It protects what leaves the machine without it: a copy of the ledger's file, a disk's backup. Where more is asked, the
key has a passphrase or is kept by the signing agent (`docs/keys.md`).

    key (16 bytes) ‖ key of the blind indexes (32 bytes)
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from ecert.errors import CustodyError, Reason
from ecert.sm2.sm4 import INDEX_KEY_LENGTH, KEY_LENGTH, Vault
from keys.private_files import write_private

if TYPE_CHECKING:
    from pathlib import Path

_LENGTH: Final = KEY_LENGTH + INDEX_KEY_LENGTH


def open_local_vault(path: Path, *, create: bool) -> Vault:
    """Open the file, made with mode 0600 where there is none.

    Args:
        path: The file.
        create: False where a missing file is a mistake: a ledger that was encrypted has lost its key.

    Raises:
        CustodyError: VAULT_KEY_UNUSABLE; it is not there, cannot be read, or is something else.
    """
    try:
        if create and not path.exists():
            _make(path)
        data = path.read_bytes()
    except OSError as error:
        raise CustodyError(
            Reason.VAULT_KEY_UNUSABLE, f"the ledger's key {path} cannot be read ({error.strerror}): put it back there"
        ) from error
    if len(data) != _LENGTH:
        raise CustodyError(Reason.VAULT_KEY_UNUSABLE, f"{path} is not a ledger's key of {_LENGTH} bytes")
    return Vault({1: data[:KEY_LENGTH]}, 1, data[KEY_LENGTH:])


def _make(path: Path) -> None:
    """Write a new key, whole or not at all, and never in the place of another."""
    try:
        write_private(path, secrets.token_bytes(_LENGTH))
    except CustodyError as error:
        if error.reason is not Reason.KEY_EXISTS:
            raise  # else another process was first: its key is the ledger's
