"""Files that only their owner may read: read when they are, and written so."""

from __future__ import annotations

import os
import secrets
import stat
from typing import TYPE_CHECKING, Final

from ecert.errors import CustodyError, MalformedError, Reason

if TYPE_CHECKING:
    from pathlib import Path

MAX_KEY_FILE: Final = 16_384
"""The most bytes of a key file."""

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def read_private(path: Path) -> bytes:
    """Read a file that only its owner may read. The mode is that of the very file opened, behind any link.

    Raises:
        CustodyError: it is not there, or open to others.
        MalformedError: KEY_FILE_MALFORMED; not a regular file, or longer than `MAX_KEY_FILE` bytes.
    """
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


def write_private(path: Path, data: bytes, *, replacing: bool = False) -> None:
    """Write a file of mode 0600, whole or not at all.

    Args:
        path: The file.
        data: Its content.
        replacing: Whether it takes the place of one that is there.

    Raises:
        CustodyError: KEY_EXISTS; one is there, and is not to be replaced.
        OSError: it cannot be written.
    """
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replacing:
            new.replace(path)
        else:
            os.link(new, path)
    except FileExistsError as error:
        raise CustodyError(Reason.KEY_EXISTS, f"{path} exists; nothing was written") from error
    finally:
        new.unlink(missing_ok=True)
