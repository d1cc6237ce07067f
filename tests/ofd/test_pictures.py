"""Pictures on a page: portraits, emblems, and the QR code's own PNG."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ecert.cli.pixels import qr_modules
from ecert.errors import IssuanceError, Reason
from ecert.licence.types import find_type
from ecert.ofd.archive import write_package
from ecert.ofd.drawing import PictureObject
from ecert.ofd.package import Package
from ecert.ofd.pages import read_pages
from ecert.ofd.pictures import MAX_PICTURE, Picture, qr_png
from ecert.ofd.sealing import Sealer, seal_file
from ecert.ofd.verification import assess_ofd
from tests.seal import forge
from tests.seal.world import NOW, World

from .licences import LINK, document, written

if TYPE_CHECKING:
    from ecert.ofd.fonts import FontSet


def drawn(kind: str, size: tuple[int, int] = (30, 40), mode: str = "RGB") -> bytes:
    out = BytesIO()
    Image.new(mode, size, "#c00").save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(("kind", "name"), [("PNG", "png"), ("JPEG", "jpg")])
def test_the_size_of_a_picture_is_read(kind: str, name: str) -> None:
    picture = Picture.read(drawn(kind))
    assert (picture.kind, picture.width, picture.height) == (name, 30, 40)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg/>",
        drawn("GIF", mode="P"),
        drawn("PNG")[:20],
        drawn("JPEG")[:30],
        b"\xff\xd8\xff\xc0\x00\x11\x08\x00\x00\x00\x00" + bytes(20),
        b"\xff\xd8" + b"\xff\xe0\x00\x02" * 1000,
        b"\xff\xd8\xff\xe0\x00\x00" + bytes(100),
        drawn("PNG") + bytes(MAX_PICTURE),
        drawn("PNG", (9000, 1), "1"),
    ],
)
def test_what_is_no_picture_or_too_large_is_refused(data: bytes) -> None:
    with pytest.raises(IssuanceError) as caught:
        Picture.read(data)
    assert caught.value.reason is Reason.LAYOUT_PICTURE_UNUSABLE


@given(st.binary(max_size=200))
def test_any_bytes_are_a_picture_or_refused(data: bytes) -> None:
    for head in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8"):
        try:
            Picture.read(head + data)
        except IssuanceError as error:
            assert error.reason is Reason.LAYOUT_PICTURE_UNUSABLE  # noqa: PT017


def test_a_picture_keeps_its_proportions() -> None:
    assert Picture.read(drawn("PNG")).fit((10, 10, 60, 40)) == pytest.approx((25, 10, 30, 40))


@pytest.mark.parametrize("text", ["A", LINK, "HTTPS://ZZ.EXAMPLE/#" + "9" * 900])
def test_a_qr_code_is_read_from_its_png(text: str) -> None:
    with Image.open(BytesIO(qr_png(qr_modules(text)))) as code:
        assert code.mode == "1"
        assert [one.text for one in zxingcpp.read_barcodes(code.convert("L"))] == [text]


def test_portrait_and_emblem_stand_in_their_places_and_are_sealed(fonts: FontSet, world: World) -> None:
    one = document(find_type("resident-identity-card"))
    portrait, emblem = Picture.read(drawn("JPEG", (358, 441))), Picture.read(drawn("PNG", (50, 50)))
    made = written(fonts, replace(one, face=replace(one.face, portrait=portrait, emblem=emblem)))
    sealer = Sealer(world.keys["department"], world.certificates["department"])
    package = seal_file(made.package, forge.seal(world), sealer, centre=made.seal, at=NOW)
    assert assess_ofd(write_package(package, NOW), validate=world.validate, at=NOW).error is None
    (read,) = read_pages(Package.of(package.parts), fonts)
    below = [item for item in read.page.template if isinstance(item, PictureObject)]
    above = [item for item in read.page.content if isinstance(item, PictureObject)]
    assert [item.data for item in below] == [emblem.data]
    assert portrait.data in [item.data for item in above]
    assert b"<ZP " in package.parts["Doc_0/Tags/CustomTag.xml"]
    plain = written(fonts, one)
    assert not [item for item in plain.pages[0].template if isinstance(item, PictureObject)]
