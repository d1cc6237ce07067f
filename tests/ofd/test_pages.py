"""Pages read back from files: what a file shows is what its picture shows, or there is no picture."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pypdfium2
import pytest
from PIL import Image, ImageChops, ImageFilter

from ecert.errors import EcertError, IssuanceError, MalformedError, Reason
from ecert.ofd.compose import PICTURE_MARK, marked_as_picture
from ecert.ofd.drawing import PathObject, PictureObject, TextObject
from ecert.ofd.package import Package
from ecert.ofd.pages import read_pages
from ecert.ofd.raster import svg_to_pdf, svg_to_png
from ecert.ofd.svg import page_text, write_svg

from .licences import TYPES, document, sealed, written

if TYPE_CHECKING:
    from ecert.licence.types import TypeDefinition
    from ecert.ofd.fonts import FontSet
    from tests.seal.world import World

SAMPLES = Path(__file__).parents[3] / "shared/samples"
CONTENT = "Doc_0/Pages/Page_0/Content.xml"


def picture(svg: bytes) -> Image.Image:
    with Image.open(BytesIO(svg_to_png(svg, resolution=72))) as drawn:
        return drawn.convert("L")


def differs(one: Image.Image, other: Image.Image) -> int:
    """The largest difference of any two pixels, after a little blur: lines may lie a fraction of a pixel apart."""
    soft = (image.filter(ImageFilter.GaussianBlur(1)) for image in (one, other))
    highest: tuple[int, int] = ImageChops.difference(*soft).getextrema()  # type: ignore[assignment]
    return highest[1]


@pytest.mark.parametrize("definition", TYPES, ids=lambda one: one.slug)
def test_a_page_read_back_is_the_page_that_was_written(definition: TypeDefinition, fonts: FontSet) -> None:
    made = written(fonts, document(definition))
    parts = dict(made.package.parts)
    parts["OFD.xml"] = parts["OFD.xml"].replace(b"<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures>", b"")
    (read,) = read_pages(Package.of(parts), fonts)
    assert (read.page.width, read.page.height) == (made.pages[0].width, made.pages[0].height)
    assert page_text(read.page) == page_text(made.pages[0])
    assert [type(one) for one in read.page.content] == [type(one) for one in made.pages[0].content]
    assert differs(picture(write_svg(read.page)), picture(write_svg(made.pages[0]))) < 24


def test_the_seal_is_set_where_its_signature_says(fonts: FontSet, world: World) -> None:
    one = document()
    (read,) = read_pages(Package.read(sealed(fonts, world, one)), fonts)
    (stamp,) = read.stamps
    x, y = one.layout.seal
    assert stamp.picture.box == pytest.approx((x - 21, y - 21, 42, 42))
    assert b"mix-blend-mode:multiply" in write_svg(read.page, read.stamps)


def test_a_pdf_is_the_same_page_and_says_that_it_is_a_picture(fonts: FontSet) -> None:
    page = marked_as_picture(written(fonts, document()).pages[0], fonts)
    svg = write_svg(page)
    pdf = svg_to_pdf(svg, page)
    assert pdf == svg_to_pdf(svg, page)
    assert PICTURE_MARK in page_text(page)
    opened = pypdfium2.PdfDocument(pdf)
    assert len(opened) == 1
    assert opened[0].get_size() == pytest.approx((page.width / 25.4 * 72, page.height / 25.4 * 72), abs=0.1)
    drawn = opened[0].render(scale=1).to_pil().convert("L")
    assert differs(drawn.resize(picture(svg).size), picture(svg)) < 120


def test_what_svg_must_escape_is_escaped(fonts: FontSet) -> None:
    page = written(fonts, document(legalRepresentative="<script>&\"'")).pages[0]
    svg = write_svg(page, title="<b>", note="&")
    assert b"<script>" not in svg
    assert b"<b>" not in svg


def changed(package: Package, part: str, old: bytes, new: bytes) -> Package:
    assert old in package.parts[part]
    return Package.of(dict(package.parts) | {part: package.parts[part].replace(old, new, 1)})


@pytest.mark.parametrize(
    ("part", "old", "new", "reason"),
    [
        (CONTENT, b"<ofd:TextObject ", b"<ofd:CompositeObject/><ofd:TextObject ", Reason.FILE_UNDRAWABLE),
        (CONTENT, b'Value="29 26 22"', b'Value="1 2 3 4"', Reason.FILE_UNDRAWABLE),
        (CONTENT, b'Value="29 26 22"', b'Value="1 2 999"', Reason.FILE_UNDRAWABLE),
        (CONTENT, b'ResourceID="', b'ResourceID="9', Reason.FILE_UNDRAWABLE),
        (CONTENT, b'Font="', b'Font="9', Reason.FILE_DAMAGED),
        (CONTENT, b'TemplateID="2"', b'TemplateID="3"', Reason.FILE_DAMAGED),
        (CONTENT, b'Boundary="', b'Boundary="a ', Reason.FILE_DAMAGED),
        (CONTENT, b'CTM="', b'CTM="1e999 ', Reason.FILE_DAMAGED),
        (CONTENT, b'DeltaX="', b'DeltaX="g x ', Reason.FILE_DAMAGED),
        (CONTENT, b'Size="', b'Size="big', Reason.FILE_DAMAGED),
        ("Doc_0/Tpls/Tpl_0/Content.xml", b"<ofd:AbbreviatedData>M", b"<ofd:AbbreviatedData>X", Reason.FILE_DAMAGED),
        ("OFD.xml", b"Doc_0/Document.xml", b"Doc_0/Nothing.xml", Reason.FILE_PART_MISSING),
        ("OFD.xml", b"Doc_0/Document.xml", b"../Document.xml", Reason.FILE_UNSAFE),
        ("Doc_0/Document.xml", b"Pages/Page_0/Content.xml", b"Document.xml", Reason.FILE_DAMAGED),
        ("Doc_0/Document.xml", b"<ofd:Pages>", b"<ofd:Bookmarks>", Reason.FILE_DAMAGED),
    ],
)
def test_a_page_with_something_that_is_not_drawn_is_not_drawn_at_all(
    part: str, old: bytes, new: bytes, reason: Reason, *, fonts: FontSet, world: World
) -> None:
    package = changed(Package.read(sealed(fonts, world, document())), part, old, new)
    with pytest.raises(MalformedError) as caught:
        read_pages(package, fonts)
    assert caught.value.reason is reason


def test_a_broken_embedded_font_is_replaced_by_one_at_hand(fonts: FontSet, world: World) -> None:
    package = Package.read(sealed(fonts, world, document()))
    broken = {name: b"broken" if name.endswith(".otf") else data for name, data in package.parts.items()}
    (read,) = read_pages(Package.of(broken), fonts)
    (whole,) = read_pages(package, fonts)
    assert page_text(read.page) == page_text(whole.page)


def test_turned_text_outlines_with_arcs_and_grey_are_read(fonts: FontSet, world: World) -> None:
    text = (
        '<ofd:TextObject ID="900" Boundary="10 20 30 5" CTM="0 1 -1 0 0 0" Font="%s" Size="4">'
        '<ofd:FillColor Value="128"/><ofd:TextCode X="0" Y="4" DeltaX="4" DeltaY="0 1">甲乙丙</ofd:TextCode>'
        '</ofd:TextObject><ofd:PathObject ID="901" Boundary="5 5 10 10" Alpha="51" Fill="true">'
        "<ofd:AbbreviatedData>S 0 0 M 1 1 A 2 2 0 1 1 3 3 C</ofd:AbbreviatedData></ofd:PathObject>"
    )
    package = Package.read(sealed(fonts, world, document()))
    font = package.parts[CONTENT].split(b'Font="')[1].split(b'"')[0]
    added = (text % font.decode()).encode() + b"<ofd:TextObject "
    (read,) = read_pages(changed(package, CONTENT, b"<ofd:TextObject ", added), fonts)
    turned, outline = read.page.content[:2]
    assert isinstance(turned, TextObject)
    assert turned.matrix == pytest.approx((0, 1, -1, 0, 10, 20))
    assert turned.colour == (128, 128, 128)
    assert [(run.text, run.x, run.y) for run in turned.runs] == [("甲", 0, 4), ("乙", 4, 4), ("丙", 8, 5)]
    assert isinstance(outline, PathObject)
    assert outline.path == "M 0 0 M 1 1 A 2 2 0 1 1 3 3 Z"
    assert outline.matrix == pytest.approx((1, 0, 0, 1, 5, 5))
    assert outline.opacity == pytest.approx(0.2)
    assert b'transform="matrix(0 1 -1 0 10 20)"' in write_svg(read.page)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample files are not beside this repository")
@pytest.mark.parametrize(("name", "pages"), [("v4-test-ca.ofd", 1), ("v4-test-ca-ofdxml-uncovered.ofd", 5)])
def test_files_of_other_software_are_drawn(name: str, pages: int, fonts: FontSet) -> None:
    read = read_pages(Package.read((SAMPLES / name).read_bytes()), fonts)
    assert len(read) == pages
    assert "发票" in page_text(read[0].page)
    assert any(isinstance(one, PictureObject) for one in read[0].page.content)
    assert svg_to_png(write_svg(read[0].page, read[0].stamps)).startswith(b"\x89PNG")


@pytest.mark.parametrize("resolution", [0, -1, 601, 100_000])
def test_a_resolution_out_of_bounds_is_refused(resolution: int) -> None:
    with pytest.raises(IssuanceError):
        svg_to_png(b"<svg/>", resolution=resolution)


def test_a_file_without_pages_says_so(fonts: FontSet) -> None:
    for parts in ({}, {"OFD.xml": b"<OFD/>"}, {"OFD.xml": b'<o:OFD xmlns:o="http://www.ofdspec.org/2016"/>'}):
        with pytest.raises(EcertError):
            read_pages(Package.of(parts), fonts)
