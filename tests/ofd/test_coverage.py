"""What a signature must protect, and what it may leave: files of a few parts, each with one thing added."""

from __future__ import annotations

from base64 import b64encode

import pytest

from ecert.ofd.coverage import Coverage, Reach
from ecert.ofd.package import Package
from ecert.ofd.signatures import read_description, read_lists
from ecert.sm2 import sm3

HEAD = '<ofd:{0} xmlns:ofd="http://www.ofdspec.org/2016">{1}</ofd:{0}>'
LIST, FIRST, LATER = "Signs/Signatures.xml", "Signs/0.xml", "Signs/1.xml"
SIGNATURES = "".join(f'<ofd:Signature BaseLoc="/{name}"/>' for name in (FIRST, LATER))
FILE = {
    "OFD.xml": HEAD.format(
        "OFD", f"<ofd:DocBody><ofd:DocRoot>D.xml</ofd:DocRoot><ofd:Signatures>{LIST}</ofd:Signatures></ofd:DocBody>"
    ),
    "D.xml": HEAD.format(
        "Document",
        "<ofd:PublicRes>Res.xml</ofd:PublicRes>"
        '<ofd:Page ID="1" BaseLoc="Page.xml"/>'
        "<ofd:Annotations>Annots.xml</ofd:Annotations>",
    ),
    "Page.xml": HEAD.format("Page", ""),
}
"""Names resources and annotations that are not there."""
ANNOTATIONS = {
    "Annots.xml": HEAD.format("Annotations", "<ofd:Page><ofd:FileLoc>Note.xml</ofd:FileLoc></ofd:Page>"),
    "Note.xml": HEAD.format("PageAnnot", ""),
}


def description(parts: dict[str, str], number: int, more: str = "") -> str:
    references = "".join(
        f'<ofd:Reference FileRef="/{name}">'
        f"<ofd:CheckValue>{b64encode(sm3(data.encode())).decode()}</ofd:CheckValue></ofd:Reference>"
        for name, data in parts.items()
    )
    protected = f'<ofd:References CheckMethod="SM3">{references}</ofd:References>'
    return HEAD.format(
        "Signature",
        f"<ofd:SignedInfo>{protected}{more}</ofd:SignedInfo><ofd:SignedValue>/Signs/{number}.dat</ofd:SignedValue>",
    )


def signed(parts: dict[str, str]) -> dict[str, str]:
    return {**parts, LIST: HEAD.format("Signatures", SIGNATURES), FIRST: description(parts, 0), "Signs/0.dat": "value"}


def signed_again(
    file: dict[str, str], added: dict[str, str], *, leaves: tuple[str, ...] = (LIST,), seal: str = ""
) -> dict[str, str]:
    whole = {**file, **added}
    protected = {name: data for name, data in whole.items() if name not in leaves}
    more = f"<ofd:Seal><ofd:BaseLoc>/{seal}</ofd:BaseLoc></ofd:Seal>" if seal else ""
    return {**whole, LATER: description(protected, 1, more), "Signs/1.dat": "another value"}


def left(parts: dict[str, str], of: str = FIRST) -> tuple[str, ...]:
    package = Package.of({name: data.encode() for name, data in parts.items()})
    lists = read_lists(package)
    read = [read_description(package, one.part) for one in lists.listings if one.part is not None]
    (asked,) = [one for one in read if one.part == of]
    return Coverage(package, lists).unprotected(asked, [one for one in read if one.part != of])


def test_a_signature_over_everything_leaves_nothing() -> None:
    assert left(signed(FILE)) == ()


@pytest.mark.parametrize("name", ["Res.xml", "Annots.xml", "hidden.bin", "Signs/7.xml"])
def test_a_part_that_was_added_is_unprotected_wherever_it_is(name: str) -> None:
    assert left({**signed(FILE), name: HEAD.format("Res", "")}) == (name,)


def test_what_is_shown_is_told_first() -> None:
    assert left({**signed(FILE), "A.bin": "x", "Res.xml": HEAD.format("Res", "")}) == ("Res.xml", "A.bin")


def test_a_later_signature_may_bring_its_own_parts_and_annotations() -> None:
    both = signed_again(signed(FILE), ANNOTATIONS)
    assert left(both) == ()
    assert left(both, LATER) == ()


def test_a_later_signature_may_not_bring_anything_else() -> None:
    added = {"Res.xml": HEAD.format("Res", ""), "hidden.bin": "x"}
    assert left(signed_again(signed(FILE), added)) == ("Res.xml", "hidden.bin")


def test_a_seal_that_a_reader_would_take_for_a_resource_is_no_own_part() -> None:
    assert left(signed_again(signed(FILE), {"Seal.esl": "seal"}, seal="Seal.esl")) == ()
    assert left(signed_again(signed(FILE), {"Res.xml": HEAD.format("Res", "")}, seal="Res.xml")) == ("Res.xml",)


def test_annotations_that_the_later_signature_leaves_are_unprotected() -> None:
    both = signed_again(signed(FILE), ANNOTATIONS, leaves=(LIST, "Note.xml"))
    assert left(both) == ("Note.xml",)
    assert left(both, LATER) == ("Note.xml",)


def test_a_signature_that_does_not_protect_the_first_is_not_a_later_one() -> None:
    both = signed_again(signed(FILE), ANNOTATIONS, leaves=(LIST, FIRST, "Signs/0.dat"))
    assert left(both) == ("Annots.xml", "Note.xml", "Signs/1.dat", "Signs/1.xml")
    assert left(both, LATER) == ("Signs/0.dat", "Signs/0.xml")


def test_a_part_that_is_shown_otherwise_too_is_no_annotation() -> None:
    page = HEAD.format("Page", "<ofd:PageRes>Note.xml</ofd:PageRes>")
    assert left(signed_again(signed({**FILE, "Page.xml": page}), ANNOTATIONS)) == ("Note.xml",)


def test_a_part_that_is_first_met_as_a_leaf_is_followed_all_the_same() -> None:
    document = FILE["D.xml"].replace("<ofd:Annotations>", "<ofd:Cover>Page.xml</ofd:Cover><ofd:Annotations>")
    page = HEAD.format("Page", "<ofd:PageRes>Note.xml</ofd:PageRes>")
    assert left(signed_again(signed({**FILE, "D.xml": document, "Page.xml": page}), ANNOTATIONS)) == ("Note.xml",)


@pytest.mark.parametrize("page", ["no XML", "<!DOCTYPE a><a/>", HEAD.format("Page", "<ofd:PageRes>../x</ofd:PageRes>")])
def test_where_a_page_cannot_be_read_nothing_counts_as_an_annotation(page: str) -> None:
    assert left(signed_again(signed({**FILE, "Page.xml": page}), ANNOTATIONS)) == ("Annots.xml", "Note.xml")


def test_cycles_end() -> None:
    document = HEAD.format("Document", "<ofd:DocRoot>D.xml</ofd:DocRoot><ofd:PublicRes>/OFD.xml</ofd:PublicRes>")
    package = Package.of({"OFD.xml": FILE["OFD.xml"].encode(), "D.xml": document.encode()})
    assert Reach.of(package) == Reach(frozenset({"OFD.xml", "D.xml"}), frozenset())
