"""Texts that a page cannot hold go on on further pages: nothing a type allows is refused, cut off, or set too small."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from ecert.errors import IssuanceError, Reason
from ecert.ofd.archive import write_package
from ecert.ofd.compose import FaceContent, compose
from ecert.ofd.continuation import MARK
from ecert.ofd.copies import CopyNote, make_copy
from ecert.ofd.drawing import TextObject
from ecert.ofd.package import Package
from ecert.ofd.pages import read_pages
from ecert.ofd.sealing import Sealer, seal_file
from ecert.ofd.svg import page_text, write_svg
from ecert.ofd.text import FLOOR, Style, begin_text
from ecert.ofd.verification import Verdict, assess_ofd
from ecert.ofd.writer import write_licence
from ecert.ofd.xml import parse_xml, text
from tests.seal import forge
from tests.seal.world import DAY, NOW, World

from .licences import BUSINESS, TYPES, document
from .test_layouts import boxes, overlap

if TYPE_CHECKING:
    from ecert.licence.types import TypeDefinition
    from ecert.ofd.drawing import Page
    from ecert.ofd.fonts import FontSet
    from ecert.ofd.writer import LicenceDocument, WrittenLicence

CHINESE = "样例经营范围包括预包装食品销售、软件开发；"
LATIN = "Sample Trading and Technology Development "
ALL = pytest.mark.parametrize("definition", TYPES, ids=lambda one: one.slug)
LETTERS = pytest.mark.parametrize("letters", [CHINESE, LATIN], ids=["Chinese", "Latin"])


def of_length(letters: str, length: int) -> str:
    return (letters * (length // len(letters) + 1))[:length].strip().ljust(length, "x")


def longest(definition: TypeDefinition, letters: str) -> LicenceDocument:
    """A licence with the longest text that its type takes in every item."""
    texts = {one.name: of_length(letters, one.max_length) for one in definition.fields if one.kind == "text"}
    name = of_length(letters, 256)
    return document(definition, **texts | {"certificateHolderName": name, "certificateNumber": "样" * 128})


def shown(page: Page, name: str) -> list[str]:
    texts = (one for one in page.content if isinstance(one, TextObject) and one.items == (name,))
    return ["".join(run.text for run in one.runs) for one in texts]


def sizes(page: Page) -> set[float]:
    return {run.size for one in page.content if isinstance(one, TextObject) and one.items for run in one.runs}


@ALL
@LETTERS
def test_the_longest_texts_a_type_takes_are_all_there(definition: TypeDefinition, letters: str, fonts: FontSet) -> None:
    one = longest(definition, letters)
    first, *others = compose(one.layout, one.face, fonts)
    texts = [field.name for field in definition.fields if field.kind == "text"]
    for name in (*texts, "certificateHolderName", "certificateNumber"):
        whole = squeezed(str(one.face.values[name]))
        rest = squeezed("".join(text for page in others for text in shown(page, name)))
        for begun in map(squeezed, shown(first, name)):
            kept = begun.removesuffix(MARK)
            at = kept.index(whole[:8])
            assert whole.startswith(kept[at:])
            assert whole.endswith(rest)
            assert len(kept) - at + len(rest) >= len(whole)
            assert begun.endswith(MARK) or kept[at:] == whole
    assert min(min(sizes(page)) for page in (first, *others)) >= FLOOR


def squeezed(text: str) -> str:
    """A text without blanks: where a line breaks, one is not set."""
    return text.replace(" ", "")


@ALL
@LETTERS
def test_nothing_overlaps_on_any_page(definition: TypeDefinition, letters: str, fonts: FontSet) -> None:
    one = longest(definition, letters)
    for page in compose(one.layout, one.face, fonts):
        found = boxes(page)
        assert [(a[0], b[0]) for a, b in combinations(found, 2) if overlap(a[1], b[1])] == []
        for name, (x, y, w, h) in found:
            assert x >= 0 <= y, name
            assert x + w <= page.width, name
            assert y + h <= page.height, name


@ALL
def test_an_ordinary_licence_has_one_page(definition: TypeDefinition, fonts: FontSet) -> None:
    one = document(definition)
    assert len(compose(one.layout, one.face, fonts)) == 1


@pytest.fixture
def long(fonts: FontSet) -> WrittenLicence:
    return write_licence(document(BUSINESS, businessScope=of_length(CHINESE, 2000)), fonts, NOW)


def sealed(made: WrittenLicence, world: World) -> Package:
    sealer = Sealer(world.keys["department"], world.certificates["department"])
    return seal_file(made.package, forge.seal(world), sealer, centre=made.seal, others=made.others, at=NOW)


def test_every_page_is_read_back_with_the_seal_on_it(long: WrittenLicence, fonts: FontSet, world: World) -> None:
    assert len(long.pages) > 1
    read = read_pages(Package.read(write_package(sealed(long, world), NOW)), fonts)
    assert [page_text(one.page) for one in read] == [page_text(page) for page in long.pages]
    assert [len(one.stamps) for one in read] == [1] * len(long.pages)


def test_every_page_is_protected(long: WrittenLicence, world: World) -> None:
    package = sealed(long, world)
    assert assess_ofd(write_package(package, NOW), validate=world.validate, at=NOW).verdict is Verdict.VALID
    for name in (name for name in package.parts if name.startswith("Doc_0/Pages/")):
        bent = Package.of({**package.parts, name: package.parts[name].replace("样".encode(), "冒".encode(), 1)})
        report = assess_ofd(write_package(bent, NOW), validate=world.validate, at=NOW)
        assert report.verdict is Verdict.INVALID


def test_the_data_index_names_the_objects_of_both_pages(long: WrittenLicence) -> None:
    index = parse_xml(long.package.parts["Doc_0/Tags/CustomTag.xml"], "index")
    entry = index.find("KZ_JYFW")
    assert entry is not None
    pages = {reference.get("PageRef"): text(reference) for reference in entry}
    assert set(pages) == {"1", *long.others}
    for number, identifier in enumerate(pages.values()):
        assert f'ID="{identifier}"'.encode() in long.package.parts[f"Doc_0/Pages/Page_{number}/Content.xml"]


def test_a_copy_has_its_watermark_on_every_page(long: WrittenLicence, fonts: FontSet, world: World) -> None:
    note = CopyNote("样例银行", "开立账户", (NOW + DAY).date(), NOW)
    sealer = Sealer(world.keys["other"], world.certificates["other"])
    copy = make_copy(sealed(long, world), note, sealer, fonts)
    assert assess_ofd(write_package(copy, NOW), validate=world.validate, at=NOW).verdict is Verdict.VALID
    for read in read_pages(copy, fonts):
        assert write_svg(read.page).count(b'opacity="0.2') == 6


def test_the_same_licence_gives_the_same_pages(long: WrittenLicence, fonts: FontSet) -> None:
    again = write_licence(document(BUSINESS, businessScope=of_length(CHINESE, 2000)), fonts, NOW)
    assert again.package.parts == long.package.parts


def test_a_text_of_two_values_does_not_go_on(fonts: FontSet) -> None:
    one = document(
        next(one for one in TYPES if one.slug == "resident-identity-card"), certificateExpiringDate="长期" * 200
    )
    with pytest.raises(IssuanceError) as caught:
        compose(one.layout, one.face, fonts)
    assert caught.value.reason is Reason.LAYOUT_TEXT_TOO_LONG


def test_more_than_twenty_pages_are_refused(fonts: FontSet) -> None:
    one = document(BUSINESS)
    face = FaceContent({**one.face.values, "businessScope": of_length(CHINESE, 40_000)}, one.face.qr)
    with pytest.raises(IssuanceError) as caught:
        compose(one.layout, face, fonts)
    assert caught.value.reason is Reason.LAYOUT_TEXT_TOO_LONG


def test_a_box_too_narrow_for_the_mark_is_refused(fonts: FontSet) -> None:
    style = Style("song", 4, (0, 0, 0))
    with pytest.raises(IssuanceError):
        begin_text("样例" * 50, style, (0, 0, 9, 5), fonts, MARK)
