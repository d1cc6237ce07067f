"""Digests of a request's content, of bytes in memory or of an upload that is written to disk piece by piece."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert.sm2 import Sm3

if TYPE_CHECKING:
    from collections.abc import Mapping

SM3: Final = "sm3"
SHA_256: Final = "sha-256"


@dataclass(frozen=True, slots=True)
class Digests:
    """What is known of a content without holding it.

    Attributes:
        length: Its length in bytes.
        values: Its digests by their names in `Content-Digest`, 32 bytes each.
    """

    length: int
    values: Mapping[str, bytes]

    def __bool__(self) -> bool:
        return self.length > 0


class Digester:
    """Digests a content while it is received: a table of 200 MB need not be in memory to be authentic."""

    def __init__(self) -> None:
        self._length = 0
        self._sm3 = Sm3()
        self._sha_256 = hashlib.sha256()

    def update(self, piece: bytes) -> None:
        """Take the next piece."""
        self._length += len(piece)
        self._sm3.update(piece)
        self._sha_256.update(piece)

    def result(self) -> Digests:
        """Return the digests of what came so far."""
        return Digests(self._length, {SM3: self._sm3.digest(), SHA_256: self._sha_256.digest()})


def digests_of(content: bytes | Digests) -> Digests:
    """Return the digests of a content."""
    if isinstance(content, Digests):
        return content
    digester = Digester()
    digester.update(content)
    return digester.result()
