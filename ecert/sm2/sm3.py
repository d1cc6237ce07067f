"""SM3 (GM/T 0004) and HMAC-SM3, by `cryptography`."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes, hmac

DIGEST_LENGTH = 32
"""Length of an SM3 digest in bytes."""


_SM3 = hashes.SM3()


def sm3(data: bytes) -> bytes:
    """Return the 32-byte SM3 digest of `data`."""
    digest = hashes.Hash(_SM3)
    digest.update(data)
    return digest.finalize()


class Sm3:
    """An SM3 digest of data that comes in pieces."""

    def __init__(self) -> None:
        self._digest = hashes.Hash(hashes.SM3())

    def update(self, piece: bytes) -> None:
        """Take the next piece."""
        self._digest.update(piece)

    def digest(self) -> bytes:
        """Return the 32-byte digest of what came so far."""
        return self._digest.copy().finalize()


def hmac_sm3(key: bytes, data: bytes) -> bytes:
    """Return the 32-byte HMAC-SM3 (RFC 2104) of `data`."""
    mac = hmac.HMAC(key, hashes.SM3())
    mac.update(data)
    return mac.finalize()
