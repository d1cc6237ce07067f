"""What a file says to machines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ecert.errors import EcertError, MalformedError, Reason
from ecert.ofd.compose import face_values
from ecert.ofd.content import read_attachments, read_metadata, read_record
from ecert.ofd.package import Package

from .licences import RECORD, TYPES, document, written

if TYPE_CHECKING:
    from ecert.licence.types import TypeDefinition
    from ecert.ofd.fonts import FontSet

SAMPLES = Path(__file__).parents[3] / "shared/samples"
HEAD = '<o:OFD xmlns:o="http://www.ofdspec.org/2016"><o:DocBody>'
TAIL = "</o:DocBody></o:OFD>"


@pytest.mark.parametrize("definition", TYPES, ids=lambda one: one.slug)
def test_metadata_and_record_come_back_as_they_were_written(definition: TypeDefinition, fonts: FontSet) -> None:
    one = document(definition)
    package = written(fonts, one).package
    metadata = read_metadata(package)
    assert metadata["ZZBS"] == one.face.values["certificateIdentifier"]
    assert metadata["ZZMC"] == definition.name
    assert metadata["证照所属管辖属地编码"] == one.face.values["certificateAreaCode"]
    assert {name for name in metadata if name.startswith("KZ_")} == {
        f"KZ_{short}" for name, short in one.layout.short_names.items() if name in one.face.values
    }
    assert read_record(package) == RECORD


def test_the_misspelt_custom_data_in_use_is_read() -> None:
    item = '<o:CuslomDatas><o:CuslomData name="ZZBS">1.2.3</o:CuslomData></o:CuslomDatas>'
    text = f"{HEAD}<o:DocInfo>{item}</o:DocInfo>{TAIL}"
    assert read_metadata(Package.of({"OFD.xml": text.encode()})) == {"ZZBS": "1.2.3"}


def test_an_item_that_stands_twice_is_refused() -> None:
    item = '<o:CustomData Name="ZZBS">1</o:CustomData>'
    text = f"{HEAD}<o:DocInfo><o:CustomDatas>{item}{item}</o:CustomDatas></o:DocInfo>{TAIL}"
    with pytest.raises(MalformedError) as caught:
        read_metadata(Package.of({"OFD.xml": text.encode()}))
    assert caught.value.reason is Reason.FILE_DAMAGED


def test_two_records_are_refused(fonts: FontSet) -> None:
    parts = dict(written(fonts, document()).package.parts)
    name = "Doc_0/Attachs/Attachments.xml"
    entry = parts[name][parts[name].index(b"<ofd:Attachment ") : parts[name].index(b"</ofd:Attachments>")]
    parts[name] = parts[name].replace(entry, entry * 2)
    with pytest.raises(MalformedError) as caught:
        read_record(Package.of(parts))
    assert caught.value.reason is Reason.FILE_UNSAFE


def test_files_without_what_is_asked_say_so() -> None:
    for parts in ({}, {"OFD.xml": b"<x/>"}, {"OFD.xml": f"{HEAD}<o:DocRoot>a</o:DocRoot>{TAIL}".encode()}):
        with pytest.raises(EcertError):
            read_attachments(Package.of(parts))
    with pytest.raises(MalformedError):
        read_metadata(Package.of({}))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample files are not beside this repository")
def test_other_softwares_files_are_read() -> None:
    package = Package.read((SAMPLES / "v4-test-ca-ofdxml-uncovered.ofd").read_bytes())
    assert read_metadata(package)["发票代码"] == "050001700111"
    (attachment,) = read_attachments(package)
    assert attachment.data.lstrip(b"\xef\xbb\xbf").startswith(b"<?xml")
    assert read_record(package) is None
    assert read_attachments(Package.read((SAMPLES / "unsigned.ofd").read_bytes())) == ()


def test_a_faces_values_go_by_their_own_names() -> None:
    assert face_values({"certificateName": "甲", "extendInfo.seats": 5}) == {"certificateName": "甲", "seats": 5}
