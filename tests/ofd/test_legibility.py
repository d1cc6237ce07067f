"""Whether the QR code on a page is read from a picture of it: a table of conditions, with a pass mark for each type.

Pages are drawn at 200 and 300 dots per inch and spoilt as scanners, copiers and phones spoil them.
"""

from __future__ import annotations

import random
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
import zxingcpp
from PIL import Image, ImageEnhance, ImageFilter

from ecert.ofd.items import QrItem
from ecert.ofd.raster import svg_to_png
from ecert.ofd.svg import write_svg

from .licences import LINK, TYPES, document, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecert.licence.types import TypeDefinition
    from ecert.ofd.drawing import Box
    from ecert.ofd.fonts import FontSet


def jpeg(picture: Image.Image, quality: int) -> Image.Image:
    out = BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return Image.open(BytesIO(out.getvalue())).convert("L")


def rotated(picture: Image.Image, degrees: float) -> Image.Image:
    return picture.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=255)


def noisy(picture: Image.Image, spread: int) -> Image.Image:
    source = random.Random(1)  # noqa: S311  (noise)
    noise = Image.frombytes("L", picture.size, source.randbytes(picture.width * picture.height))
    return Image.blend(picture, noise, spread / 255)


def stained(picture: Image.Image) -> Image.Image:
    """Lay a dark spot over the middle, a seventh of the picture wide: about a twentieth of the code."""
    spoilt = picture.copy()
    side = picture.width // 7
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    spoilt.paste(60, (left, top, left + side, top + side))
    return spoilt


CONDITIONS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "blurred by 1 pixel": lambda picture: picture.filter(ImageFilter.GaussianBlur(1)),
    "blurred by 2 pixels": lambda picture: picture.filter(ImageFilter.GaussianBlur(2)),
    "turned by 3 degrees": lambda picture: rotated(picture, 3),
    "turned by 17 degrees": lambda picture: rotated(picture, 17),
    "upside down": lambda picture: rotated(picture, 180),
    "contrast of a third": lambda picture: ImageEnhance.Contrast(picture).enhance(1 / 3),
    "contrast of a tenth": lambda picture: ImageEnhance.Contrast(picture).enhance(0.1),
    "darkened to a half": lambda picture: ImageEnhance.Brightness(picture).enhance(0.5),
    "JPEG of quality 50": lambda picture: jpeg(picture, 50),
    "JPEG of quality 10": lambda picture: jpeg(picture, 10),
    "noise": lambda picture: noisy(picture, 100),
    "a stain": stained,
    "half the resolution": lambda picture: picture.reduce(2),
    "all of it": lambda picture: jpeg(
        ImageEnhance.Contrast(rotated(picture.filter(ImageFilter.GaussianBlur(0.8)), 5)).enhance(0.6), 40
    ),
}
PASS_MARK = {200: 12, 300: 13}
"""How many of the conditions must be read, by resolution; the same for every type."""
MARGIN = 12.0
"""Millimetres around the code that a phone sees too."""


@pytest.mark.parametrize("resolution", sorted(PASS_MARK))
@pytest.mark.parametrize("definition", TYPES, ids=lambda one: one.slug)
def test_the_code_on_a_page_is_read(definition: TypeDefinition, resolution: int, fonts: FontSet) -> None:
    one = document(definition)
    page = written(fonts, one).pages[0]
    with Image.open(BytesIO(svg_to_png(write_svg(page), resolution=resolution))) as drawn:
        whole = drawn.convert("L")
    assert read(whole) == [LINK]
    around = crop(whole, next(item.box for item in one.layout.items if isinstance(item, QrItem)), resolution)
    results = {name: read(spoil(around)) == [LINK] for name, spoil in CONDITIONS.items()}
    assert sum(results.values()) >= PASS_MARK[resolution], results


def read(picture: Image.Image) -> list[str]:
    formats = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
    return [one.text for one in zxingcpp.read_barcodes(picture, formats=formats)]


def crop(page: Image.Image, box: Box, resolution: int) -> Image.Image:
    """The code and what stands around it, as far as the page reaches."""
    x, y, w, h = box
    dots = resolution / 25.4
    return page.crop(
        ((x - MARGIN) * dots, (y - MARGIN) * dots, (x + w + MARGIN) * dots, (y + h + MARGIN) * dots),
    )
