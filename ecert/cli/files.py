"""Reading and writing files: bounded, atomic, and with errors a person can act on."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from ecert.errors import EcertError, MalformedError, NotFoundError, Reason


def read_bounded(path: Path, limit: int, missing: Reason) -> bytes:
    """Read a file of at most `limit` bytes.

    Raises:
        NotFoundError: it cannot be read, with `missing` as the reason.
        MalformedError: it is longer.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise NotFoundError(missing, f"cannot read {path}: {error.strerror}") from error
    if len(data) > limit:
        raise MalformedError(Reason.TOO_LARGE, f"{path} is longer than {limit} bytes")
    return data


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file whole or not at all: readers see the old content or the new, never a part.

    Raises:
        EcertError: it cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(mode)
            Path(name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise EcertError(Reason.USAGE, f"cannot write {path}: {error.strerror}") from error
