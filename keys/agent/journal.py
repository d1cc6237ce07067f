"""The agent's own log in a file: entries chained by SM3 (`ecert.audit`), written before a key is used.

    FILE         length (2 bytes, big-endian) ‖ entry, one after the other
    FILE.heads   the same with signed heads: how far the log had come

An entry is on the disk before what it speaks of leaves the agent; those that come at the same time share one wait for
the disk. An entry that a power failure cut short was of something that never left: it is taken away at the next start.
"""

from __future__ import annotations

import fcntl
import os
import threading
from typing import TYPE_CHECKING, Final

from ecert.audit import AuditCheck, AuditEntry, AuditHead, load_head, seal_head
from ecert.errors import CustodyError, MalformedError, Reason, RejectedError
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path
    from typing import BinaryIO

    from ecert.sm2 import PublicKey, Signer

LOG: Final = "keys/agent"
"""The name of the log in its heads."""
HEAD_EVERY: Final = 10_000
"""Entries after which a head is signed, besides every hour, at the start and at the end."""

_LENGTH: Final = 2


class Journal:
    """The log of a running agent; several threads write in it."""

    def __init__(
        self, file: Path, signer: Signer, now: Callable[[], datetime], restore: Callable[[AuditEntry], None]
    ) -> None:
        """Open the log, made where there is none, for this process alone; verify it, and go on from its end.

        Args:
            file: The log.
            signer: Signs its heads.
            now: The clock.
            restore: Is told of every entry that is there.

        Raises:
            CustodyError: INTERNAL; it cannot be opened, or another agent writes in it.
            MalformedError: AUDIT_MALFORMED; something in it cannot be read.
            RejectedError: AUDIT_BROKEN; it was altered, or is shorter than was signed for.
        """
        self._signer, self._clock = signer, now
        self._heads_file = heads_of(file)
        self._descriptor = _open_alone(file)
        self._writing, self._settling = threading.Lock(), threading.Lock()
        check, self._end = _walk(file, signer.public_key, restore, whole=False)
        os.ftruncate(self._descriptor, self._end)
        self._number, self._digest, self._at = check.number, check.digest, check.at
        self._settled = self._signed = check.number

    def write(
        self, who: str, action: str, thing: str, outcome: str = "ok", details: Mapping[str, str | int] | None = None
    ) -> int:
        """Write an entry and return its number; it is not on the disk before `settle`.

        Raises:
            MalformedError: no such entry can be.
            OSError: it cannot be written: nothing may be signed.
        """
        with self._writing:
            now = self._clock().replace(microsecond=0)
            at = now if self._at is None else max(now, self._at)
            entry = AuditEntry(self._number + 1, self._digest, at, who, action, thing, outcome, details or {})
            data = entry.encode()
            self._append(data)
            self._number, self._digest, self._at = entry.number, sm3(data), at
            return entry.number

    def _append(self, data: bytes) -> None:
        """Write a piece whole, or not at all."""
        try:
            _append(self._descriptor, data)
        except OSError:
            os.ftruncate(self._descriptor, self._end)
            raise
        self._end += _LENGTH + len(data)

    def settle(self, number: int) -> None:
        """Wait until the entry of that number, and those before it, are on the disk.

        Raises:
            OSError: they cannot be.
        """
        with self._settling:
            if self._settled >= number:
                return
            last = self._number
            os.fdatasync(self._descriptor)
            self._settled = last
        if last - self._signed >= HEAD_EVERY:
            self.sign_head()

    def sign_head(self) -> None:
        """Sign how far the log has come, unless that was signed already.

        Raises:
            CustodyError: the key failed.
            OSError: it cannot be written.
        """
        with self._writing:
            if self._number == self._signed or self._at is None:
                return
            head = AuditHead(LOG, self._number, self._digest, self._at)
            self._signed = self._number
        os.fdatasync(self._descriptor)
        descriptor = os.open(self._heads_file, _APPEND, 0o600)
        try:
            with open(descriptor, "rb", closefd=False) as opened:
                end = sum(_LENGTH + len(data) for data in _pieces(opened, whole=False))
            os.ftruncate(descriptor, end)
            _append(descriptor, seal_head(head, self._signer))
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)


_APPEND: Final = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


def heads_of(file: Path) -> Path:
    """Return where the heads of a log stand."""
    return file.with_name(f"{file.name}.heads")


def verify(file: Path, public_key: PublicKey, show: Callable[[AuditEntry], None]) -> tuple[int, int]:
    """Walk a whole log, and hold it against its signed heads.

    Args:
        file: The log; an agent may be writing in it.
        public_key: The key of its heads.
        show: Is told of every entry.

    Returns:
        How many entries there are, and up to which of them they were signed for.

    Raises:
        MalformedError: AUDIT_MALFORMED; something in it cannot be read, or its end is cut short.
        RejectedError: AUDIT_BROKEN; it was altered, or is shorter than was signed for.
        OSError: it cannot be read.
    """
    signed = max((head.number for head in _heads(file, public_key)), default=0)
    check, _ = _walk(file, public_key, show, whole=True)
    return check.number, signed


def _walk(
    file: Path, public_key: PublicKey, show: Callable[[AuditEntry], None], *, whole: bool
) -> tuple[AuditCheck, int]:
    """Return the check after the last entry, and where that ends."""
    check, end = AuditCheck(_heads(file, public_key)), 0
    with file.open("rb") as opened:
        for data in _pieces(opened, whole=whole):
            show(check.take(data))
            end += _LENGTH + len(data)
    check.finish()
    return check, end


def _heads(file: Path, public_key: PublicKey) -> list[AuditHead]:
    try:
        with heads_of(file).open("rb") as opened:
            heads = [load_head(data, public_key) for data in _pieces(opened, whole=False)]
    except FileNotFoundError:
        return []
    if any(head.log != LOG for head in heads):
        raise RejectedError(Reason.AUDIT_BROKEN, "a head is of another log")
    return heads


def _pieces(opened: BinaryIO, *, whole: bool) -> Iterator[bytes]:
    """Yield pieces; the last may be cut short unless they must be `whole`."""
    while head := opened.read(_LENGTH):
        length = int.from_bytes(head, "big")
        data = opened.read(length)
        if len(head) < _LENGTH or len(data) < length:
            if whole:
                raise MalformedError(Reason.AUDIT_MALFORMED, "the log's last entry is cut short")
            return
        yield data


def _append(descriptor: int, data: bytes) -> None:
    piece = len(data).to_bytes(_LENGTH, "big") + data
    if os.write(descriptor, piece) != len(piece):
        raise OSError("the disk is full")


def _open_alone(file: Path) -> int:
    try:
        file.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(file, _APPEND, 0o600)
    except OSError as error:
        raise CustodyError(Reason.INTERNAL, f"the log {file} cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise CustodyError(Reason.INTERNAL, f"another agent writes in {file}") from error
    return descriptor
