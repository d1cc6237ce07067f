"""The zip file that a workbook is, opened so that it cannot do harm (ECMA-376, part 2; APPNOTE 6.3).

No signature covers a workbook and nothing but its cells is kept, so it does not matter if another reader would find
other parts in it: what was read is what is checked and shown. What matters is what reading costs. The directory is
bounded before the standard library reads it; parts are read in pieces, no further than their bounds, and only those
that are needed.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from api.tables.rows import CHUNK, bad_table
from ecert.errors import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_END: Final = struct.Struct("<4s4H2LH")
_END_MARK: Final = b"PK\x05\x06"
_LONG_MARK: Final = b"PK\x06\x07"
_MAX_COMMENT: Final = 0xFFFF
_MAX_DIRECTORY: Final = 1024 * 1024
_MAX_RATIO: Final = 250
_FREE_OF_RATIO: Final = 1024 * 1024
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED: Final = 1
_ERRORS: Final = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, NotImplementedError)


@contextmanager
def reading() -> Iterator[None]:
    """Turn what the standard library raises on a damaged file into an error of ours."""
    try:
        yield
    except _ERRORS as error:
        raise bad_table(Reason.TABLE_DAMAGED, "the workbook's zip file is damaged") from error


class Container:
    """The parts of a workbook."""

    def __init__(self, file: BinaryIO) -> None:
        """Read the directory.

        Raises:
            MalformedError: TABLE_DAMAGED or TABLE_UNSAFE.
        """
        _check_directory(file)
        with reading():
            self._zip = zipfile.ZipFile(file)
        self._parts = {info.filename.casefold(): info for info in self._zip.infolist()}
        if len(self._parts) != len(self._zip.infolist()):
            raise bad_table(Reason.TABLE_UNSAFE, "two parts of the workbook have the same name")

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self._parts

    def read(self, name: str, limit: int) -> Iterator[bytes]:
        """Return a part in pieces, decompressed.

        Raises:
            MalformedError: TABLE_DAMAGED, there is no such part or it does not decompress; TABLE_UNSAFE, it is
                encrypted, or would grow too much; TABLE_TOO_LARGE, it has more than `limit` bytes.
        """
        info = self._parts.get(name.casefold())
        if info is None:
            raise bad_table(Reason.TABLE_DAMAGED, f"the workbook has no part {name[:64]!a}")
        _check_part(info, limit)
        with reading(), self._zip.open(info) as part:
            while piece := part.read(CHUNK):
                yield piece


def _check_part(info: zipfile.ZipInfo, limit: int) -> None:
    if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
        raise bad_table(Reason.TABLE_UNSAFE, "a part of the workbook is encrypted, or compressed in an unusual way")
    if info.file_size > limit:
        raise bad_table(Reason.TABLE_TOO_LARGE, f"a part of the workbook has {info.file_size} bytes, at most {limit}")
    if info.file_size > max(_FREE_OF_RATIO, info.compress_size * _MAX_RATIO):
        raise bad_table(Reason.TABLE_UNSAFE, f"a part of the workbook would grow more than {_MAX_RATIO}-fold")


def _check_directory(file: BinaryIO) -> None:
    """Bound the central directory, of which the standard library reads as much as the file says there is."""
    size = file.seek(0, 2)
    file.seek(max(size - _END.size - _MAX_COMMENT, 0))
    tail = file.read()
    at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) - at < _END.size:
        raise bad_table(Reason.TABLE_DAMAGED, "the workbook's zip file is cut off")
    if _LONG_MARK in tail[max(at - 20, 0) : at] or _END.unpack_from(tail, at)[5] > _MAX_DIRECTORY:
        raise bad_table(Reason.TABLE_UNSAFE, f"the workbook's directory is larger than {_MAX_DIRECTORY} bytes")
