"""QR codes as pixels: drawn for files and terminals, and read from pictures."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Final

from ecert.errors import MalformedError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

    from ecert.ofd.pictures import Modules

LEVEL: Final = "Q"
"""Error correction of every code we draw: a quarter of it may be lost."""
MAX_PICTURE: Final = 20 * 1024 * 1024
"""The largest picture file read, in bytes."""
_MAX_PIXELS: Final = 50_000_000
_MAX_DRAWN: Final = 4_000_000
_ALPHANUMERIC: Final = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
_SCALE: Final = 8
_DARK: Final = b"\1" + bytes(255)
"""A pixel, 0 for black, as a module."""
_FORMATS: Final = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
SIGNATURES: Final = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"GIF8", b"RIFF", b"II*\x00", b"MM\x00*")
"""How the pictures that are read begin."""


def draw_png(text: str) -> bytes:
    """Draw a QR code as PNG: level Q, 8 pixels a module, quiet zone of 4 modules."""
    import zxingcpp  # noqa: PLC0415  (slow to load, and only needed for pictures)
    from PIL import Image  # noqa: PLC0415

    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=LEVEL)
    out = io.BytesIO()
    Image.fromarray(barcode.to_image(scale=_SCALE)).convert("1").save(out, "PNG", optimize=True)
    return out.getvalue()


def qr_modules(text: str) -> Modules:
    """Return the modules of a QR code, level Q, without its quiet zone."""
    import zxingcpp  # noqa: PLC0415  (slow to load, and only needed for pictures)

    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=LEVEL)
    image = barcode.to_image(scale=1, add_quiet_zones=False)
    (_, width), pixels = image.shape, bytes(image).translate(_DARK)  # type: ignore[call-overload]  # it is a buffer
    return tuple(pixels[at : at + width] for at in range(0, len(pixels), width))


def _segments(text: str) -> Iterator[tuple[str, bool]]:
    """Split a link into runs, each with whether QR's alphanumeric mode can carry it: both halves of a licence's."""
    link, mark, code = text.partition("#")
    yield link, _ALPHANUMERIC.issuperset(link)
    if mark:
        yield mark, False
        yield code, _ALPHANUMERIC.issuperset(code)


def draw_terminal(text: str) -> str:
    """Draw a QR code in half-block characters, light on dark, two modules a character."""
    import qrcode  # noqa: PLC0415
    from qrcode.util import MODE_8BIT_BYTE, MODE_ALPHA_NUM, QRData  # noqa: PLC0415

    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_Q, border=2)
    for run, alphanumeric in _segments(text):
        code.add_data(QRData(run.encode("ascii"), mode=MODE_ALPHA_NUM if alphanumeric else MODE_8BIT_BYTE), optimize=0)
    code.make(fit=True)
    out = io.StringIO()
    code.print_ascii(out=out, invert=True)
    return out.getvalue()


def read_picture(data: bytes) -> str:
    """Return the text of the one QR code in a picture.

    Raises:
        MalformedError: not a picture, too large, or without exactly one readable QR code.
    """
    import zxingcpp  # noqa: PLC0415

    formats = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
    found = {result.text for result in zxingcpp.read_barcodes(_open(data), formats=formats)}
    if not found:
        raise MalformedError(Reason.NO_QR_IN_IMAGE, "no readable QR code in the picture")
    licences = {text for text in found if text.upper().startswith("HTTPS://") and "/#" in text}
    candidates = licences or found
    if len(candidates) > 1:
        raise MalformedError(Reason.NO_QR_IN_IMAGE, f"{len(candidates)} QR codes in the picture: show one at a time")
    return candidates.pop()


def require_drawn(data: bytes) -> None:
    """Require a picture, of at most 4 million pixels, on which anything is drawn.

    Raises:
        MalformedError: not a picture, too large, or of one tone all over.
    """
    darkest, lightest = _open(data, _MAX_DRAWN).getextrema()
    if darkest == lightest:
        raise MalformedError(Reason.IMAGE_UNREADABLE, "nothing is drawn on it")


def _open(data: bytes, most: int = _MAX_PIXELS) -> Image:
    from PIL import Image  # noqa: PLC0415

    if len(data) > MAX_PICTURE:
        raise MalformedError(Reason.TOO_LARGE, f"a picture has at most {MAX_PICTURE} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # bounded below, before decoding
            picture = Image.open(io.BytesIO(data), formats=_FORMATS)
        _require_bounded(picture, most)
        # Transparent pictures are laid on white, as a person would see them.
        rgba = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("L")
    except MalformedError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever a hostile file provokes
        raise MalformedError(Reason.IMAGE_UNREADABLE, "the picture does not decode") from error


def _require_bounded(picture: Image, most: int) -> None:
    if picture.width * picture.height > most:
        raise MalformedError(Reason.TOO_LARGE, f"a picture has at most {most} pixels")
