"""The entries of the zip file that an OFD file is, read with suspicion (GB/T 33190, 5; APPNOTE 6.3).

No signature protects a zip's own headers: whoever has the file can rewrite them. So only what every reader understands
alike is read. The central directory and the local headers must tell the same story, every byte must belong to an entry,
no extra field may give another name, no entry may be a link, no two names may differ in letter case alone, and sizes
are bounded before anything is decompressed.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert.errors import MalformedError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FILE: Final = 64 * 1024 * 1024
"""The largest file read, in bytes."""
MAX_CONTENT: Final = 128 * 1024 * 1024
"""The most that all parts of a file may hold together, in bytes."""
MAX_PARTS: Final = 4096
"""The most entries of a file, folders included."""

_MAX_RATIO: Final = 250
_FREE_OF_RATIO: Final = 1024 * 1024
"""A part of this size is read however well it is compressed."""
_MAX_NAME: Final = 255
_MAX_DEPTH: Final = 16
_NOT_IN_NAMES: Final = re.compile(r'[\\:*?"<>|]|(?:^|/)\.{0,2}(?:/|$)')
"""Characters that some system reads otherwise, and steps that are empty or go nowhere or upwards."""
_MAX_COMMENT: Final = 0xFFFF

_END: Final = struct.Struct("<4s4H2LH")
_END_MARK: Final = b"PK\x05\x06"
_CENTRAL: Final = struct.Struct("<4s4HL3L5H2L")
_CENTRAL_MARK: Final = b"PK\x01\x02"
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_LOCAL_MARK: Final = b"PK\x03\x04"
_DESCRIPTOR_MARK: Final = b"PK\x07\x08"
_DESCRIPTOR: Final = struct.Struct("<3L")
_LONG_LOCATOR: Final = 20
"""Bytes of a ZIP64 locator, which stands right before the end record; no file read here needs one."""
_LONG_LOCATOR_MARK: Final = b"PK\x06\x07"
_LONG: Final = 0xFFFFFFFF
_LONG_MARK: Final = 1
_LONG_SIZES: Final = struct.Struct("<2H2Q")
_EXTRA: Final = struct.Struct("<2H")
_UNICODE_PATH: Final = 0x7075
_UNICODE_PATH_HEAD: Final = 5
"""A version and a checksum stand before the name."""
_FILE_TYPE: Final = 0xF000
_FILE_TYPES: Final = (0, 0x4000, 0x8000)
"""What Unix may say an entry is: nothing, a folder, a file."""
_STORED: Final = 0
_DEFLATED: Final = 8
_DESCRIBED: Final = 1 << 3
_ENCRYPTED: Final = 1 << 0 | 1 << 6 | 1 << 13


def unsafe(what: str) -> MalformedError:
    """Make the error of a file that two readers may understand differently, or that is out of all bounds."""
    return MalformedError(Reason.FILE_UNSAFE, what)


def damaged(what: str) -> MalformedError:
    """Make the error of a file that cannot be read."""
    return MalformedError(Reason.FILE_DAMAGED, what)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of the central directory; sizes in bytes."""

    name: str
    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


def read_entries(data: bytes) -> dict[str, bytes]:
    """Return the files in a zip file by their names, in the order of its directory.

    Raises:
        MalformedError: TOO_LARGE, NOT_OFD, FILE_UNSAFE or FILE_DAMAGED; it is no zip file, or not one to be read.
    """
    if len(data) > MAX_FILE:
        raise MalformedError(Reason.TOO_LARGE, f"an OFD file has at most {MAX_FILE} bytes")
    end = _find_end(data)
    entries = tuple(_directory(data, end))
    _check_bounds(entries)
    starts = _check_space(data, entries, end)
    return {one.name: _content(data, one, starts[one.name]) for one in entries if not one.name.endswith("/")}


def check_name(name: str) -> None:
    """Check that a part may have a name.

    Raises:
        MalformedError: FILE_UNSAFE; some system would read it otherwise.
    """
    path = name.removesuffix("/")
    good = len(name) <= _MAX_NAME and path.count("/") < _MAX_DEPTH and name.isprintable()
    if not good or _NOT_IN_NAMES.search(path):
        raise unsafe(f"the name {name[:_MAX_NAME]!a} is none that a part may have")


def _find_end(data: bytes) -> int:
    """Return where the end record stands; its comment must end where the file does."""
    at = data.rfind(_END_MARK, max(len(data) - _END.size - _MAX_COMMENT, 0))
    if at < 0 or len(data) - at < _END.size:
        reason = Reason.FILE_DAMAGED if data[:4] == _LOCAL_MARK else Reason.NOT_OFD
        raise MalformedError(reason, "the file has no end record of a zip file")
    if at + _END.size + _END.unpack_from(data, at)[-1] != len(data):
        raise damaged("the file does not end where its end record says")
    if data.startswith(_LONG_LOCATOR_MARK, max(at - _LONG_LOCATOR, 0)):
        raise unsafe("some readers would find a second central directory, by a ZIP64 locator")
    return at


def _directory(data: bytes, end: int) -> Iterator[_Entry]:
    _, disk, start_disk, here, count, size, offset, _ = _END.unpack_from(data, end)
    if (disk, start_disk) != (0, 0) or here != count or offset + size != end:
        raise damaged("the central directory does not stand before the end record, in this file alone")
    if count > MAX_PARTS:
        raise unsafe(f"{count} entries; at most {MAX_PARTS} are read")
    at = offset
    for _ in range(count):
        entry, at = _read_entry(data, at, end)
        yield entry
    if at != end:
        raise damaged("the central directory is longer or shorter than it says")


def _read_entry(data: bytes, at: int, end: int) -> tuple[_Entry, int]:
    if at + _CENTRAL.size > end:
        raise damaged("the central directory is cut off")
    mark, _, _, flags, method, _, crc, packed, size, name, extra, comment, disk, _, attributes, offset = (
        _CENTRAL.unpack_from(data, at)
    )
    name_at = at + _CENTRAL.size
    extra_at = name_at + name
    following = extra_at + extra + comment
    if mark != _CENTRAL_MARK or disk or following > end:
        raise damaged("the central directory is damaged")
    if flags & _ENCRYPTED:
        raise unsafe("an entry is encrypted")
    if method not in (_STORED, _DEFLATED):
        raise unsafe(f"an entry is compressed by method {method}; only stored and deflated ones are read")
    if attributes >> 16 & _FILE_TYPE not in _FILE_TYPES:
        raise unsafe("an entry is a link or a device")
    raw_name = data[name_at:extra_at]
    _check_extra(data[extra_at : extra_at + extra], raw_name)
    return _Entry(_decode_name(raw_name), raw_name, flags, method, crc, packed, size, offset), following


def _check_extra(extra: bytes, raw_name: bytes) -> None:
    """Require that the Unicode Path field, which some readers prefer, gives no other name (APPNOTE 4.6.9)."""
    at = 0
    while at + _EXTRA.size <= len(extra):
        kind, length = _EXTRA.unpack_from(extra, at)
        at += _EXTRA.size
        if kind == _UNICODE_PATH and extra[at + _UNICODE_PATH_HEAD : at + length] != raw_name:
            raise unsafe("an extra field gives an entry another name")
        at += length


def _decode_name(raw: bytes) -> str:
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise unsafe("the name of an entry is not UTF-8") from None
    check_name(name)
    return name


def _check_bounds(entries: tuple[_Entry, ...]) -> None:
    seen: set[str] = set()
    for entry in entries:
        folded = entry.name.casefold()
        if folded in seen:
            raise unsafe(f"there are two entries {entry.name}")
        seen.add(folded)
        if entry.size > _FREE_OF_RATIO and entry.size > entry.packed * _MAX_RATIO:
            raise unsafe(f"{entry.name} would grow more than {_MAX_RATIO}-fold")
        if entry.name.endswith("/") and entry.size:
            raise unsafe(f"the folder {entry.name} has content")
    if sum(entry.size for entry in entries) > MAX_CONTENT:
        raise unsafe(f"the parts hold more than {MAX_CONTENT} bytes")


def _check_space(data: bytes, entries: tuple[_Entry, ...], end: int) -> dict[str, int]:
    """Require that the entries follow one another from the first byte to the central directory.

    A reader that goes by local headers would find other parts in a gap, and entries that overlap are a bomb.
    Returns where the packed bytes of each entry begin.
    """
    at = 0
    starts: dict[str, int] = {}
    for entry in sorted(entries, key=lambda one: one.offset):
        if entry.offset != at:
            raise unsafe("entries overlap, or there is something between them")
        starts[entry.name] = _start_of(data, entry)
        at = _end_of(data, entry, starts[entry.name])
    if at != _END.unpack_from(data, end)[6]:
        raise unsafe("there is something between the entries and the central directory")
    return starts


def _start_of(data: bytes, entry: _Entry) -> int:
    """Return where the packed bytes of an entry begin; its local header must agree with the central directory."""
    if entry.offset + _LOCAL.size > len(data):
        raise damaged(f"{entry.name} begins after the end of the file")
    mark, _, flags, method, _, _, crc, packed, size, name, extra = _LOCAL.unpack_from(data, entry.offset)
    name_at = entry.offset + _LOCAL.size
    if mark != _LOCAL_MARK:
        raise damaged(f"{entry.name} has no local header")
    extra_field = data[name_at + name : name_at + name + extra]
    told = (crc, *(_long_sizes(extra_field) if (packed, size) == (_LONG, _LONG) else (packed, size)))
    described = flags & _DESCRIBED and method == _DEFLATED and told == (0, 0, 0)
    agrees = described or told == (entry.crc, entry.packed, entry.size)
    if (flags, method) != (entry.flags, entry.method) or not agrees:
        raise unsafe(f"the local header of {entry.name} contradicts the central directory")
    if data[name_at : name_at + name] != entry.raw_name:
        raise unsafe(f"the local header of {entry.name} has another name")
    _check_extra(extra_field, entry.raw_name)
    return int(name_at + name + extra)


def _long_sizes(extra: bytes) -> tuple[int, int]:
    """Read packed and full size from the ZIP64 extra field, which some writers put into every local header."""
    if len(extra) < _LONG_SIZES.size:
        raise damaged("a ZIP64 extra field is cut off")
    mark, _, size, packed = _LONG_SIZES.unpack_from(extra)
    if mark != _LONG_MARK:
        raise damaged("a ZIP64 extra field is missing")
    return packed, size


def _end_of(data: bytes, entry: _Entry, start: int) -> int:
    at = start + entry.packed
    if not entry.flags & _DESCRIBED:
        return at
    at += len(_DESCRIPTOR_MARK) if data[at : at + 4] == _DESCRIPTOR_MARK else 0
    described = data[at : at + _DESCRIPTOR.size]
    if described != _DESCRIPTOR.pack(entry.crc, entry.packed, entry.size):
        raise unsafe(f"the data descriptor of {entry.name} contradicts the central directory")
    return at + _DESCRIPTOR.size


def _content(data: bytes, entry: _Entry, start: int) -> bytes:
    packed = data[start : start + entry.packed]
    content = packed if entry.method == _STORED else _inflate(packed, entry)
    if len(content) != entry.size or zlib.crc32(content) != entry.crc:
        raise damaged(f"{entry.name} has another length or checksum than it says")
    return content


def _inflate(packed: bytes, entry: _Entry) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(packed, entry.size + 1)
    except zlib.error as error:
        raise damaged(f"{entry.name} does not decompress") from error
    if not inflater.eof or inflater.unused_data:
        raise damaged(f"{entry.name} does not end where it says")
    return content
