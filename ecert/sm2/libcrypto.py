"""SM2 by the system's OpenSSL libcrypto (3.x), through ctypes: the default engine.

Its scalar multiplication is a constant-time ladder, its random generator reseeds after `fork`, and ctypes
releases the GIL for each call. Distributions that build OpenSSL without SM2 (RHEL, Fedora, Alpine) are
told apart by a known-answer probe.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import byref, c_char_p, c_int, c_long, c_size_t, c_void_p
from functools import lru_cache
from typing import Any, Final

from ecert.errors import CustodyError, Reason
from ecert.sm2.encoding import POINT_LENGTH, encode_private_key_info, encode_spki
from ecert.sm2.signature import DER_MAX_LENGTH, decode_der, encode_der

_LIBRARIES: Final = {
    "linux": ("libcrypto.so.3",),
    "darwin": (
        "/opt/homebrew/opt/openssl@3/lib/libcrypto.3.dylib",
        "/usr/local/opt/openssl@3/lib/libcrypto.3.dylib",
    ),
    "win32": ("libcrypto-3-x64.dll", "libcrypto-3.dll"),
}

_PROTOTYPES: Final[dict[str, tuple[Any, list[Any]]]] = {
    "OpenSSL_version": (c_char_p, [c_int]),
    "EVP_PKEY_CTX_new_from_name": (c_void_p, [c_void_p, c_char_p, c_char_p]),
    "EVP_PKEY_CTX_new_from_pkey": (c_void_p, [c_void_p, c_void_p, c_char_p]),
    "EVP_PKEY_CTX_free": (None, [c_void_p]),
    "EVP_PKEY_keygen_init": (c_int, [c_void_p]),
    "EVP_PKEY_generate": (c_int, [c_void_p, c_void_p]),
    "EVP_PKEY_get_bn_param": (c_int, [c_void_p, c_char_p, c_void_p]),
    "EVP_PKEY_free": (None, [c_void_p]),
    "EVP_PKEY_sign_init": (c_int, [c_void_p]),
    "EVP_PKEY_sign": (c_int, [c_void_p, c_char_p, c_void_p, c_char_p, c_size_t]),
    "EVP_PKEY_verify_init": (c_int, [c_void_p]),
    "EVP_PKEY_verify": (c_int, [c_void_p, c_char_p, c_size_t, c_char_p, c_size_t]),
    "BN_bn2binpad": (c_int, [c_void_p, c_char_p, c_int]),
    "BN_clear_free": (None, [c_void_p]),
    "d2i_AutoPrivateKey": (c_void_p, [c_void_p, c_void_p, c_long]),
    "d2i_PUBKEY": (c_void_p, [c_void_p, c_void_p, c_long]),
    "i2d_PUBKEY": (c_int, [c_void_p, c_void_p]),
    "ERR_clear_error": (None, []),
}

KEYS: Final = 8192
"""How many public keys are held ready; the least recently used goes first."""

# Known answer: the published example of GM/T 0003.5-2012, Annex A.
_PROBE_POINT: Final = bytes.fromhex(
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
_PROBE_E: Final = bytes.fromhex("f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640")
_PROBE_R: Final = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
_PROBE_S: Final = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA


class _Handle:
    """An EVP_PKEY, freed with its owner. Threads may share it: every operation opens its own context."""

    __slots__ = ("_free", "pointer")

    def __init__(self, pointer: int, free: Any) -> None:
        self.pointer = pointer
        self._free = free

    def __del__(self) -> None:
        self._free(self.pointer)


class Libcrypto:
    """The engine over one loaded library. Every secret operation stays inside OpenSSL."""

    name = "openssl"

    def __init__(self, library: ctypes.CDLL) -> None:
        """Declare the functions used; a missing one raises AttributeError."""
        for name, (result, arguments) in _PROTOTYPES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
        self._lib = library
        self.load_public = lru_cache(maxsize=KEYS)(self._load_public)
        self.version = (library.OpenSSL_version(0) or b"").decode("ascii", "replace")

    def generate(self) -> bytes:
        """Draw a private key: 32 bytes, big-endian, in 1..n-2."""
        lib = self._lib
        context = lib.EVP_PKEY_CTX_new_from_name(None, b"SM2", None)
        key, number = c_void_p(), c_void_p()
        scalar = ctypes.create_string_buffer(32)
        try:
            if (
                not context
                or lib.EVP_PKEY_keygen_init(context) != 1
                or lib.EVP_PKEY_generate(context, byref(key)) != 1
                or lib.EVP_PKEY_get_bn_param(key, b"priv", byref(number)) != 1
                or lib.BN_bn2binpad(number, scalar, 32) != 32  # noqa: PLR2004
            ):
                raise self._failure("key generation")
            return scalar.raw
        finally:
            ctypes.memset(scalar, 0, 32)
            lib.BN_clear_free(number)
            lib.EVP_PKEY_free(key)
            lib.EVP_PKEY_CTX_free(context)

    def load_private(self, scalar: bytes) -> _Handle:
        """Hand a 32-byte private key to OpenSSL."""
        return self._decode(self._lib.d2i_AutoPrivateKey, encode_private_key_info(scalar), "loading a private key")

    def _load_public(self, point: bytes) -> _Handle:
        """Hand a 65-byte uncompressed point, already checked, to OpenSSL."""
        return self._decode(self._lib.d2i_PUBKEY, encode_spki(point), "loading a public key")

    def public_point(self, handle: _Handle) -> bytes:
        """Return the 65-byte uncompressed public point of a private key."""
        length = self._lib.i2d_PUBKEY(handle.pointer, None)
        if length < POINT_LENGTH:
            raise self._failure("deriving a public key")
        buffer = ctypes.create_string_buffer(length)
        self._lib.i2d_PUBKEY(handle.pointer, byref(ctypes.cast(buffer, c_char_p)))
        return buffer.raw[-POINT_LENGTH:]

    def sign(self, handle: _Handle, e: bytes) -> tuple[int, int]:
        """Sign the 32-byte value e = SM3(Z ‖ M); OpenSSL draws the nonce."""
        lib = self._lib
        context = lib.EVP_PKEY_CTX_new_from_pkey(None, handle.pointer, None)
        out = ctypes.create_string_buffer(DER_MAX_LENGTH)
        length = c_size_t(DER_MAX_LENGTH)
        try:
            if (
                not context
                or lib.EVP_PKEY_sign_init(context) != 1
                or lib.EVP_PKEY_sign(context, out, byref(length), e, len(e)) != 1
            ):
                raise self._failure("signing")
            return decode_der(out.raw[: length.value])
        finally:
            lib.EVP_PKEY_CTX_free(context)

    def verify(self, handle: _Handle, e: bytes, r: int, s: int) -> bool:
        """Tell whether (r, s) is the key's signature over e."""
        lib = self._lib
        signature = encode_der(r, s)
        context = lib.EVP_PKEY_CTX_new_from_pkey(None, handle.pointer, None)
        try:
            if not context or lib.EVP_PKEY_verify_init(context) != 1:
                raise self._failure("verification")
            fits: int = lib.EVP_PKEY_verify(context, signature, len(signature), e, len(e))
            return fits == 1
        finally:
            lib.EVP_PKEY_CTX_free(context)
            lib.ERR_clear_error()

    def _decode(self, reader: Any, der: bytes, what: str) -> _Handle:
        pointer = reader(None, byref(c_char_p(der)), len(der))
        if not pointer:
            raise self._failure(what)
        return _Handle(pointer, self._lib.EVP_PKEY_free)

    def _failure(self, what: str) -> CustodyError:
        self._lib.ERR_clear_error()
        return CustodyError(Reason.ENGINE_FAILED, f"OpenSSL failed at {what}")

    def passes_probe(self) -> bool:
        """Verify the published example, refuse it altered, and sign and verify once."""
        try:
            known = self.load_public(_PROBE_POINT)
            fresh = self.load_private(self.generate())
            return (
                self.verify(known, _PROBE_E, _PROBE_R, _PROBE_S)
                and not self.verify(known, _PROBE_E, _PROBE_R, _PROBE_S - 1)
                and self.verify(fresh, _PROBE_E, *self.sign(fresh, _PROBE_E))
            )
        except CustodyError:
            return False


def find() -> Libcrypto | None:
    """Load the system's libcrypto; None where there is none, or it was built without SM2."""
    for name in _LIBRARIES.get(sys.platform, ()):
        try:
            engine = Libcrypto(ctypes.CDLL(name))
        except (OSError, AttributeError):
            continue
        if engine.passes_probe():
            return engine
    return None
