"""From the name of a key to something that signs with it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ecert.errors import CustodyError, EcertError, MalformedError, Reason
from ecert.sm2 import PrivateKey, Signer

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_KEY_FILE: Final = 16_384
"""The most bytes of a key file."""

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def load_signer(uri: str, *, passphrase: Callable[[], bytes]) -> Signer:
    """Open the key that `uri` names: `file:/path/key.pem`, or `file:keys/key.pem` from the working directory.

    A plain key (not encrypted) is read too, and `passphrase` is then not called: whoever can read a file of
    mode 0600 could read the passphrase beside it, and secret managers hand out plain keys. None is ever written.

    Args:
        uri: The key's name. Nothing in it is percent-decoded.
        passphrase: Called at most once, and only for an encrypted key.

    Raises:
        CustodyError: another scheme, no such file, a file that others can read, a passphrase that is wrong or
            missing, or no engine for private keys.
        MalformedError: the file is not an SM2 private key in PKCS#8 PEM.
    """
    scheme, _, path = uri.partition(":")
    if scheme != "file" or not path or (path.startswith("//") and not path.startswith("///")):
        raise CustodyError(
            Reason.USAGE,
            f"{uri!r} names no key: supported is file:PATH, e.g. file:/srv/keys/department.key.pem",
        )
    return open_key_file(Path(path), passphrase)


def open_key_file(path: Path, passphrase: Callable[[], bytes]) -> PrivateKey:
    """Open a key file; `load_signer` says how.

    Raises:
        CustodyError: as for `load_signer`.
        MalformedError: as for `load_signer`.
    """
    pem = _read_private(path)
    try:
        try:
            return PrivateKey.from_pem(pem)
        except CustodyError as error:
            if error.reason is not Reason.PASSPHRASE_MISSING:
                raise
        return PrivateKey.from_pem(pem, passphrase())
    except (CustodyError, MalformedError) as error:
        raise _about(path, error) from error


def _about(path: Path, error: EcertError) -> EcertError:
    """Name the file in an error that an operator with several keys will read."""
    return type(error)(error.reason, f"{path}: {error.detail}")


def _read_private(path: Path) -> bytes:
    """Read a file that only its owner may read. The mode is that of the very file opened, behind any link."""
    try:
        # O_NONBLOCK: opening a FIFO must not wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise CustodyError(Reason.KEY_NOT_FOUND, f"the key file {path} cannot be opened: {error.strerror}") from error
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise MalformedError(Reason.KEY_FILE_MALFORMED, f"{path} is not a regular file")
        if mode & _OTHERS:
            raise CustodyError(
                Reason.KEY_FILE_EXPOSED,
                f"{path} is open to others (mode {stat.S_IMODE(mode):04o}): run chmod 600 {path}, "
                "and find out who may have copied the key",
            )
        data = os.read(descriptor, MAX_KEY_FILE + 1)
    except OSError as error:
        raise CustodyError(Reason.KEY_NOT_FOUND, f"the key file {path} cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)
    if len(data) > MAX_KEY_FILE:
        raise MalformedError(Reason.KEY_FILE_MALFORMED, f"{path} is longer than {MAX_KEY_FILE} bytes")
    return data
