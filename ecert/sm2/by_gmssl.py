"""SM2 secret operations by the pure-Python `gmssl` package: only where an operator asks for it by name.

`gmssl` is not constant time, and its own nonce comes from a generator that is not cryptographic. The nonce
is therefore drawn here: from `secrets`, hedged with the key and the message, so that a weak generator alone
does not give the key away.
"""

from __future__ import annotations

import secrets
import warnings
from importlib.metadata import version
from typing import Any, Final

from gmssl.sm2 import CryptSM2, default_ecc_table

from ecert.errors import CustodyError, Reason
from ecert.sm2.curve import N
from ecert.sm2.sm3 import hmac_sm3

WARNING: Final = (
    "the gmssl engine is not constant time: use it for trials only, and install an OpenSSL 3 with SM2 for real keys"
)


def _nonce(scalar: bytes, e: bytes) -> int:
    """Return a nonce in 1..n-1, from 64 bytes, so that its bias is below 2^-256."""
    key = secrets.token_bytes(32) + scalar
    wide = hmac_sm3(key, b"\x01" + e) + hmac_sm3(key, b"\x02" + e)
    return int.from_bytes(wide, "big") % (N - 1) + 1


class Gmssl:
    """The engine over `gmssl`; a private key's handle is its 32 bytes."""

    name = "gmssl"

    def __init__(self) -> None:
        """Warn, once for each process that chooses this engine."""
        warnings.warn(WARNING, RuntimeWarning, stacklevel=3)
        self.version = f"gmssl {version('gmssl')}"

    def generate(self) -> bytes:
        """Draw a private key: 32 bytes, big-endian, in 1..n-2."""
        return (secrets.randbelow(N - 2) + 1).to_bytes(32, "big")

    def load_private(self, scalar: bytes) -> bytes:
        """Keep the key as it is."""
        return scalar

    def public_point(self, handle: bytes) -> bytes:
        """Return the 65-byte uncompressed public point of a private key."""
        multiple = _crypt(handle)._kg(int.from_bytes(handle, "big"), default_ecc_table["g"])  # noqa: SLF001
        return b"\x04" + bytes.fromhex(multiple)

    def sign(self, handle: bytes, e: bytes) -> tuple[int, int]:
        """Sign the 32-byte value e = SM3(Z ‖ M)."""
        signature = _crypt(handle).sign(e, f"{_nonce(handle, e):064x}")
        if signature is None:
            raise CustodyError(Reason.ENGINE_FAILED, "gmssl gave no signature")
        return int(signature[:64], 16), int(signature[64:], 16)


def _crypt(scalar: bytes) -> Any:
    return CryptSM2(private_key=scalar.hex(), public_key="")
