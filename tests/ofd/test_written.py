"""Files we write: the same every time, complete, sealed all over, and the same page as their SVG."""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from fontTools.ttLib import TTFont
from lxml import etree

from ecert.errors import IssuanceError, Reason
from ecert.ofd.archive import write_package
from ecert.ofd.drawing import Page, TextObject
from ecert.ofd.fonts import FontFace, FontSet
from ecert.ofd.package import Package
from ecert.ofd.sealing import Sealer, seal_file, sign_file
from ecert.ofd.signatures import read_description, read_lists
from ecert.ofd.svg import write_svg
from ecert.ofd.text import Style, set_text
from ecert.ofd.verification import assess_ofd
from ecert.seal import ValueKind
from tests.seal import forge
from tests.seal.fonts import small_font
from tests.seal.world import NOW, World

from .licences import BUSINESS, RECORD, TYPES, document, documents, sealed, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecert.licence.types import TypeDefinition

ALL = pytest.mark.parametrize("definition", TYPES, ids=lambda one: one.slug)
PAGES = ("Doc_0/Tpls/Tpl_0/Content.xml", "Doc_0/Pages/Page_0/Content.xml")
SVG = "{http://www.w3.org/2000/svg}"


def nodes(package: Package, part: str, name: str) -> list[etree._Element]:
    return list(etree.fromstring(package.parts[part]).iter(f"{{*}}{name}"))


def moved(deltas: str) -> Iterator[float]:
    """Read DeltaX, where `g n d` stands for n times d."""
    steps = iter(deltas.split())
    for step in steps:
        if step == "g":
            times, distance = int(next(steps)), float(next(steps))
            yield from [distance] * times
        else:
            yield float(step)


def characters(package: Package) -> list[tuple[str, str, float, float, float]]:
    """Font, character, place and size of everything written on the page, as a reader of the file finds it."""
    found = []
    for part in PAGES:
        for text in nodes(package, part, "TextObject"):
            left, top = (float(one) for one in text.get("Boundary", "").split()[:2])
            for code in text.iter("{*}TextCode"):
                x, y = left + float(code.get("X", "")), top + float(code.get("Y", ""))
                steps = [*moved(code.get("DeltaX", "")), 0.0]
                assert len(steps) == len(code.text or "")
                for character, step in zip(code.text or "", steps, strict=True):
                    found.append((text.get("Font", ""), character, x, y, float(text.get("Size", ""))))
                    x += step
    return found


def written_in(text: etree._Element) -> str:
    return "".join(code.text or "" for code in text.iter("{*}TextCode"))


def numbers(text: str) -> set[int]:
    """The numbers in a text: dates are shown in many forms."""
    return {int(one) for one in re.findall(r"[0-9]+", text)}


def test_the_same_licence_and_instant_give_the_same_bytes(fonts: FontSet) -> None:
    for definition in TYPES:
        first, second = (write_package(written(fonts, document(definition)).package, NOW) for _ in range(2))
        assert first == second


@ALL
def test_a_sealed_file_verifies_and_covers_every_part(definition: TypeDefinition, fonts: FontSet, world: World) -> None:
    for one in documents(definition):
        report = assess_ofd(sealed(fonts, world, one), validate=world.validate, at=NOW)
        assert report.error is None
        assert [signature.kind for signature in report.signatures] == [ValueKind.SEALING]


def test_no_changed_part_verifies(fonts: FontSet, world: World) -> None:
    package = Package.read(sealed(fonts, world, document()))
    for name, data in package.parts.items():
        changed = dict(package.parts) | {name: data[:-1] + bytes((data[-1] ^ 1,))}
        report = assess_ofd(write_package(Package.of(changed), NOW), validate=world.validate, at=NOW)
        assert report.error is not None, name


@ALL
def test_every_character_is_in_the_font_embedded_for_it(definition: TypeDefinition, fonts: FontSet) -> None:
    package = written(fonts, document(definition)).package
    maps = {}
    for font in nodes(package, "Doc_0/PublicRes.xml", "Font"):
        data = package.parts["Doc_0/Res/" + font.findtext("{*}FontFile", "")]
        assert len(data) < 60_000
        maps[font.get("ID")] = TTFont(BytesIO(data)).getBestCmap()
    for font_id, character, *_ in characters(package):
        assert ord(character) in maps[font_id]


@ALL
def test_the_svg_shows_the_same_characters_in_the_same_places(definition: TypeDefinition, fonts: FontSet) -> None:
    made = written(fonts, document(definition))
    svg = etree.fromstring(write_svg(made.pages[0]))
    outlines = {path.get("id"): path.get("d") for path in svg.iter(f"{SVG}path") if path.get("id")}
    drawn = []
    for use in svg.iter(f"{SVG}use"):
        scale, _, _, _, x, y = (float(one) for one in re.findall(r"[-0-9.]+", use.get("transform", "")))
        drawn.append((outlines[use.get("href", "")[1:]], x, y, scale * 1000))
    names = {font.get("ID"): font.get("FontName", "") for font in nodes(made.package, "Doc_0/PublicRes.xml", "Font")}
    faces = {
        run.face.name: run.face
        for one in (*made.pages[0].template, *made.pages[0].content)
        for run in getattr(one, "runs", ())
    }
    told = []
    for font_id, character, x, y, size in characters(made.package):
        face = next(face for name, face in faces.items() if names[font_id].startswith(name))
        shape = face.shape(character).path
        if shape:
            told.append((shape, x, y, size))
    assert len(told) == len(drawn)
    for one, other in zip(told, drawn, strict=True):
        assert one[0] == other[0]
        assert one[1:] == pytest.approx(other[1:], abs=0.1)  # distances are written to the micrometre, and add up


def test_two_fonts_without_names_are_two_fonts() -> None:
    faces = [FontFace(small_font("甲")) for _ in range(2)]
    assert faces[0].name == faces[1].name
    box, style = (0.0, 0.0, 20.0, 5.0), Style("song", 4.0, (0, 0, 0))
    texts = [TextObject(box, (0, 0, 0), set_text("甲", style, box, FontSet({"song": face}))) for face in faces]
    svg = write_svg(Page(20.0, 5.0, (), tuple(texts)))
    assert svg.count(b"<path id=") == 2


@ALL
def test_the_data_index_leads_to_the_objects_that_show_the_items(definition: TypeDefinition, fonts: FontSet) -> None:
    one = document(definition)
    package = written(fonts, one).package
    page = {node.get("ID", ""): node for node in nodes(package, PAGES[1], "TextObject")}
    metadata = {node.get("Name", ""): node.text for node in nodes(package, "OFD.xml", "CustomData")}
    (page_node,) = nodes(package, "Doc_0/Document.xml", "Page")
    index = etree.fromstring(package.parts["Doc_0/Tags/CustomTag.xml"])
    indexed = {etree.QName(item).localname: list(item.iter("{*}ObjectRef")) for item in index}
    assert len(indexed) >= len(one.face.values) // 2
    for name in indexed.keys() & metadata.keys():
        references = indexed[name]
        assert references
        assert {reference.get("PageRef") for reference in references} == {page_node.get("ID")}
        shown = " ".join(written_in(page[reference.text or ""]) for reference in references)
        assert (metadata[name] or "") in shown or numbers(metadata[name] or "") <= numbers(shown)


@ALL
def test_all_values_stand_in_the_metadata(definition: TypeDefinition, fonts: FontSet) -> None:
    one = document(definition)
    package = written(fonts, one).package
    metadata = {node.get("Name", ""): node.text for node in nodes(package, "OFD.xml", "CustomData")}
    values = one.face.values
    assert metadata["ZZBS"] == values["certificateIdentifier"]
    assert metadata["CZZT"] == values["certificateHolderName"]
    for name, short in one.layout.short_names.items():
        assert metadata.get(f"KZ_{short}") == (str(values[name]) if name in values else None)


def test_identifiers_are_unique_and_not_over_the_highest_told(fonts: FontSet) -> None:
    package = written(fonts, document()).package
    parts = (*PAGES, "Doc_0/PublicRes.xml", "Doc_0/DocumentRes.xml")
    told = [node.get("ID") for part in parts for node in etree.fromstring(package.parts[part]).iter("{*}*")]
    found = [int(text) for text in told if text]
    (highest,) = nodes(package, "Doc_0/Document.xml", "MaxUnitID")
    assert len(set(found)) == len(found)
    assert max(found) <= int(highest.text or "")


def test_the_sealed_record_is_attached(fonts: FontSet) -> None:
    package = written(fonts, document()).package
    (place,) = nodes(package, "Doc_0/Attachs/Attachments.xml", "FileLoc")
    assert package.parts[f"Doc_0/Attachs/{place.text}"] == RECORD


def test_what_xml_must_escape_comes_back_as_it_was(fonts: FontSet) -> None:
    name = "<甲&乙> \"丙\" '丁' ]]>"
    package = written(fonts, document(BUSINESS, legalRepresentative=name)).package
    metadata = {node.get("Name", ""): node.text for node in nodes(package, "OFD.xml", "CustomData")}
    assert metadata["KZ_FDDBR"] == name
    assert name in set(map(written_in, nodes(package, PAGES[1], "TextObject")))


def test_a_second_signature_leaves_the_first_as_it_was_and_both_verify(fonts: FontSet, world: World) -> None:
    once = Package.read(sealed(fonts, world, document()))
    sealer = Sealer(world.keys["department"], world.certificates["department"])
    for twice in (
        seal_file(once, forge.seal(world), sealer, centre=(50, 50), at=NOW),
        sign_file(once, Sealer(world.keys["other"], world.certificates["other"]), at=NOW),
    ):
        for name, data in once.parts.items():
            assert name == "Doc_0/Signs/Signatures.xml" or twice.parts[name] == data
        report = assess_ofd(write_package(twice, NOW), validate=world.validate, at=NOW)
        assert report.error is None
        assert len(report.signatures) == 2


def test_a_file_whose_list_is_protected_takes_no_further_signature(fonts: FontSet, world: World) -> None:
    parts = dict(Package.read(sealed(fonts, world, document())).parts)
    description = "Doc_0/Signs/Sign_0/Signature.xml"
    closed = parts[description].replace(b'FileRef="/OFD.xml"', b'FileRef="/Doc_0/Signs/Signatures.xml"')
    assert closed != parts[description]
    package = Package.of(parts | {description: closed})
    with pytest.raises(IssuanceError) as caught:
        sign_file(package, Sealer(world.keys["other"], world.certificates["other"]), at=NOW)
    assert caught.value.reason is Reason.COPY_REFUSED


def test_the_seal_stands_where_the_layout_says_in_its_own_size(fonts: FontSet, world: World) -> None:
    one = document()
    package = Package.read(sealed(fonts, world, one))
    (listing,) = read_lists(package).listings
    assert listing.part is not None
    (stamp,) = read_description(package, listing.part).stamps
    x, y, w, h = stamp.boundary
    assert (w, h) == (42, 42)
    assert (x + w / 2, y + h / 2) == one.layout.seal
