"""Writing an OFD file's zip: the same parts and instant give the same bytes (with one version of zlib)."""

from __future__ import annotations

import struct
import zlib
from datetime import UTC
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ecert.ofd.writer import TEMPLATES

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.ofd.package import Package

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_VERSION: Final = 20
_UTF8: Final = 1 << 11
_STORED: Final = 0
_DEFLATED: Final = 8
_LEVEL: Final = 6
_KEPT: Final = 64
"""How many compressed templates are kept: they come again and again, and say nothing of a holder."""
_PACKED_ALREADY: Final = (".png", ".jpg", ".otf", ".esl", ".dat")
_FIRST_YEAR: Final = 1980


def write_package(package: Package, at: datetime) -> bytes:
    """Write the parts as a zip file, in their order.

    Args:
        package: What to write.
        at: The time of every entry, aware, from 1980 on; kept to two seconds, in UTC.
    """
    stamp = _dos_time(at)
    body = bytearray()
    directory = bytearray()
    for name, content in package.parts.items():
        raw_name = name.encode()
        method, packed = _pack(name, content)
        common = (_UTF8, method, *stamp, zlib.crc32(content), len(packed), len(content), len(raw_name), 0)
        directory += _CENTRAL.pack(b"PK\x01\x02", _VERSION, _VERSION, *common, 0, 0, 0, 0, len(body)) + raw_name
        body += _LOCAL.pack(b"PK\x03\x04", _VERSION, *common) + raw_name + packed
    count = len(package.parts)
    end = _END.pack(b"PK\x05\x06", 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory + end)


def _pack(name: str, content: bytes) -> tuple[int, bytes]:
    if name.endswith(_PACKED_ALREADY):
        return _STORED, content
    return _DEFLATED, (_kept if name.startswith(TEMPLATES) else _deflate)(content)


def _deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


_kept = lru_cache(maxsize=_KEPT)(_deflate)


def _dos_time(at: datetime) -> tuple[int, int]:
    utc = at.astimezone(UTC)
    time = utc.hour << 11 | utc.minute << 5 | utc.second // 2
    return time, (utc.year - _FIRST_YEAR) << 9 | utc.month << 5 | utc.day
