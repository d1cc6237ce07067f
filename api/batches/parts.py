"""The file of a batch: received piece by piece, kept in encrypted parts, read as if it were a file.

No plain byte of it is written anywhere: while it is received its parts are in an unnamed file on disk, encrypted with
the key that they will have in the ledger, and that key is in memory alone.
"""

from __future__ import annotations

import io
import tempfile
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from api.batches.claims import ClaimLostError
from api.service_schema import batch_parts
from ecert.errors import MalformedError, Reason
from ecert.web.digests import Digester

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Self

    from api.at_rest import Lock
    from api.database import Database
    from ecert.web.digests import Digests

MAX_FILE: Final = 256 * 1024 * 1024
"""The longest file in bytes."""
PART: Final = 1024 * 1024
"""The length of every part but the last, in bytes."""
_HELD: Final = 4
"""How many parts are in memory while a file is read: a workbook is read in two places at a time."""


class Intake:
    """Receives a file; use as a context manager."""

    def __init__(self, lock: Lock) -> None:
        """Encrypt with the key of the batch."""
        self._lock = lock
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  (closed by __exit__)
        self._digester = Digester()
        self._rest = bytearray()
        self._sealed: list[int] = []
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def take(self, piece: bytes) -> None:
        """Take the next piece.

        Raises:
            MalformedError: TOO_LARGE.
        """
        self.size += len(piece)
        if self.size > MAX_FILE:
            raise MalformedError(Reason.TOO_LARGE, f"a table has at most {MAX_FILE} bytes")
        self._digester.update(piece)
        self._rest += piece
        while len(self._rest) >= PART:
            self._keep(bytes(self._rest[:PART]))
            del self._rest[:PART]

    def finish(self) -> Digests:
        """Keep what is left, and return the digests of the whole."""
        if self._rest:
            self._keep(bytes(self._rest))
            self._rest.clear()
        return self._digester.result()

    def _keep(self, part: bytes) -> None:
        sealed = self._lock.seal(_column(len(self._sealed)), part)
        self._file.write(sealed)
        self._sealed.append(len(sealed))

    def parts(self) -> Iterator[bytes]:
        """Return the parts, encrypted, in their order."""
        self._file.seek(0)
        for length in self._sealed:
            yield self._file.read(length)


class PartsFile(io.RawIOBase):
    """Reads a batch's file from its parts; able to seek."""

    def __init__(self, database: Database, batch: str, lock: Lock, size: int, told: Callable[[], None]) -> None:
        """Read `size` bytes in all; `told` is called with every part."""
        super().__init__()
        self._told = told
        self._db, self._batch, self._lock, self._size = database, batch, lock, size
        self._at = 0
        self._held: dict[int, bytes] = {}

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Return where it stands."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go somewhere else, never before the beginning."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(origin + offset, 0)
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # whatever can be written to
        """Read on, at most to the end of a part.

        Raises:
            RejectedError: CIPHERTEXT_BAD; the part was altered.
            ClaimLostError: it is there no more: somebody else has validated the batch, or it was cancelled.
        """
        number, within = divmod(self._at, PART)
        piece = self._part(number)[within : within + len(buffer)] if self._at < self._size else b""
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _part(self, number: int) -> bytes:
        if number not in self._held:
            self._told()
            if len(self._held) == _HELD:
                del self._held[next(iter(self._held))]
            one = (batch_parts.c.batch == self._batch) & (batch_parts.c.number == number)
            row = self._db.row(select(batch_parts.c.data).where(one))
            if row is None:
                raise ClaimLostError(self._batch)
            self._held[number] = self._lock.open(_column(number), bytes(row.data))
        return self._held[number]


def _column(number: int) -> str:
    return f"batch_parts.{number}"
