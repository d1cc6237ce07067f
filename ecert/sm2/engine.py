"""Which engine does what, in one place.

Secrets (key generation, signing): libcrypto; or `gmssl` where an operator named it; or nothing, with a
message that says what to install. Public data (verification): our compiled kernel where the package was built with
it and it passes its self-test, else libcrypto, else our own table arithmetic in Python; the last is safe there because
a verification holds no secret. Who chooses `openssl` by name has libcrypto do both.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, Literal, Protocol, get_args

from ecert.errors import CustodyError, Reason
from ecert.sm2 import curve, libcrypto
from ecert.sm2 import kernel as compiled

EngineName = Literal["auto", "openssl", "gmssl"]

_MISSING: Final = (
    "no SM2 engine for private keys: the system's OpenSSL 3 libcrypto is missing or was built without SM2 "
    "(RHEL, Fedora, Alpine). Install one with SM2 (Debian, Ubuntu, openEuler, Kylin: libssl3), or for trials "
    "choose the engine by name: ECERT_ENGINE=gmssl"
)


class SecretEngine(Protocol):
    """Operations on private keys. A handle is whatever `load_private` returned."""

    name: str
    version: str

    def generate(self) -> bytes:
        """Draw a 32-byte private key."""

    def load_private(self, scalar: bytes) -> Any:
        """Prepare a private key for use."""

    def public_point(self, handle: Any) -> bytes:
        """Return its 65-byte public point."""

    def sign(self, handle: Any, e: bytes) -> tuple[int, int]:
        """Sign the 32-byte value e."""


class VerifyEngine(Protocol):
    """Verification under a public key. A handle is whatever `load_public` returned."""

    name: str
    version: str

    def load_public(self, point: bytes) -> Any:
        """Prepare a 65-byte point, already known to be on the curve."""

    def verify(self, handle: Any, e: bytes, r: int, s: int) -> bool:
        """Tell whether (r, s) is a signature over e."""


class _Tables:
    """Verification by `curve`, with tables kept for the keys met most recently."""

    name = "python"
    version = "table arithmetic in Python, for verification only"

    def load_public(self, point: bytes) -> curve.Affine:
        return int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")

    def verify(self, handle: curve.Affine, e: bytes, r: int, s: int) -> bool:
        return curve.signature_fits(handle, int.from_bytes(e, "big"), r, s)


@cache
def _openssl() -> libcrypto.Libcrypto | None:
    return libcrypto.find()


class _Choice:
    """The operator's choice for this process. `auto` until an entry point says otherwise."""

    name: EngineName = "auto"
    secret: SecretEngine | None = None


def use_engine(name: str) -> None:
    """Choose the engine for private keys, once, at a process's entry point; `openssl` also verifies.

    Raises:
        CustodyError: no engine has this name, or it cannot work on this machine.
    """
    if name not in get_args(EngineName):
        raise CustodyError(Reason.ENGINE_MISSING, f"no engine is called {name!r}: choose auto, openssl or gmssl")
    if name == "gmssl":
        from ecert.sm2.by_gmssl import Gmssl  # noqa: PLC0415  (its import is slow, and only this choice needs it)

        _Choice.secret = Gmssl()
    else:
        _Choice.secret = _openssl()
        if name == "openssl" and _Choice.secret is None:
            raise CustodyError(Reason.ENGINE_MISSING, _MISSING)
    _Choice.name = name  # type: ignore[assignment]  # narrowed above by get_args


def secret_engine() -> SecretEngine:
    """Return the engine for private keys.

    Raises:
        CustodyError: there is none; the message says what to install or choose.
    """
    engine = _Choice.secret if _Choice.name == "gmssl" else _openssl()
    if engine is None:
        raise CustodyError(Reason.ENGINE_MISSING, _MISSING)
    return engine


@cache
def _slower() -> VerifyEngine:
    return _openssl() or _Tables()


@cache
def _kernel() -> compiled.Kernel | str:
    return compiled.load(_slower())


def kernel() -> compiled.Kernel | None:
    """Return the compiled verifier; None where there is none to trust, or OpenSSL was chosen."""
    found = None if _Choice.name == "openssl" else _kernel()
    return found if isinstance(found, compiled.Kernel) else None


def kernel_absence() -> str | None:
    """Say why the compiled verifier is not used; None where it is."""
    if _Choice.name == "openssl":
        return "off: the engine openssl was chosen"
    found = _kernel()
    return found if isinstance(found, str) else None


def verify_engine() -> VerifyEngine:
    """Return the engine for signatures: the compiled kernel, else libcrypto where it works, else our own arithmetic."""
    return kernel() or _slower()
