"""BouncyCastle as a second opinion on what we make: an implementation that shares no line with ours or OpenSSL's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ecert.x509 import CrlReason, Name, Profile, Revocation, build_request
from ecert.x509.profiles import EKU_LICENCE_SEALING, EKU_TIME_STAMPING

from .world import DAY, NOW, World

SOURCE = Path(__file__).parents[1] / "java/VerifyX509.java"
JARS = [Path("/usr/share/java") / f"{name}.jar" for name in ("bcprov", "bcpkix", "bcutil")]

pytestmark = pytest.mark.skipif(
    shutil.which("java") is None or not all(jar.exists() for jar in JARS),
    reason="no java, or no BouncyCastle jars (Debian: libbcprov-java, libbcpkix-java)",
)


def ask(*questions: tuple[str, Path, Path]) -> list[str]:
    classpath = ":".join(map(str, JARS))
    asked = [":".join(map(str, question)) for question in questions]
    done = subprocess.run(
        ["java", "-cp", classpath, str(SOURCE), *asked], capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout.splitlines()


def flipped(der: bytes, part: bytes) -> bytes:
    at = der.index(part) + len(part) - 1
    return der[:at] + bytes((der[at] ^ 1,)) + der[at + 1 :]


def test_bouncycastle_agrees_about_certificates_lists_and_requests(world: World, tmp_path: Path) -> None:
    stamper = world.region.issue(Profile.TSA, Name("时间戳"), world.strangers[0].public_key)
    revoked = Revocation(77, NOW, CrlReason.KEY_COMPROMISE), Revocation(78, NOW)
    crl = world.region.list(*revoked, this_update=NOW, next_update=NOW + DAY)
    request = build_request(subject=Name("leaf"), signer=world.department_key)
    files = {
        "root": world.root.certificate.der,
        "region": world.region.certificate.der,
        "department": world.department.der,
        "stamper": stamper.der,
        "flipped": flipped(world.department.der, world.department.subject),
        "crl": crl.der,
        "crl_flipped": flipped(crl.der, b"\x02\x01\x4d"),
        "request": request.der,
        "request_flipped": flipped(request.der, request.subject),
    }
    path = {name: tmp_path / name for name in files}
    for name, der in files.items():
        path[name].write_bytes(der)
    serial = world.department.serial
    assert ask(
        ("certificate", path["root"], path["root"]),
        ("certificate", path["root"], path["region"]),
        ("certificate", path["region"], path["department"]),
        ("certificate", path["region"], path["stamper"]),
        ("certificate", path["root"], path["department"]),
        ("certificate", path["region"], path["flipped"]),
        ("crl", path["region"], path["crl"]),
        ("crl", path["root"], path["crl"]),
        ("crl", path["region"], path["crl_flipped"]),
        ("request", path["request"], path["request"]),
        ("request", path["request"], path["request_flipped"]),
    ) == [
        "ok 1 ca=1 eku=null",
        f"ok {world.region.certificate.serial} ca=0 eku=null",
        f"ok {serial} ca=-1 eku=[{EKU_LICENCE_SEALING}]",
        f"ok {stamper.serial} ca=-1 eku=[{EKU_TIME_STAMPING}]",
        "refused SignatureException",
        "refused SignatureException",
        "ok 77=KEY_COMPROMISE 78=null",
        "refused SignatureException",
        "refused SignatureException",
        "ok C=CN,CN=leaf",
        "refused SecurityException",
    ]
