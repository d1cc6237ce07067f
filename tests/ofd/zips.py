"""Zip files made by hand, so that headers may say what they like."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field


@dataclass
class Zip:
    """Entries are added one by one; what differs from an honest file is given as keywords."""

    body: bytearray = field(default_factory=bytearray)
    directory: bytearray = field(default_factory=bytearray)
    count: int = 0

    def add(
        self,
        name: str | bytes,
        content: bytes,
        *,
        stored: bool = False,
        flags: int = 0,
        method: int | None = None,
        local_name: str | None = None,
        local_size: int | None = None,
        size: int | None = None,
        crc: int | None = None,
        packed: bytes | None = None,
        descriptor: bytes = b"",
        offset: int | None = None,
        extra: bytes = b"",
        local_extra: bytes = b"",
        comment: bytes = b"",
        attributes: int = 0,
    ) -> Zip:
        raw = name if isinstance(name, bytes) else name.encode()
        local = raw if local_name is None else local_name.encode()
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        deflated = packer.compress(content) + packer.flush()
        data = packed if packed is not None else content if stored else deflated
        kind = method if method is not None else 0 if stored else 8
        told = (zlib.crc32(content) if crc is None else crc, len(data), len(content) if size is None else size)
        in_local = (0, 0, 0) if flags & 8 else (*told[:2], told[2] if local_size is None else local_size)
        at = len(self.body) if offset is None else offset
        lengths = (len(local), len(local_extra))
        self.body += struct.pack("<4s5H3L2H", b"PK\3\4", 20, flags, kind, 0, 0, *in_local, *lengths)
        self.body += local + local_extra + data + descriptor
        self.directory += struct.pack(
            "<4s6H3L5H2L",
            b"PK\1\2",
            20,
            20,
            flags,
            kind,
            0,
            0,
            *told,
            *(len(raw), len(extra), len(comment)),
            0,
            0,
            attributes,
            at,
        )
        self.directory += raw + extra + comment
        self.count += 1
        return self

    def write(self, *, count: int | None = None, comment: bytes = b"", between: bytes = b"") -> bytes:
        total = self.count if count is None else count
        sizes = (len(self.directory), len(self.body) + len(between))
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, total, total, *sizes, len(comment))
        return bytes(self.body + between + self.directory + end + comment)
