"""Files we write, read with other people's software: zipfile, ElementTree, OpenSSL's SM3, and BouncyCastle."""

from __future__ import annotations

import hashlib
import io
import subprocess
import zipfile
from base64 import b64decode
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from ecert.ofd.archive import write_package
from ecert.ofd.copies import CopyNote, make_copy
from ecert.ofd.package import Package
from ecert.ofd.sealing import Sealer
from tests.seal.bouncycastle import ask, flip, needs_bouncycastle
from tests.seal.world import NOW

from .licences import document, sealed

if TYPE_CHECKING:
    from pathlib import Path

    from ecert.ofd.fonts import FontSet
    from tests.seal.world import World

OFD = "{http://www.ofdspec.org/2016}"
UNPROTECTED = "Doc_0/Signs/Signatures.xml"


@pytest.fixture(scope="module")
def file(fonts: FontSet, world: World) -> zipfile.ZipFile:
    """An annotated copy: sealed by the department, signed by a service."""
    package = Package.read(sealed(fonts, world, document()))
    service = Sealer(world.keys["other"], world.certificates["other"])
    copy = make_copy(package, CopyNote("样例中心", "样例事项", NOW.date(), NOW), service, fonts)
    return zipfile.ZipFile(io.BytesIO(write_package(copy, NOW)))


def sm3(data: bytes) -> bytes:
    if "sm3" in hashlib.algorithms_available:
        return hashlib.new("sm3", data).digest()
    done = subprocess.run(["openssl", "dgst", "-sm3", "-binary"], input=data, capture_output=True, check=True)
    return done.stdout


def signatures(file: zipfile.ZipFile) -> list[tuple[str, ET.Element]]:
    root = ET.fromstring(file.read("OFD.xml"))  # noqa: S314  (a file of our own)
    listed = root.find(f"{OFD}DocBody/{OFD}Signatures")
    assert listed is not None
    entries = ET.fromstring(file.read((listed.text or "")[1:])).findall(f"{OFD}Signature")  # noqa: S314
    names = [entry.get("BaseLoc", "")[1:] for entry in entries]
    return [(name, ET.fromstring(file.read(name))) for name in names]  # noqa: S314


def test_every_reference_digests_to_what_openssl_says_and_nothing_is_left_out(file: zipfile.ZipFile) -> None:
    (first, sealing), (second, signed) = signatures(file)
    values = {node.findtext(f"{OFD}SignedValue", "")[1:] for node in (sealing, signed)}
    for description in (sealing, signed):
        for reference in description.iter(f"{OFD}Reference"):
            value = b64decode(reference.findtext(f"{OFD}CheckValue", ""))
            assert sm3(file.read(reference.get("FileRef", "")[1:])) == value
    covered = {reference.get("FileRef", "")[1:] for reference in signed.iter(f"{OFD}Reference")}
    assert set(file.namelist()) - covered == {UNPROTECTED, second, "Doc_0/Signs/Sign_1/SignedValue.dat"}
    assert first in covered
    assert values <= set(file.namelist())


@needs_bouncycastle
def test_bouncycastle_accepts_the_seal_the_sealing_and_the_copys_signature(
    file: zipfile.ZipFile, tmp_path: Path
) -> None:
    sign_0, sign_1 = "Doc_0/Signs/Sign_0", "Doc_0/Signs/Sign_1"
    value, cms = file.read(f"{sign_0}/SignedValue.dat"), file.read(f"{sign_1}/SignedValue.dat")
    description = file.read(f"{sign_1}/Signature.xml")
    contents = {
        "seal": file.read(f"{sign_0}/Seal.esl"),
        "sealing": value,
        "sealing-flipped": flip(value, -1),
        "cms": cms,
        "content": description,
        "content-flipped": flip(description, 200),
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    answers = ask(
        tmp_path,
        "seal:seal",
        "sealing:sealing",
        "sealing:sealing-flipped",
        "cms:cms:content",
        "cms:cms:content-flipped",
    )
    assert [answer.split()[0] for answer in answers] == ["ok", "ok", "refused", "ok", "refused"]
