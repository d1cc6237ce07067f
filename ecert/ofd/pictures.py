"""Pictures on a page: portraits and emblems as handed in, and QR codes drawn as PNG without any library."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert.errors import IssuanceError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecert.ofd.drawing import Box

Modules = tuple[bytes, ...]
"""The modules of a QR code, row by row, without its quiet zone: a byte each, 1 is dark, 0 light."""

MAX_PICTURE: Final = 512 * 1024
"""The largest portrait or emblem in bytes."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8"
_MAX_SIDE: Final = 8192
_QUIET: Final = 4
_PIXELS: Final = 4
"""Pixels on a side of a module: of one bit each, so a module is a hexadecimal digit across."""
_LEVEL: Final = 1
"""How hard it is compressed: runs of equal pixels need no more."""
_DIGITS: Final = b"f0" + bytes(254)
"""How a light and a dark module are written across."""


@dataclass(frozen=True, slots=True, repr=False)
class Picture:
    """A picture whose size was read, and nothing else of it.

    Attributes:
        kind: `png` or `jpg`.
        data: The file.
        width: In pixels.
        height: In pixels.
    """

    kind: str
    data: bytes
    width: int
    height: int

    @classmethod
    def read(cls, data: bytes) -> Picture:
        """Read a PNG or JPEG of at most 512 KiB and 8192 pixels a side.

        Raises:
            IssuanceError: LAYOUT_PICTURE_UNUSABLE; it is something else.
        """
        kind = "png" if data.startswith(_PNG) else "jpg" if data.startswith(_JPEG) else None
        if kind is None or len(data) > MAX_PICTURE:
            raise _unusable("a picture is a PNG or JPEG of at most 512 KiB")
        width, height = _png_size(data) if kind == "png" else _jpeg_size(data)
        if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
            raise _unusable(f"a picture has at most {_MAX_SIDE} pixels on a side")
        return cls(kind, data, width, height)

    def fit(self, box: Box) -> Box:
        """Return the largest box with the picture's proportions in the middle of another."""
        x, y, w, h = box
        scale = min(w / self.width, h / self.height)
        width, height = self.width * scale, self.height * scale
        return x + (w - width) / 2, y + (h - height) / 2, width, height


def _unusable(what: str) -> IssuanceError:
    return IssuanceError(Reason.LAYOUT_PICTURE_UNUSABLE, what)


def _png_size(data: bytes) -> tuple[int, int]:
    if data[12:16] != b"IHDR" or len(data) < 33:  # noqa: PLR2004  (signature and the first chunk)
        raise _unusable("the PNG is damaged")
    width, height = struct.unpack_from(">2L", data, 16)
    return width, height


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Read the size from the first frame header (ITU-T T.81, B.2.2)."""
    at = len(_JPEG)
    while at + 9 <= len(data):
        mark, kind, length = data[at], data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if mark != 0xFF or length < 2:  # noqa: PLR2004
            break
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):  # noqa: PLR2004
            height, width = struct.unpack_from(">2H", data, at + 5)
            return width, height
        at += 2 + length
    raise _unusable("the JPEG is damaged")


def qr_png(modules: Modules) -> bytes:
    """Draw a QR code with its quiet zone as PNG, one bit a pixel; the same modules give the same bytes."""
    side = (len(modules) + 2 * _QUIET) * _PIXELS
    header = struct.pack(">2L5B", side, side, 1, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(_rows(modules, side)), _LEVEL)
    return _PNG + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _rows(modules: Modules, side: int) -> Iterator[bytes]:
    """Yield rows of pixels, each after its filter type 0; a set bit is white, and so is what fills the last byte."""
    digits = (side + 7) // 8 * 2
    margin = b"f" * _QUIET
    blank = b"\0" + bytes.fromhex("f" * digits)
    yield blank * (_PIXELS * _QUIET)
    for row in modules:
        line = (margin + row.translate(_DIGITS) + margin).ljust(digits, b"f")
        yield (b"\0" + bytes.fromhex(line.decode())) * _PIXELS
    yield blank * (_PIXELS * _QUIET)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))
