"""The zip layer: what is read, and what is refused before it can do harm."""

from __future__ import annotations

import io
import struct
import time
import zipfile
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecert.errors import EcertError, MalformedError, Reason
from ecert.ofd.archive import write_package
from ecert.ofd.package import Package, resolve
from ecert.ofd.xml import parse_xml

from .zips import Zip

if TYPE_CHECKING:
    from collections.abc import Callable

AT = datetime(2026, 11, 23, 8, 0, 1, tzinfo=UTC)
BOMB = zlib.compress(bytes(60_000_000), 9)[2:-4]


def test_what_is_written_is_read_again_by_us_and_by_zipfile() -> None:
    parts = {"OFD.xml": b"<a/>", "Doc_0/Res/qr.png": b"\x89PNG", "Doc_0/empty.xml": b""}
    written = write_package(Package.of(parts), AT)
    assert dict(Package.read(written).parts) == parts
    with zipfile.ZipFile(io.BytesIO(written)) as file:
        assert file.testzip() is None
        assert file.namelist() == list(parts)
        assert file.getinfo("OFD.xml").date_time == (2026, 11, 23, 8, 0, 0)


def test_the_same_parts_and_time_give_the_same_bytes() -> None:
    parts = {"OFD.xml": b"<a/>" * 100}
    assert write_package(Package.of(parts), AT) == write_package(Package.of(parts), AT)


def test_folders_data_descriptors_and_comments_are_read() -> None:
    content = b"x" * 100
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(content) + packer.flush()
    plain = struct.pack("<3L", zlib.crc32(content), len(packed), len(content))
    made = (
        Zip()
        .add("Doc_0/", b"", stored=True)
        .add("Doc_0/a.xml", content, flags=8, descriptor=b"PK\x07\x08" + plain)
        .add("Doc_0/b.xml", content, flags=8, descriptor=plain)
        .write(comment=b"made by hand")
    )
    assert list(Package.read(made).parts) == ["Doc_0/a.xml", "Doc_0/b.xml"]


def many(count: int, content: bytes) -> bytes:
    made = Zip()
    for index in range(count):
        made.add(f"a{index}", content)
    return made.write()


def unicode_path(name: bytes) -> bytes:
    return struct.pack("<2HBL", 0x7075, 5 + len(name), 1, 0) + name


def second_directory() -> bytes:
    """Hide another directory, and the ZIP64 records that lead to it, in the comment of the last entry."""
    shown = Zip().add("a", b"shown", stored=True)
    hidden = bytes(Zip().add("b", b"shown", stored=True).directory)
    start = len(shown.body) + len(shown.directory)
    records = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(hidden), start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, start + len(hidden), 1)
    return Zip().add("a", b"shown", stored=True, comment=hidden + records + locator).write()


def test_other_readers_would_find_the_second_directory() -> None:
    with zipfile.ZipFile(io.BytesIO(second_directory())) as file:
        assert file.namelist() == ["b"]


def test_extra_fields_that_say_nothing_else_are_read() -> None:
    made = Zip().add("a", b"1", extra=unicode_path(b"a"), local_extra=b"\xfe\xca\0\0", attributes=0o100644 << 16)
    assert dict(Package.read(made.write()).parts) == {"a": b"1"}


REFUSED: dict[str, tuple[Callable[[], bytes], Reason]] = {
    "no zip file": (lambda: b"%PDF-1.7 " * 10, Reason.NOT_OFD),
    "empty": (lambda: b"", Reason.NOT_OFD),
    "the same name twice": (lambda: Zip().add("a", b"1").add("a", b"2").write(), Reason.FILE_UNSAFE),
    "names that differ in case": (lambda: Zip().add("a", b"1").add("A", b"2").write(), Reason.FILE_UNSAFE),
    "a name that climbs": (lambda: Zip().add("../a", b"1").write(), Reason.FILE_UNSAFE),
    "a name that climbs inside": (lambda: Zip().add("Doc_0/../a", b"1").write(), Reason.FILE_UNSAFE),
    "an absolute name": (lambda: Zip().add("/a", b"1").write(), Reason.FILE_UNSAFE),
    "a drive letter": (lambda: Zip().add("C:a", b"1").write(), Reason.FILE_UNSAFE),
    "a backslash": (lambda: Zip().add("Doc_0\\a", b"1").write(), Reason.FILE_UNSAFE),
    "an empty name": (lambda: Zip().add("", b"1").write(), Reason.FILE_UNSAFE),
    "a control character": (lambda: Zip().add("a\0b", b"1").write(), Reason.FILE_UNSAFE),
    "a name not in UTF-8": (lambda: Zip().add(b"\xd6\xff", b"1").write(), Reason.FILE_UNSAFE),
    "a name too deep": (lambda: Zip().add("a/" * 20 + "a", b"1").write(), Reason.FILE_UNSAFE),
    "a name too long": (lambda: Zip().add("a" * 300, b"1").write(), Reason.FILE_UNSAFE),
    "a folder with content": (lambda: Zip().add("a/", b"1").write(), Reason.FILE_UNSAFE),
    "an encrypted entry": (lambda: Zip().add("a", b"1", flags=1).write(), Reason.FILE_UNSAFE),
    "another compression": (lambda: Zip().add("a", b"1", method=12).write(), Reason.FILE_UNSAFE),
    "another local name": (lambda: Zip().add("a", b"1", local_name="b").write(), Reason.FILE_UNSAFE),
    "another local size": (lambda: Zip().add("a", b"1", local_size=2).write(), Reason.FILE_UNSAFE),
    "a lying descriptor": (
        lambda: Zip().add("a", b"1", flags=8, descriptor=b"PK\x07\x08" + bytes(12)).write(),
        Reason.FILE_UNSAFE,
    ),
    "a descriptor after a stored entry": (
        lambda: (
            Zip().add("a", b"1", stored=True, flags=8, descriptor=struct.pack("<3L", zlib.crc32(b"1"), 1, 1)).write()
        ),
        Reason.FILE_UNSAFE,
    ),
    "another Unicode name": (lambda: Zip().add("a", b"1", extra=unicode_path(b"b")).write(), Reason.FILE_UNSAFE),
    "another local Unicode name": (
        lambda: Zip().add("a", b"1", local_extra=b"\1\0\0\0" + unicode_path(b"b")).write(),
        Reason.FILE_UNSAFE,
    ),
    "a link": (lambda: Zip().add("a", b"b", attributes=0o120777 << 16).write(), Reason.FILE_UNSAFE),
    "a second directory by ZIP64": (second_directory, Reason.FILE_UNSAFE),
    "entries that overlap": (lambda: Zip().add("a", b"1").add("b", b"1", offset=0).write(), Reason.FILE_UNSAFE),
    "a hidden entry": (lambda: Zip(Zip().add("z", b"1").body).add("a", b"1").write(), Reason.FILE_UNSAFE),
    "something before the directory": (lambda: Zip().add("a", b"1").write(between=b"PK"), Reason.FILE_UNSAFE),
    "something after the end": (lambda: Zip().add("a", b"1").write() + b"x", Reason.FILE_DAMAGED),
    "something before the first": (lambda: b"x" + Zip().add("a", b"1").write(), Reason.FILE_DAMAGED),
    "a bomb that says so": (lambda: Zip().add("a", bytes(60_000_000)).write(), Reason.FILE_UNSAFE),
    "a bomb that denies it": (
        lambda: Zip().add("a", b"", packed=BOMB, size=1000, crc=zlib.crc32(bytes(1000))).write(),
        Reason.FILE_DAMAGED,
    ),
    "many small bombs": (
        lambda: many(140, bytes(1_000_000)),
        Reason.FILE_UNSAFE,
    ),
    "too many entries": (
        lambda: many(5000, b""),
        Reason.FILE_UNSAFE,
    ),
    "more entries than there are": (lambda: Zip().add("a", b"1").write(count=2), Reason.FILE_DAMAGED),
    "fewer entries than there are": (
        lambda: Zip().add("a", b"1").add("b", b"1").write(count=1),
        Reason.FILE_DAMAGED,
    ),
    "a wrong checksum": (lambda: Zip().add("a", b"1", crc=1).write(), Reason.FILE_DAMAGED),
    "a wrong size": (lambda: Zip().add("a", b"1", size=2).write(), Reason.FILE_DAMAGED),
    "not compressed as said": (lambda: Zip().add("a", b"1", packed=b"\xff\xff\xff").write(), Reason.FILE_DAMAGED),
    "something after the compressed": (
        lambda: Zip().add("a", b"1", packed=b"\x33\x04\x00more").write(),
        Reason.FILE_DAMAGED,
    ),
}


@pytest.mark.parametrize(("make", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_a_file_that_is_damaged_or_ambiguous_is_refused(make: Callable[[], bytes], reason: Reason) -> None:
    made = make()
    started = time.process_time()
    with pytest.raises(MalformedError) as caught:
        Package.read(made)
    assert caught.value.reason is reason
    assert time.process_time() - started < 1


def test_a_file_cut_off_anywhere_is_refused() -> None:
    made = Zip().add("OFD.xml", b"<a/>" * 10).add("b.xml", b"b" * 50, stored=True).write()
    for length in range(len(made)):
        with pytest.raises(MalformedError):
            Package.read(made[:length])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_file_with_any_byte_changed_is_the_same_or_refused(data: st.DataObject) -> None:
    parts = {"OFD.xml": b"<a/>" * 10, "b.xml": b"b" * 50}
    made = bytearray(write_package(Package.of(parts), AT))
    at = data.draw(st.integers(0, len(made) - 1))
    made[at] = data.draw(st.integers(0, 255))
    try:
        found = Package.read(bytes(made)).parts
    except EcertError:
        return
    assert dict(found) == parts


@pytest.mark.parametrize(
    ("location", "base", "found"),
    [
        ("/Doc_0/a.xml", "OFD.xml", "Doc_0/a.xml"),
        ("a.xml", "Doc_0/b.xml", "Doc_0/a.xml"),
        ("Doc_0/a.xml", "Doc_0/Signs/b.xml", "Doc_0/a.xml"),
        ("../A.XML", "Doc_0/Signs/b.xml", "Doc_0/a.xml"),
        ("./a.xml", "Doc_0/b.xml", "Doc_0/a.xml"),
        ("/b.xml", "OFD.xml", None),
    ],
)
def test_locations_are_found_however_they_are_written(location: str, base: str, found: str | None) -> None:
    assert Package.of({"Doc_0/a.xml": b""}).find(location, base) == found


def test_a_location_that_leads_out_is_refused() -> None:
    with pytest.raises(MalformedError) as caught:
        resolve("../../a", "Doc_0")
    assert caught.value.reason is Reason.FILE_UNSAFE


ENTITIES = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><a>&b;</a>'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (ENTITIES, Reason.FILE_UNSAFE),
        (ENTITIES.decode().encode("utf-16"), Reason.FILE_UNSAFE),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', Reason.FILE_UNSAFE),
        ('<?xml version="1.0" encoding="GBK"?><a>证</a>'.encode("gbk"), Reason.FILE_UNSAFE),
        (b"<a>" * 300 + b"</a>" * 300, Reason.FILE_DAMAGED),
        (b"<a/>" * 2, Reason.FILE_DAMAGED),
        (b"<a>&undefined;</a>", Reason.FILE_DAMAGED),
        (b"", Reason.FILE_DAMAGED),
        (b"\xff\xfe", Reason.FILE_DAMAGED),
        (b"<a>\0</a>", Reason.FILE_UNSAFE),
        (b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4<a/>', Reason.FILE_UNSAFE),
        (b"<a>" + b"<b/>" * 500_000 + b"</a>", Reason.FILE_UNSAFE),
        (b"<a>" + b"x" * 17_000_000 + b"</a>", Reason.FILE_UNSAFE),
        (b"<a" + b" " * 1000 + b"x='1' x='2'/>", Reason.FILE_DAMAGED),
    ],
    ids=lambda value: value.name if isinstance(value, Reason) else f"{value[:24]!r}",
)
def test_xml_is_bounded_and_has_no_document_type(data: bytes, reason: Reason) -> None:
    started = time.process_time()
    with pytest.raises(MalformedError) as caught:
        parse_xml(data, "a.xml")
    assert caught.value.reason is reason
    assert time.process_time() - started < 1
