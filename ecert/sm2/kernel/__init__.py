"""Verification by our own C code: some thirty times as fast as OpenSSL's SM2, where the package was built with it.

For public data only: no private key, nonce or other secret may enter it. It takes the whole task, encodings and SM3
included, and keeps tables of multiples for the keys it meets often (keys.c): none for a new key, 86 KiB after 16
uses, 256 KiB after 256, 2.75 MiB after 2048, 512 MiB for all. It is believed only after it agreed with another
engine on known answers.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

from ecert.sm2.kernel.self_test import disagreement
from ecert.sm2.signature import encode_raw

if TYPE_CHECKING:
    from ecert.sm2.kernel import _verify
    from ecert.sm2.kernel.self_test import Reference

FITS: Final = 1
DOES_NOT_FIT: Final = 2
MALFORMED: Final = 3

KEYS: Final = 8192
"""How many keys are held, with a table or without one; the least recently used goes first."""

_E_IS_GIVEN: Final = b""


class Kernel:
    """The engine over the compiled module."""

    name = "kernel"
    version = "tables of multiples in C, for verification only"

    def __init__(self, compiled: Compiled) -> None:
        """Take the compiled module, already tested."""
        self._compiled = compiled
        self.base41 = compiled.base41
        self.load_public = lru_cache(maxsize=KEYS)(compiled.load_key)

    def verify(self, handle: _verify.Key, e: bytes, r: int, s: int) -> bool:
        """Tell whether (r, s) is the key's signature over the 32-byte value e."""
        return self._compiled.verify(handle, encode_raw(r, s), e, _E_IS_GIVEN, True) == FITS  # noqa: FBT003

    def answer(self, point: bytes, signature: bytes, message: bytes, z: bytes | None, *, raw: bool) -> int:
        """Return FITS, DOES_NOT_FIT or MALFORMED.

        Args:
            point: 65 bytes, already known to lie on the curve.
            signature: As it came.
            message: The bytes signed.
            z: 32 bytes; None for the default user ID's.
            raw: The signature is raw, not DER.
        """
        return self._compiled.verify(self.load_public(point), signature, message, z, raw)

    def answer_many(self, questions: list[tuple[_verify.Key, bytes, bytes, bytes | None]], *, raw: bool) -> bytes:
        """Answer many at once, one byte each, as `answer`; keys are what `load_public` returned."""
        return self._compiled.verify_many(questions, raw)


class Compiled(Protocol):
    """What the compiled module offers."""

    def load_key(self, point: bytes, /) -> _verify.Key:
        """Check a 65-byte point and hold it."""

    def verify(self, key: _verify.Key, signature: bytes, data: bytes, z: bytes | None, raw: bool, /) -> int:  # noqa: FBT001
        """Check one signature."""

    def verify_many(self, items: list[tuple[_verify.Key, bytes, bytes, bytes | None]], raw: bool, /) -> bytes:  # noqa: FBT001
        """Check many."""

    def base41(self, text: bytes, /) -> bytes | None:
        """Read base-41 text; None where it is not that."""

    def probe(self, point: bytes, signature: bytes, e: bytes, window: int, /) -> int:
        """Check one raw signature with fresh tables of a window, alone and in a batch."""


def load(reference: Reference) -> Kernel | str:
    """Load and test the kernel; where there is none to trust, say why in words.

    Args:
        reference: The engine that it must agree with.
    """
    try:
        from ecert.sm2.kernel import _verify as compiled  # noqa: PLC0415  (not there where it was not built)
    except ImportError as error:
        return f"not built: {error}"
    return accept(compiled, reference)


def accept(compiled: Compiled, reference: Reference) -> Kernel | str:
    """Test a compiled kernel; a broken one is refused with a warning."""
    problem = disagreement(compiled, reference)
    if problem is None:
        return Kernel(compiled)
    warnings.warn(
        f"核验内核自检不通过，不予使用。The verification kernel failed its self-test and is not used: {problem}. "
        f"Verification goes on with the engine {reference.name}, slower; reinstall ecert",
        RuntimeWarning,
        stacklevel=2,
    )
    return f"refused: {problem}"
