"""A corpus of damaged files: each gets a report with a reason, in bounded time and memory, and never "valid"."""

from __future__ import annotations

import random
import re
import time
import tracemalloc
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from ecert.errors import EcertError, Reason, RejectedError
from ecert.ofd.archive import write_package
from ecert.ofd.copies import CopyNote, make_copy, read_note
from ecert.ofd.package import Package
from ecert.ofd.pages import read_pages
from ecert.ofd.sealing import Sealer
from ecert.ofd.verification import assess_ofd
from ecert.x509 import Purpose
from tests.seal.damage import damaged
from tests.seal.world import NOW

from .licences import document, sealed
from .zips import Zip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from ecert.ofd.fonts import FontSet
    from ecert.x509 import PathValidator, ValidatedPath
    from tests.seal.world import World

SLOW = 2.0
"""Seconds that no damaged file may take; a whole one takes some milliseconds."""
LARGE = 400 * 1024 * 1024
"""Bytes that no damaged file may take."""
LIST = "Doc_0/Signs/Signatures.xml"
DESCRIPTION = "Doc_0/Signs/Sign_0/Signature.xml"
VALUE = "Doc_0/Signs/Sign_0/SignedValue.dat"
SEAL = "Doc_0/Signs/Sign_0/Seal.esl"
DEEP = b"<ofd:a>" * 5000
BILLION = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + b"".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">'.encode() for n in range(9)
)


@pytest.fixture(scope="module")
def believes(world: World) -> PathValidator:
    """Believes exactly the certificates of this world: a forged "valid" would show."""
    purposes = {"maker": Purpose.SEAL, "department": Purpose.LICENCE, "other": Purpose.LICENCE}
    paths = {
        (world.certificates[name].der, purpose): world.validate(world.certificates[name].der, at=NOW, purpose=purpose)
        for name, purpose in purposes.items()
    }

    def validate(certificate: bytes, /, *, at: datetime, purpose: Purpose) -> ValidatedPath:
        assert at.tzinfo is not None
        path = paths.get((certificate, purpose))
        if path is None:
            raise RejectedError(Reason.CERTIFICATE_NO_PATH, "another certificate")
        return path

    return validate


@pytest.fixture(scope="module")
def whole(fonts: FontSet, world: World) -> Package:
    return Package.read(sealed(fonts, world, document()))


@pytest.fixture(scope="module")
def copy(whole: Package, fonts: FontSet, world: World) -> Package:
    note = CopyNote("样例中心", "样例事项", NOW.date(), NOW)
    return make_copy(whole, note, Sealer(world.keys["other"], world.certificates["other"]), fonts)


def with_parts(package: Package, changes: dict[str, bytes | None]) -> dict[str, bytes]:
    merged = {**package.parts, **changes}
    return {name: data for name, data in merged.items() if data is not None}


def packed(parts: dict[str, bytes]) -> bytes:
    """Pack without looking at the parts or their names."""
    made = Zip()
    for name, data in parts.items():
        made.add(name, data, stored=True)
    return made.write()


def refused(data: bytes, validate: PathValidator) -> bool:
    """Tell whether a file is refused, in bounded time; never an exception."""
    started = time.process_time()
    report = assess_ofd(data, validate=validate, at=NOW)
    assert time.process_time() - started < SLOW
    assert report.error is None or report.error.reason in set(Reason)
    return report.error is not None


def spoilt(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Every way to spoil a part, whatever it is: its beginning, what is behind, and XML's special dangers."""
    return ((what, bad) for what, bad in _spoilt(data) if bad != data)


def _spoilt(data: bytes) -> Iterator[tuple[str, bytes]]:
    yield "empty", b""
    yield "only zeros", bytes(len(data))
    yield "bytes follow", data + b"\0"
    yield "twice", data * 2
    if not data.startswith(b"<?xml"):
        return
    head, _, body = data.partition(b"?>")
    first = body.index(b">") + 1 if b">" in body else 0
    for at in random.Random(1).sample([m.start() for m in re.finditer(rb"[<>=\"]", data)], 12):  # noqa: S311
        yield f"cut at {at}", data[:at]
    yield "billion laughs", head + b"?>" + BILLION + b"]>" + body.replace(b"</", b"&j;</", 1)
    yield "outside entity", head + b'?><!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + body
    yield "nested deep", head + b"?>" + body[:first] + DEEP + b"</ofd:a>" * 5000 + body[first:]
    yield "many elements", head + b"?>" + body[:first] + b"<ofd:a/>" * 500_000 + body[first:]
    yield "another namespace", data.replace(b"http://www.ofdspec.org/2016", b"http://example.org/")
    yield "another encoding", data.decode().replace("UTF-8", "UTF-16").encode("utf-16")
    yield "a comment", data.replace(b"><", b"><!-- x --><", 1)


def test_no_file_with_a_damaged_part_is_valid(whole: Package, copy: Package, believes: PathValidator) -> None:
    count = 0
    for package in (whole, copy):
        assert not refused(packed(dict(package.parts)), believes)
        for name, data in package.parts.items():
            for what, bad in spoilt(data):
                count += 1
                harmless = name == LIST and what == "a comment"  # the list is not protected, so that it can grow
                assert refused(packed(with_parts(package, {name: bad})), believes) != harmless, (name, what)
            assert refused(packed(with_parts(package, {name: None})), believes), name
    assert count > 400


def test_no_damage_to_the_signature_value_or_the_seal_is_valid(whole: Package, believes: PathValidator) -> None:
    for name in (VALUE, SEAL):
        cases = list(damaged(whole.parts[name]))
        assert len(cases) > 1000
        for what, bad in random.Random(1).sample(cases, 700):  # noqa: S311
            assert refused(packed(with_parts(whole, {name: bad})), believes), (name, what)


def test_a_file_cut_off_anywhere_or_with_a_byte_changed_is_refused_or_the_same(
    whole: Package, believes: PathValidator
) -> None:
    data = write_package(whole, NOW)
    source = random.Random(1)  # noqa: S311
    for at in source.sample(range(len(data)), 150):
        assert refused(data[:at], believes)
    for at in source.sample(range(len(data)), 400):
        bad = data[:at] + bytes((data[at] ^ 1 << source.randrange(8),)) + data[at + 1 :]
        if not refused(bad, believes):
            assert dict(Package.read(bad).parts) == dict(whole.parts)  # times of entries and versions say nothing


def edit(part: str, old: str, new: str) -> Callable[[Package], dict[str, bytes]]:
    def make(package: Package) -> dict[str, bytes]:
        assert old.encode() in package.parts[part]
        return with_parts(package, {part: package.parts[part].replace(old.encode(), new.encode(), 1)})

    return make


def listed_again(location: str) -> Callable[[Package], dict[str, bytes]]:
    return edit(LIST, "</ofd:Signatures>", f'<ofd:Signature ID="s9" BaseLoc="{location}"/></ofd:Signatures>')


FIRST = f'BaseLoc="/{DESCRIPTION}"'
STRUCTURAL: dict[str, Callable[[Package], dict[str, bytes]]] = {
    "a list that lists itself": listed_again("/" + LIST),
    "a list that lists the root": listed_again("/OFD.xml"),
    "a list that leads out": listed_again("../../../etc/passwd"),
    "a list that lists nothing": edit(LIST, FIRST, ""),
    "a list that lists what is not there": edit(LIST, FIRST, 'BaseLoc="/Doc_0/Signs/Sign_7/Signature.xml"'),
    "a list of an unknown type": edit(LIST, 'Type="Seal"', 'Type="Stamp"'),
    "a thousand signatures": edit(LIST, "</ofd:Signatures>", f"<ofd:Signature {FIRST}/>" * 1000 + "</ofd:Signatures>"),
    "an empty list": lambda package: with_parts(
        package, {LIST: b'<ofd:Signatures xmlns:ofd="http://www.ofdspec.org/2016"/>'}
    ),
    "the list is its own list": edit("OFD.xml", "Signatures.xml", "Sign_0/Signature.xml"),
    "no list": edit("OFD.xml", "<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures>", ""),
    "two lists": edit("OFD.xml", "<ofd:Signatures>", "<ofd:Signatures>/OFD.xml</ofd:Signatures><ofd:Signatures>"),
    "two documents": edit("OFD.xml", "</ofd:OFD>", "<ofd:DocBody><ofd:DocRoot>x</ofd:DocRoot></ofd:DocBody></ofd:OFD>"),
    "a value that is its description": edit(DESCRIPTION, "SignedValue.dat", "Signature.xml"),
    "a seal that is its value": edit(DESCRIPTION, "Seal.esl", "SignedValue.dat"),
    "protects by MD5": edit(DESCRIPTION, "1.2.156.10197.1.401", "MD5"),
    "protects by SM3 with a key": edit(DESCRIPTION, "1.2.156.10197.1.401", "1.2.156.10197.1.401.2"),
    "protects by nothing named": edit(DESCRIPTION, 'CheckMethod="1.2.156.10197.1.401"', ""),
    "a digest in bad base64": edit(DESCRIPTION, "<ofd:CheckValue>", "<ofd:CheckValue>*"),
    "a short digest": edit(DESCRIPTION, "<ofd:CheckValue>", "<ofd:CheckValue>AAAA</ofd:CheckValue><ofd:CheckValue>"),
    "a reference that leads out": edit(DESCRIPTION, 'FileRef="/OFD.xml"', 'FileRef="/../OFD.xml"'),
    "a reference to what is not there": edit(DESCRIPTION, 'FileRef="/OFD.xml"', 'FileRef="/OFD2.xml"'),
    "references by the thousand": edit(
        DESCRIPTION,
        "</ofd:References>",
        '<ofd:Reference FileRef="/OFD.xml"><ofd:CheckValue>x</ofd:CheckValue></ofd:Reference>' * 5000
        + "</ofd:References>",
    ),
    "no references": edit(DESCRIPTION, "ofd:References", "ofd:Reference"),
    "a part added that nobody names": lambda package: with_parts(package, {"Doc_0/Res/extra.png": b"\x89PNG"}),
    "a page added": lambda package: with_parts(package, {"Doc_0/Pages/Page_1/Content.xml": b"<ofd:Page/>"}),
    "annotations added": lambda package: with_parts(package, {"Doc_0/Annots/Annotations.xml": b"<ofd:Annotations/>"}),
    "resources that name themselves": edit("Doc_0/Document.xml", "PublicRes.xml", "Document.xml"),
    "a page that is the root": edit("Doc_0/Document.xml", "Pages/Page_0/Content.xml", "/OFD.xml"),
    "annotations that are the root": edit("Doc_0/Document.xml", "Annots/Annotations.xml", "Document.xml"),
}


@pytest.mark.parametrize("make", STRUCTURAL.values(), ids=STRUCTURAL.keys())
def test_a_file_whose_parts_point_wrongly_is_refused(
    make: Callable[[Package], dict[str, bytes]], whole: Package, believes: PathValidator, fonts: FontSet
) -> None:
    parts = make(whole)
    assert refused(packed(parts), believes)
    started = time.process_time()
    with suppress(EcertError):
        read_pages(Package.of(parts), fonts)
    assert time.process_time() - started < SLOW


def test_signatures_of_two_files_do_not_mix(
    whole: Package, fonts: FontSet, world: World, believes: PathValidator
) -> None:
    other = Package.read(sealed(fonts, world, document(legalRepresentative="他人")))
    for swapped in ((VALUE,), (DESCRIPTION,), (DESCRIPTION, VALUE), (DESCRIPTION, VALUE, LIST), (SEAL,), (VALUE, SEAL)):
        changes: dict[str, bytes | None] = {name: other.parts[name] for name in swapped}
        assert refused(packed(with_parts(whole, changes)), believes), swapped


def test_a_signature_listed_twice_is_reported_twice(whole: Package, believes: PathValidator) -> None:
    report = assess_ofd(packed(listed_again("/" + DESCRIPTION)(whole)), validate=believes, at=NOW)
    assert len(report.signatures) == 2
    assert report.error is None


def test_bombs_are_refused_before_they_take_memory(believes: PathValidator) -> None:
    zeros = Zip().add("OFD.xml", bytes(120_000_000)).write()
    words = Zip().add("OFD.xml", b"<ofd:OFD>" + b"<ofd:a/>" * 399_000 + b"</ofd:OFD>", stored=True).write()
    plain = Zip().add("OFD.xml", b"<ofd:OFD" + b" " * 16_000_000 + b"/>", stored=True).write()
    for bomb in (zeros, words, plain, b"PK\5\6" * 1_000_000, b"PK\3\4" + bytes(60_000_000)):
        tracemalloc.start()
        try:
            assert refused(bomb, believes)
            assert tracemalloc.get_traced_memory()[1] < LARGE
        finally:
            tracemalloc.stop()


def test_pages_and_notes_of_damaged_files_never_leave_the_error_tree(copy: Package, fonts: FontSet) -> None:
    for name, data in copy.parts.items():
        for _, bad in spoilt(data):
            package = Package.of(with_parts(copy, {name: bad}))
            for read in (lambda one: read_pages(one, fonts), read_note):
                started = time.process_time()
                with suppress(EcertError):
                    read(package)
                assert time.process_time() - started < SLOW


def test_what_was_found_stands_in_the_order_of_the_checks(whole: Package, believes: PathValidator) -> None:
    report = assess_ofd(packed(dict(whole.parts)), validate=believes, at=NOW)
    assert [str(one.check) for one in (*report.findings, *report.signatures[0].findings)] == [
        "ZIP_SAFE",
        "SIG_LIST",
        "REF_DIGEST",
        "COVERAGE",
        "DATAHASH",
        "SIG_VALUE",
        "SIGNER_CERT_CHAIN",
        "SIGNER_CERT_TIME",
        "SIGNER_CERT_STATUS",
        "CERT_IN_SEAL_LIST",
        "SEAL_MATCH",
        "SEAL_SIG",
        "MAKER_CERT",
        "SEAL_TIME",
        "TIMESTAMP",
    ]
