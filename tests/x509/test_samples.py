"""Certificates other software made (public test data of ofdrw, Apache-2.0): read in place, every one."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from ecert import der
from ecert.x509 import Certificate

SAMPLES = Path(__file__).parents[2].parent / "shared/samples"

if not SAMPLES.is_dir():
    pytest.skip(f"the sample files are not beside this repository ({SAMPLES})", allow_module_level=True)


def embedded(data: bytes) -> list[bytes]:
    """Return what begins like a certificate of version 3: two nested long SEQUENCEs and the version."""
    found = []
    for match in re.finditer(rb"\x30\x82..(?=\x30\x82..\xa0\x03\x02\x01\x02)", data, re.DOTALL):
        length = int.from_bytes(match[0][2:], "big") + 4
        found.append(data[match.start() : match.start() + length])
    return found


def containers() -> dict[str, bytes]:
    found = {path.name: path.read_bytes() for path in sorted(SAMPLES.glob("*.esl")) + sorted(SAMPLES.glob("*.dat"))}
    for path in sorted(SAMPLES.glob("*.ofd")):
        with zipfile.ZipFile(path) as package:
            for name in package.namelist():
                if name.endswith((".dat", ".esl")):
                    found[f"{path.name}/{name}"] = package.read(name)
    return {name: data for name, data in found.items() if embedded(data)}


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in containers().items()])
def test_every_certificate_inside_a_seal_or_signature_is_read(data: bytes) -> None:
    for one in embedded(data):
        certificate = Certificate.from_der(one)
        assert certificate.public_key is not None
        assert certificate.subject_text.isprintable()
        der.check(one, limit=len(one))


def test_a_signer_file_is_read() -> None:
    certificate = Certificate.from_pem((SAMPLES / "bare-sm2-value.signer.pem").read_bytes())
    assert certificate.subject_text == "CN=Test Certificate,L=Hangzhou,ST=Zhejiang,O=OFD R&W,C=CN"


def test_the_tax_authoritys_certificates_name_their_algorithm_with_null_parameters() -> None:
    tax = [one for name, data in containers().items() if name.startswith("v4-test-ca") for one in embedded(data)]
    assert tax
    assert {Certificate.from_der(one).algorithms[0].hex() for one in tax} == {"300c06082a811ccf550183750500"}
