"""What a compiled kernel must answer before it is believed: known answers, and the same as another engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from ecert.sm2.curve import G, N
from ecert.sm2.signature import encode_der, encode_raw

if TYPE_CHECKING:
    from ecert.sm2.kernel import Compiled

_FITS, _DOES_NOT_FIT, _MALFORMED = 1, 2, 3

# The published example of GM/T 0003.5-2012, Annex A.
_POINT: Final = bytes.fromhex(
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
_MESSAGE: Final = b"message digest"
_E: Final = bytes.fromhex("f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640")
_R: Final = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
_S: Final = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA

# Under G as a public key: s·G + t·G with s = 5, t = 7, and e chosen to fit x(12·G).
_BASE: Final = b"\x04" + b"".join(value.to_bytes(32, "big") for value in G)
_E_OF_12: Final = bytes.fromhex("403d20934e8068e5276fa735fa641b9112888dfec5eb277db71cefdc375c1a1b")

_CASES: Final = (
    (_POINT, _E, _R, _S, True),
    (_POINT, _E, _R, _S - 1, False),
    (_POINT, _E, _S, _R, False),
    (_POINT, _E, _R, N - _S, False),
    (_POINT, _E[::-1], _R, _S, False),
    (_BASE, _E_OF_12, 2, 5, True),
    (_BASE, _E_OF_12, 2, 6, False),
    (_BASE, _E_OF_12, N - 10, 5, False),  # the sum is the point at infinity
)
_WINDOWS: Final = (0, 4, 7)


class Reference(Protocol):
    """The engine a kernel is compared with."""

    name: str

    def load_public(self, point: bytes) -> Any:
        """Prepare a point."""

    def verify(self, handle: Any, e: bytes, r: int, s: int) -> bool:
        """Tell whether (r, s) is a signature over e."""


def disagreement(compiled: Compiled, reference: Reference) -> str | None:
    """Return where a compiled kernel answers wrongly; None where it is sound."""
    try:
        return _wrong_equation(compiled, reference) or _wrong_call(compiled) or _wrong_text(compiled)
    except ValueError as error:
        return f"it refuses what is right: {error}"


def _wrong_equation(compiled: Compiled, reference: Reference) -> str | None:
    for number, (point, e, r, s, fits) in enumerate(_CASES):
        if reference.verify(reference.load_public(point), e, r, s) != fits:
            return f"{reference.name} itself answers case {number} wrongly"
        wanted = _FITS if fits else _DOES_NOT_FIT
        for window in _WINDOWS:
            if compiled.probe(point, encode_raw(r, s), e, window) != wanted:
                return f"case {number} with window {window}"
    return None


def _wrong_call(compiled: Compiled) -> str | None:
    """Try the calls that are really used, message and encodings included."""
    key = compiled.load_key(_POINT)
    good = encode_der(_R, _S)
    tries = (
        (good, _MESSAGE, _FITS),
        (good, _MESSAGE + b".", _DOES_NOT_FIT),
        *((signature, _MESSAGE, _MALFORMED) for signature in _malformed(good)),
    )
    if any(compiled.verify(key, signature, message, None, False) != wanted for signature, message, wanted in tries):  # noqa: FBT003
        return "a message is answered wrongly"
    many = compiled.verify_many([(key, signature, message, None) for signature, message, _ in tries], False)  # noqa: FBT003
    return None if many == bytes(wanted for *_, wanted in tries) else "a batch is answered wrongly"


def _wrong_text(compiled: Compiled) -> str | None:
    tries = ((b"", b""), (b"A0", b"\x0a"), (b"H./A0", b"\xff\xff\x0a"), (b"I./A0", None), (b"A", None), (b"A$0", None))
    return None if all(compiled.base41(text) == wanted for text, wanted in tries) else "base-41 is read wrongly"


def _malformed(good: bytes) -> tuple[bytes, ...]:
    """Return one signature of each class that a parser too lenient would take."""
    r, s = good[4:37], good[39:72]
    spelled = (  # each as the bodies of two INTEGERs
        (r[1:], s),  # negative
        (r, s[1:]),
        (b"\0" + r, s),  # not minimal
        (r, b"\0" + s),
        (b"\0", s),  # zero
        (r, b""),
        (b"\0" + N.to_bytes(32, "big"), s),  # n
        (b"\1" + bytes(32), s),  # above 2^256
    )
    sequences = tuple(_sequence(a, b) for a, b in spelled)
    return (b"", good[:-1], good + b"\0", good[:1] + b"\x81" + good[1:], b"\x31" + good[1:], *sequences)


def _sequence(r: bytes, s: bytes) -> bytes:
    body = b"".join(bytes((2, len(part))) + part for part in (r, s))
    return bytes((0x30, len(body))) + body
