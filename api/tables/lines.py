"""A text by its lines, none longer than a row may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.tables.rows import CHUNK, refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from api.tables.rows import Problems


def read_lines(file: BinaryIO, limit: int) -> Iterator[bytes | None]:
    """Return the lines of a file with their ends; None for one of more than `limit` bytes, of which none is kept."""
    while line := file.readline(limit + 1):
        if len(line) <= limit:
            yield line
        else:
            _skip_rest(file, line)
            yield None


def _skip_rest(file: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(CHUNK)


def too_long(limit: int) -> Problems:
    """Return the problem of a row that is too long."""
    return refused(f"a row of at most {limit} bytes", f"一行至多 {limit} 字节")
