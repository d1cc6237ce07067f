"""OpenSSL as a second opinion, both ways. It checks SM2 one link at a time, with the user ID spelt out."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from ecert.errors import Reason, RejectedError
from ecert.x509 import (
    Certificate,
    CertificateRequest,
    CrlReason,
    Name,
    Profile,
    Revocation,
    build_request,
    validate_path,
)

from .world import NOW, World

if TYPE_CHECKING:
    from pathlib import Path

DISTID = "distid:1234567812345678"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False, timeout=30)


def _speaks_sm2() -> bool:
    if shutil.which("openssl") is None:
        return False
    return run("genpkey", "-algorithm", "SM2", "-out", "/dev/null").returncode == 0


pytestmark = pytest.mark.skipif(not _speaks_sm2(), reason="no openssl command with SM2 on this machine")


def verify(issuer: Path, certificate: Path) -> subprocess.CompletedProcess[str]:
    when = str(int(NOW.timestamp()))
    return run("verify", "-partial_chain", "-attime", when, "-vfyopt", DISTID, "-trusted", issuer, certificate)


@pytest.fixture
def files(world: World, tmp_path: Path) -> dict[str, Path]:
    made = {"root": world.root.certificate, "region": world.region.certificate, "department": world.department}
    paths = {}
    for name, certificate in made.items():
        paths[name] = tmp_path / f"{name}.pem"
        paths[name].write_bytes(certificate.to_pem())
    return paths


def test_openssl_verifies_each_link_of_ours(files: dict[str, Path]) -> None:
    for issuer, certificate in (("root", "root"), ("root", "region"), ("region", "department")):
        result = verify(files[issuer], files[certificate])
        assert result.returncode == 0, result.stderr
    assert verify(files["root"], files["department"]).returncode != 0


@pytest.mark.parametrize("profile", list(Profile))
def test_openssl_verifies_every_profile(world: World, files: dict[str, Path], tmp_path: Path, profile: Profile) -> None:
    issuer = world.root if profile.value.ca else world.region
    path = tmp_path / "leaf.pem"
    path.write_bytes(issuer.issue(profile, Name("证照", "贵州省"), world.strangers[0].public_key).to_pem())
    result = verify(files["root" if profile.value.ca else "region"], path)
    assert result.returncode == 0, result.stderr


def test_openssl_refuses_ours_with_a_bit_flipped(world: World, files: dict[str, Path], tmp_path: Path) -> None:
    der = bytearray(world.department.der)
    der[der.index(world.department_key.public_key.point) + 64] ^= 1
    path = tmp_path / "flipped.der"
    path.write_bytes(bytes(der))
    pem = tmp_path / "flipped.pem"
    run("x509", "-inform", "DER", "-in", path, "-out", pem)
    assert verify(files["region"], pem).returncode != 0


def test_openssl_verifies_our_request(world: World, tmp_path: Path) -> None:
    path = tmp_path / "request.pem"
    path.write_bytes(build_request(subject=Name("贵州省", "电子证照"), signer=world.department_key).to_pem())
    result = run("req", "-verify", "-noout", "-subject", "-nameopt", "utf8", "-vfyopt", DISTID, "-in", path)
    assert result.returncode == 0, result.stderr
    assert "贵州省" in result.stdout
    wrong = run("req", "-verify", "-noout", "-vfyopt", "distid:8765432187654321", "-in", path)
    assert "failure" in wrong.stdout + wrong.stderr


def test_openssl_reads_our_list(world: World, tmp_path: Path) -> None:
    path = tmp_path / "list.pem"
    revoked = Revocation(0xABCDEF, NOW, CrlReason.CESSATION_OF_OPERATION)
    path.write_bytes(world.region.list(revoked, this_update=NOW, next_update=world.root.certificate.not_after).to_pem())
    result = run("crl", "-text", "-noout", "-in", path)
    assert result.returncode == 0, result.stderr
    assert "Serial Number: ABCDEF" in result.stdout
    assert "Cessation Of Operation" in result.stdout
    assert "X509v3 CRL Number" in result.stdout


@pytest.fixture
def theirs(tmp_path: Path) -> tuple[bytes, bytes, bytes]:
    """A root, a leaf under it and a request, made by OpenSSL: (root, leaf, request) in PEM."""
    root, root_key, leaf, key, request = (tmp_path / name for name in ("r.pem", "r.key", "l.pem", "l.key", "l.csr"))
    steps: list[list[str | Path]] = [
        ["genpkey", "-algorithm", "SM2", "-out", root_key],
        ["genpkey", "-algorithm", "SM2", "-out", key],
        ["req", "-x509", "-key", root_key, "-sm3", "-sigopt", DISTID, "-out", root, "-subj", "/C=CN/CN=OpenSSL root",
         "-days", "3650", "-addext", "keyUsage=critical,keyCertSign,cRLSign"],
        ["req", "-new", "-key", key, "-sm3", "-sigopt", DISTID, "-out", request, "-utf8",
         "-subj", "/C=CN/O=证照/CN=OpenSSL leaf"],
        ["x509", "-req", "-in", request, "-CA", root, "-CAkey", root_key, "-set_serial", "5", "-days", "365", "-sm3",
         "-sigopt", DISTID, "-vfyopt", DISTID, "-out", leaf],
    ]  # fmt: skip
    for step in steps:
        result = run(*step)
        assert result.returncode == 0, result.stderr
    return root.read_bytes(), leaf.read_bytes(), request.read_bytes()


def test_we_verify_what_openssl_made(theirs: tuple[bytes, bytes, bytes]) -> None:
    root, leaf = (Certificate.from_pem(pem) for pem in theirs[:2])
    path = validate_path(leaf.der, [], [root.der], at=leaf.not_before)
    assert path.leaf.subject_text == "CN=OpenSSL leaf,O=证照,C=CN"
    request = CertificateRequest.from_pem(theirs[2])
    request.verify()
    assert request.public_key == leaf.public_key


def test_we_refuse_what_openssl_signs_with_another_user_id(theirs: tuple[bytes, bytes, bytes], tmp_path: Path) -> None:
    assert theirs
    leaf = tmp_path / "odd.pem"
    run("x509", "-req", "-in", tmp_path / "l.csr", "-CA", tmp_path / "r.pem", "-CAkey", tmp_path / "r.key",
        "-set_serial", "6", "-sm3", "-sigopt", "distid:other", "-vfyopt", DISTID, "-out", leaf)  # fmt: skip
    certificate = Certificate.from_pem(leaf.read_bytes())
    with pytest.raises(RejectedError) as caught:
        validate_path(certificate.der, [], [Certificate.from_pem(theirs[0]).der], at=certificate.not_before)
    assert caught.value.reason is Reason.CERTIFICATE_SIGNATURE_BAD
