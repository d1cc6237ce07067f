"""Every variation of signature packages in use (domain.md 2.4): what other writers write is read and verified."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ecert import der_encoding as enc
from ecert.errors import Reason
from ecert.ofd.archive import write_package
from ecert.ofd.package import Package
from ecert.ofd.sealing import Sealer, seal_file, sign_file
from ecert.ofd.signatures import read_time
from ecert.ofd.verification import OfdReport, SignatureReport, assess_ofd
from ecert.seal import Check, Outcome, Seal, ValueKind, apply_seal
from ecert.sm2 import sm3
from ecert.timestamp import issue_token
from tests.seal import forge as seals
from tests.seal.forge import Forge
from tests.seal.test_cms import attributes
from tests.seal.test_cms import forge as forge_cms
from tests.seal.world import DAY, NOW, World, nobody

from .licences import document, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecert.ofd.fonts import FontSet

LIST = "Doc_0/Signs/Signatures.xml"
FOLDER = "Doc_0/Signs/Sign_0"
DESCRIPTION, VALUE, SEAL = (f"{FOLDER}/{name}" for name in ("Signature.xml", "SignedValue.dat", "Seal.esl"))
PROVIDER = '<ofd:Provider ProviderName="ecert" Company="ecert" Version="1.0"></ofd:Provider>'


@pytest.fixture(scope="module")
def unsigned(fonts: FontSet) -> Package:
    return written(fonts, document()).package


@pytest.fixture(scope="module")
def sealed_file(unsigned: Package, world: World) -> Package:
    return seal_file(unsigned, seals.seal(world), department(world), centre=(100, 100), at=NOW)


def department(world: World) -> Sealer:
    return Sealer(world.keys["department"], world.certificates["department"])


def assess(package: Package, world: World, **options: object) -> OfdReport:
    return assess_ofd(write_package(package, NOW), **({"validate": world.validate, "at": NOW} | options))  # type: ignore[arg-type]


def sealing(world: World, description: bytes, seal: bytes) -> bytes:
    """Apply a seal to a description."""
    return apply_seal(
        Seal.decode(seal),
        sm3(description),
        "/" + DESCRIPTION,
        signer=world.keys["department"],
        certificate=world.certificates["department"],
        at=NOW,
    ).der


def rewritten(package: Package, world: World, edits: dict[str, list[tuple[str, str]]]) -> Package:
    """Write list or description otherwise, and seal again what was written."""
    parts = dict(package.parts)
    for name, changes in edits.items():
        text = parts[name].decode()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        parts[name] = text.encode()
    parts[VALUE] = sealing(world, parts[DESCRIPTION], package.parts[SEAL])
    return Package.of(parts)


VARIATIONS: dict[str, dict[str, list[tuple[str, str]]]] = {
    "the older namespace": {DESCRIPTION: [("http://www.ofdspec.org/2016", "http://www.ofdspec.org")]},
    "another prefix": {DESCRIPTION: [("ofd:", "a:"), (":ofd=", ":a=")]},
    "no prefix": {DESCRIPTION: [("<ofd:", "<"), ("</ofd:", "</"), ("xmlns:ofd", "xmlns")]},
    "SM3 by name": {DESCRIPTION: [("1.2.156.10197.1.401", "SM3")]},
    "sm3 in small letters": {DESCRIPTION: [("1.2.156.10197.1.401", "sm3")]},
    "provider as elements": {
        DESCRIPTION: [
            (
                PROVIDER.replace("></ofd:Provider>", "/>"),
                "<ofd:Provider><ofd:ProviderName>x</ofd:ProviderName></ofd:Provider>",
            )
        ]
    },
    "no method, no time": {
        DESCRIPTION: [
            ("<ofd:SignatureMethod>1.2.156.10197.1.501</ofd:SignatureMethod>", ""),
            ("<ofd:SignatureDateTime>20261123080000Z</ofd:SignatureDateTime>", ""),
        ]
    },
    "locations without a slash": {DESCRIPTION: [('FileRef="/', 'FileRef="'), (f">/{FOLDER}/", f">{FOLDER}/")]},
    "locations beside": {DESCRIPTION: [(f">/{FOLDER}/", ">")], LIST: [(f'BaseLoc="/{FOLDER}', 'BaseLoc="Sign_0')]},
    "locations in capitals": {
        DESCRIPTION: [('FileRef="/Doc_0/Res', 'FileRef="/DOC_0/RES'), ("SignedValue.dat", "SIGNEDVALUE.DAT")]
    },
    "blanks in digests": {
        DESCRIPTION: [("<ofd:CheckValue>", "<ofd:CheckValue>\n  "), ("</ofd:CheckValue>", "\n</ofd:CheckValue>")]
    },
    "no type": {LIST: [(' Type="Seal"', "")]},
    "signed as Sign": {LIST: [('Type="Seal"', 'Type="Sign"')]},
    "plain digits": {LIST: [('ID="s001"', 'ID="1"'), ("s002", "2")]},
    "MaxSignId last, and twice": {LIST: [("</ofd:Signatures>", "<ofd:MaxSignId>9</ofd:MaxSignId></ofd:Signatures>")]},
    "a mark of byte order": {DESCRIPTION: [("<?xml", "\ufeff<?xml")]},
}


@pytest.mark.parametrize("edits", VARIATIONS.values(), ids=VARIATIONS.keys())
def test_a_package_written_otherwise_verifies(
    edits: dict[str, list[tuple[str, str]]], sealed_file: Package, world: World
) -> None:
    assert assess(rewritten(sealed_file, world, edits), world).error is None


def test_a_seal_that_does_not_lie_beside_is_not_missed(unsigned: Package, sealed_file: Package, world: World) -> None:
    text = sealed_file.parts[DESCRIPTION].decode()
    start, stop = text.index("<ofd:Seal>"), text.index("</ofd:Seal>") + len("</ofd:Seal>")
    reference = next(one for one in text.split("<ofd:Reference ") if SEAL in one)
    bare = (text[:start] + text[stop:]).replace("<ofd:Reference " + reference.partition("</ofd:References>")[0], "")
    parts = {name: data for name, data in sealed_file.parts.items() if name != SEAL}
    parts[DESCRIPTION] = bare.encode()
    parts[VALUE] = sealing(world, parts[DESCRIPTION], sealed_file.parts[SEAL])
    report = assess(Package.of(parts), world)
    assert report.error is None
    assert "SEAL_MATCH" in {one.check for one in report.signatures[0].findings if one.skipped}
    assert SEAL not in unsigned.parts


def test_another_seal_beside_is_told(sealed_file: Package, world: World) -> None:
    """Even where the signature protects the other seal."""
    parts = dict(sealed_file.parts) | {SEAL: seals.seal(world, code="44000000000002").der}
    old, new = (sm3(data) for data in (sealed_file.parts[SEAL], parts[SEAL]))
    parts[DESCRIPTION] = parts[DESCRIPTION].replace(b64encode(old), b64encode(new))
    parts[VALUE] = sealing(world, parts[DESCRIPTION], sealed_file.parts[SEAL])
    report = assess(Package.of(parts), world)
    assert report.error is not None
    assert report.error.reason is Reason.FILE_SEAL_MISMATCH


VALUES: dict[str, Callable[[World, bytes], bytes]] = {
    "attributes, content left out": lambda world, data: forge_cms(world, None, attributes=attributes(sm3(data))),
    "attributes, digest carried": lambda world, data: forge_cms(world, sm3(data), attributes=attributes(sm3(data))),
    "attributes, content carried": lambda world, data: forge_cms(world, data, attributes=attributes(sm3(data))),
    "no attributes, signed over the digest carried": lambda world, data: forge_cms(world, sm3(data), signed=sm3(data)),
    "a bare value in DER": lambda world, data: world.keys["department"].sign(data),
    "a bare value of 64 bytes": lambda world, data: seals.raw(world.keys["department"], data),
}


@pytest.fixture(scope="module")
def signed_file(unsigned: Package, world: World) -> Package:
    return sign_file(unsigned, department(world), at=NOW)


def signature(report: OfdReport) -> SignatureReport:
    (found,) = report.signatures
    return found


@pytest.mark.parametrize("make", VALUES.values(), ids=VALUES.keys())
def test_signatures_without_a_seal_verify_in_every_form(
    make: Callable[[World, bytes], bytes], signed_file: Package, world: World
) -> None:
    value = make(world, signed_file.parts[DESCRIPTION])
    package = Package.of(dict(signed_file.parts) | {VALUE: value})
    certificates = (world.certificates["other"].der, world.certificates["department"].der)
    report = assess(package, world, certificates=certificates)
    assert report.error is None
    assert signature(report).signer == world.certificates["department"].der
    assert signature(report).signed_at == NOW
    other = Package.of(dict(signed_file.parts) | {VALUE: make(world, b"something else")})
    assert assess(other, world, certificates=certificates).error is not None


def test_a_seal_in_place_of_a_signature_is_refused(signed_file: Package, world: World) -> None:
    for value in (seals.seal(world).der, b"", b"\x30\x00", bytes(64), b"nothing"):
        report = assess(Package.of(dict(signed_file.parts) | {VALUE: value}), world, certificates=())
        assert report.error is not None


@pytest.mark.parametrize("version", [1, 4, 5])
def test_sealings_of_every_version_verify(version: int, sealed_file: Package, world: World) -> None:
    stamp = enc.utc_time(NOW) if version == 1 else enc.generalized_time(NOW)
    text = sealed_file.parts[DESCRIPTION].decode()
    start, stop = text.index("<ofd:Seal>"), text.index("</ofd:Seal>") + len("</ofd:Seal>")
    parts = dict(sealed_file.parts) | {DESCRIPTION: (text[:start] + text[stop:]).encode()}
    parts[VALUE] = Forge(world, version=version, time=stamp, data=parts[DESCRIPTION]).sealing()
    assert assess(Package.of(parts), world).error is None


def test_a_timestamp_is_verified_and_settles_when_it_was_sealed(unsigned: Package, world: World) -> None:
    later = NOW + timedelta(minutes=3)

    def stamp(value: bytes) -> bytes:
        return issue_token(
            sm3(value), signer=world.keys["tsa"], certificate=world.certificates["tsa"], serial=1, at=later
        )

    sealer = Sealer(world.keys["department"], world.certificates["department"], stamp)
    package = seal_file(unsigned, seals.seal(world), sealer, centre=(100, 100), at=NOW)
    report = assess(package, world, at=later)
    assert report.error is None
    assert signature(report).signed_at == later
    finding = signature(report).of(Check.TIMESTAMP)
    assert finding is not None
    assert finding.outcome is Outcome.PASSED


def test_a_signature_from_the_future_is_refused(signed_file: Package, world: World) -> None:
    report = assess(signed_file, world, at=NOW - DAY)
    assert report.error is not None
    assert report.error.reason is Reason.SEALED_IN_FUTURE


def test_an_unknown_signer_leaves_it_open(sealed_file: Package, world: World) -> None:
    report = assess(sealed_file, world, validate=nobody)
    assert report.error is not None
    assert report.error.reason is Reason.ISSUER_UNKNOWN
    assert signature(report).kind is ValueKind.SEALING


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("20200723130907.763Z", datetime(2020, 7, 23, 13, 9, 7, tzinfo=UTC)),
        ("20200817111329Z", datetime(2020, 8, 17, 11, 13, 29, tzinfo=UTC)),
        ("20221031141634", datetime(2022, 10, 31, 6, 16, 34, tzinfo=UTC)),
        ("2020-07-16 16:04:27", datetime(2020, 7, 16, 8, 4, 27, tzinfo=UTC)),
        ("2020-07-16T16:04:27+08:00", datetime(2020, 7, 16, 8, 4, 27, tzinfo=UTC)),
        ("2020-07-16T08:04:27Z", datetime(2020, 7, 16, 8, 4, 27, tzinfo=UTC)),
        ("99999999999999Z", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_are_read_in_every_spelling_in_use(text: str, instant: datetime | None) -> None:
    assert read_time(text) == instant
