"""Annotated copies: the licence's own seal stays good, and nobody can annotate without answering for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from ecert.errors import IssuanceError, MalformedError, Reason
from ecert.ofd.archive import write_package
from ecert.ofd.copies import NOTE, CopyNote, make_copy, read_note
from ecert.ofd.package import Package
from ecert.ofd.pages import read_pages
from ecert.ofd.sealing import Sealer, sign_file
from ecert.ofd.svg import write_svg
from ecert.ofd.verification import FileCheck, OfdReport, assess_ofd
from ecert.ofd.writer import ANNOTATIONS, SIGNATURES
from ecert.seal import Outcome, ValueKind
from tests.seal.world import DAY, NOW, World

from .licences import TYPES, document, sealed

if TYPE_CHECKING:
    from ecert.licence.types import TypeDefinition
    from ecert.ofd.fonts import FontSet

CREATOR = "广州市样例区政务服务中心"
WORDS = CopyNote(CREATOR, "办理企业变更登记", date(2026, 12, 31), NOW)


@pytest.fixture(scope="session")
def original(fonts: FontSet, world: World) -> Package:
    return Package.read(sealed(fonts, world, document()))


@pytest.fixture(scope="session")
def copy(original: Package, fonts: FontSet, world: World) -> Package:
    return make_copy(original, WORDS, service(world), fonts)


def service(world: World) -> Sealer:
    return Sealer(world.keys["other"], world.certificates["other"])


def assess(package: Package, world: World) -> OfdReport:
    return assess_ofd(write_package(package, NOW), validate=world.validate, at=NOW)


def with_parts(package: Package, **parts: bytes | None) -> Package:
    merged = dict(package.parts) | {name: data for name, data in parts.items() if data is not None}
    return Package.of({name: data for name, data in merged.items() if parts.get(name, data) is not None})


@pytest.mark.parametrize("definition", TYPES, ids=lambda one: one.slug)
def test_both_signatures_of_a_copy_verify_and_each_covers_all_it_should(
    definition: TypeDefinition, fonts: FontSet, world: World
) -> None:
    package = Package.read(sealed(fonts, world, document(definition)))
    report = assess(make_copy(package, WORDS, service(world), fonts), world)
    assert report.error is None
    assert [one.kind for one in report.signatures] == [ValueKind.SEALING, ValueKind.SIGNED_DATA]
    assert report.signatures[1].signer == world.certificates["other"].der
    assert report.signatures[1].signed_at == NOW


def test_no_part_of_the_original_is_altered_but_its_list_of_signatures(original: Package, copy: Package) -> None:
    altered = {name for name, data in original.parts.items() if copy.parts.get(name) != data}
    assert altered == {SIGNATURES}
    assert copy.parts.keys() - original.parts.keys() == {
        ANNOTATIONS,
        NOTE,
        "Doc_0/Signs/Sign_1/Signature.xml",
        "Doc_0/Signs/Sign_1/SignedValue.dat",
    }


def test_a_copy_says_who_why_and_until_when(original: Package, copy: Package) -> None:
    assert read_note(copy) == WORDS
    assert read_note(original) is None


def test_the_watermark_is_on_the_page(original: Package, copy: Package, fonts: FontSet) -> None:
    (plain,), (marked,) = read_pages(original, fonts), read_pages(copy, fonts)
    added = marked.page.content[len(plain.page.content) :]
    assert len(added) == 6
    assert write_svg(marked.page).count(b'opacity="0.2') == 6


def test_the_same_note_and_instant_give_the_same_watermark(
    original: Package, copy: Package, fonts: FontSet, world: World
) -> None:
    again = make_copy(original, WORDS, service(world), fonts)
    assert again.parts[NOTE] == copy.parts[NOTE]


def test_an_annotation_that_nobody_signed_is_not_valid(original: Package, copy: Package, world: World) -> None:
    forged = with_parts(original, **{ANNOTATIONS: copy.parts[ANNOTATIONS], NOTE: copy.parts[NOTE]})
    error = assess(forged, world).error
    assert error is not None
    assert error.reason is Reason.FILE_PART_UNPROTECTED
    assert NOTE in error.detail


def test_a_copy_with_another_note_is_not_valid(copy: Package, world: World) -> None:
    forged = with_parts(copy, **{NOTE: copy.parts[NOTE].replace("办理".encode(), "注销".encode())})
    error = assess(forged, world).error
    assert error is not None
    assert error.reason is Reason.FILE_PART_UNPROTECTED  # the licence's seal comes first: nothing good covers the note
    second = assess(forged, world).signatures[1]
    assert second.error is not None
    assert second.error.reason is Reason.FILE_PART_CHANGED


def test_a_copy_without_its_signature_is_not_valid(original: Package, copy: Package, world: World) -> None:
    stripped = with_parts(
        copy,
        **{
            SIGNATURES: original.parts[SIGNATURES],
            "Doc_0/Signs/Sign_1/Signature.xml": None,
            "Doc_0/Signs/Sign_1/SignedValue.dat": None,
        },
    )
    error = assess(stripped, world).error
    assert error is not None
    assert error.reason is Reason.FILE_PART_UNPROTECTED


def test_a_copy_signed_by_somebody_unknown_is_not_valid(original: Package, fonts: FontSet, world: World) -> None:
    stranger = World.build()
    report = assess(make_copy(original, WORDS, service(stranger), fonts), world)
    assert report.error is not None
    assert report.signatures[0].error is None
    assert report.signatures[1].error is not None


@pytest.mark.parametrize("part", ["Doc_0/Extra.xml", "Doc_0/Pages/Page_1/Content.xml", "Doc_0/Res/more.png"])
def test_a_later_signature_may_add_annotations_and_nothing_else(part: str, original: Package, world: World) -> None:
    signed = sign_file(with_parts(original, **{part: b"<x/>"}), service(world), at=NOW)
    first, second = assess(signed, world).signatures
    assert second.error is None
    assert [one.check for one in first.findings if one.outcome is Outcome.FAILED] == [FileCheck.COVERAGE]
    assert first.error is not None
    assert part in first.error.detail


def test_a_copy_of_a_copy_is_refused(copy: Package, fonts: FontSet, world: World) -> None:
    with pytest.raises(IssuanceError, match="annotated copy already") as caught:
        make_copy(copy, WORDS, service(world), fonts)
    assert caught.value.reason is Reason.COPY_REFUSED


@pytest.mark.parametrize(
    "note",
    [
        replace(WORDS, creator=""),
        replace(WORDS, creator="中" * 257),
        replace(WORDS, cause="事" * 201),
        replace(WORDS, cause="事\n由"),
        replace(WORDS, expires=(NOW - 2 * DAY).date()),
    ],
)
def test_a_note_that_cannot_be_is_refused(note: CopyNote, original: Package, fonts: FontSet, world: World) -> None:
    with pytest.raises(IssuanceError) as caught:
        make_copy(original, note, service(world), fonts)
    assert caught.value.reason is Reason.COPY_REFUSED


def test_the_longest_note_is_set(original: Package, fonts: FontSet, world: World) -> None:
    note = replace(WORDS, creator="中" * 256, cause="事" * 200, expires=(NOW + timedelta(days=1)).date())
    copy = make_copy(original, note, service(world), fonts)
    assert read_note(copy) == note
    assert assess(copy, world).error is None


def test_files_with_no_place_for_annotations_are_refused(original: Package, fonts: FontSet, world: World) -> None:
    root = original.parts["Doc_0/Document.xml"]
    for package in (
        Package.of({"OFD.xml": b"<x/>"}),
        with_parts(original, **{"Doc_0/Document.xml": root.replace(b"Annots/Annotations.xml", b"Elsewhere.xml")}),
        with_parts(original, **{"Doc_0/annots/annotations.XML": b"<x/>"}),
    ):
        with pytest.raises(IssuanceError) as caught:
            make_copy(package, WORDS, service(world), fonts)
        assert caught.value.reason is Reason.COPY_REFUSED


def test_a_note_that_says_half_of_it_is_damaged(copy: Package) -> None:
    for broken in (
        copy.parts[NOTE].replace(b"2026-12-31", b"x"),
        copy.parts[NOTE].replace(b'Name="JZJZZSY"', b'Name="JZJZZSX"'),
    ):
        with pytest.raises(MalformedError) as caught:
            read_note(Package.of({**copy.parts, NOTE: broken}))
        assert caught.value.reason is Reason.FILE_DAMAGED


def test_what_other_software_annotated_is_no_copy(original: Package) -> None:
    note = b'<ofd:PageAnnot xmlns:ofd="http://www.ofdspec.org/2016"><ofd:Annot ID="9" Type="Stamp"/></ofd:PageAnnot>'
    assert read_note(Package.of({**original.parts, NOTE: note})) is None
