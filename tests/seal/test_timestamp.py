from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ecert import cms, timestamp_protocol
from ecert import der_encoding as enc
from ecert.errors import EcertError, IssuanceError, MalformedError, Reason, RejectedError, UndeterminedError
from ecert.sm2 import sm3
from ecert.timestamp import TST_INFO, Timestamp, encode_imprint, generalized_time, issue_token, read_token, verify_token
from ecert.timestamp_protocol import Request
from ecert.x509 import CrlReason, Purpose, Revocation, ValidatedPath

from .bouncycastle import ask, flip, needs_bouncycastle
from .world import DAY, NOW, World, nobody

if TYPE_CHECKING:
    from pathlib import Path

    from ecert.x509 import PathValidator

DATA = b"a signature value"


def issue(world: World, data: bytes = DATA, *, at: datetime = NOW, nonce: int | None = None) -> bytes:
    return issue_token(
        sm3(data), signer=world.keys["tsa"], certificate=world.certificates["tsa"], serial=5, at=at, nonce=nonce
    )


def verify(world: World, token: bytes, data: bytes = DATA) -> Timestamp:
    return verify_token(token, data, validate=world.validate)


def reason(world: World, token: bytes, data: bytes = DATA) -> Reason:
    with pytest.raises(EcertError) as caught:
        verify(world, token, data)
    return caught.value.reason


def forge(world: World, info: bytes, *attributes: bytes, who: str = "tsa") -> bytes:
    return cms.sign(
        info,
        signer=world.keys[who],
        certificate=world.certificates[who],
        kind=cms.SIGNED_DATA,
        content_type=TST_INFO,
        attributes=attributes,
    )


def known(world: World) -> PathValidator:
    """Believe the service's certificate and no other, without the cost of a path."""
    path = world.validate(world.certificates["tsa"].der, at=NOW, purpose=Purpose.TIMESTAMP)

    def validate(certificate: bytes, *, at: datetime, purpose: Purpose) -> ValidatedPath:
        assert (at, purpose) == (NOW, Purpose.TIMESTAMP)
        if certificate != path.leaf.der:
            raise RejectedError(Reason.CERTIFICATE_NO_PATH, "another certificate")
        return path

    return validate


def tst_info(*more: bytes, version: int = 1, time: bytes = b"20261123080000Z") -> bytes:
    return enc.sequence(
        enc.integer(version),
        enc.oid("1.2.3"),
        encode_imprint(sm3(DATA)),
        enc.integer(1),
        enc.element(0x18, time),
        *more,
    )


def names_certificate(digest: bytes, *algorithm: bytes) -> bytes:
    identifier = enc.sequence(*algorithm, enc.octets(digest))
    return cms.attribute("1.2.840.113549.1.9.16.2.47", enc.sequence(enc.sequence(identifier)))


def test_a_token_issued_here_verifies_and_tells_the_time(world: World) -> None:
    stamp = verify(world, issue(world, nonce=7))
    assert stamp.time == NOW
    assert (stamp.info.serial, stamp.info.nonce, stamp.info.imprint) == (5, 7, sm3(DATA))
    assert stamp.path.leaf == world.certificates["tsa"]


def test_a_token_for_other_bytes_is_refused(world: World) -> None:
    assert reason(world, issue(world), b"other") is Reason.TIMESTAMP_MISMATCH


def test_an_altered_token_is_refused_or_says_the_same(world: World) -> None:
    """A few octets of signed data are signed by nobody, its version and its list of digests among them."""
    token = issue(world)
    assert reason(world, flip(token, token.index(b"20261123080000Z") + 12)) is Reason.TIMESTAMP_SIGNATURE_BAD
    told, refused = verify(world, token).info, 0
    for at in range(0, len(token), 3):
        try:
            assert verify_token(flip(token, at), DATA, validate=known(world)).info == told
        except (MalformedError, RejectedError):
            refused += 1
    assert refused > 0.9 * len(token) / 3


def test_only_a_certificate_for_time_stamping_alone_will_do(world: World) -> None:
    certificate = world.certificates["department"]
    names = names_certificate(sm3(certificate.der), cms.SM3_ALGORITHM)
    assert reason(world, forge(world, tst_info(), names, who="department")) is Reason.TIMESTAMP_CERTIFICATE_BAD
    with pytest.raises(IssuanceError):
        issue_token(sm3(DATA), signer=world.keys["department"], certificate=certificate, serial=5, at=NOW)


def test_the_token_must_name_its_own_certificate(world: World) -> None:
    certificate = world.certificates["tsa"].der
    assert reason(world, forge(world, tst_info())) is Reason.TIMESTAMP_CERTIFICATE_BAD
    other = names_certificate(sm3(b"another"), cms.SM3_ALGORITHM)
    assert reason(world, forge(world, tst_info(), other)) is Reason.TIMESTAMP_CERTIFICATE_BAD
    sha1 = names_certificate(bytes(20), enc.sequence(enc.oid("1.3.14.3.2.26")))
    assert reason(world, forge(world, tst_info(), sha1)) is Reason.TIMESTAMP_CERTIFICATE_BAD
    good = names_certificate(sm3(certificate), cms.SM3_ALGORITHM)
    assert verify(world, forge(world, tst_info(), good)).time == NOW


def test_a_token_of_another_version_or_with_an_extension_is_not_read(world: World) -> None:
    for info in (
        tst_info(version=2),
        tst_info(enc.explicit(1, enc.sequence())),
        tst_info(time=b"20261123080000+0800"),
        tst_info(time=b"20261323080000Z"),
        tst_info()[:-1],
        tst_info() + b"\x00",
    ):
        assert reason(world, forge(world, info)) is Reason.TIMESTAMP_MALFORMED
    assert reason(world, cms.sign(DATA, signer=world.keys["tsa"], certificate=world.certificates["tsa"])) is (
        Reason.TIMESTAMP_MALFORMED
    )


def test_revocation_counts_from_when_it_took_effect(world: World) -> None:
    token, serial = issue(world), world.certificates["tsa"].serial
    world.revoked = [Revocation(serial, NOW + DAY, CrlReason.CESSATION_OF_OPERATION)]
    assert verify(world, token).time == NOW
    world.revoked = [Revocation(serial, NOW - DAY, CrlReason.CESSATION_OF_OPERATION)]
    assert reason(world, token) is Reason.TIMESTAMP_CERTIFICATE_REVOKED
    world.revoked = [Revocation(serial, NOW + DAY, CrlReason.KEY_COMPROMISE)]
    with pytest.raises(UndeterminedError) as caught:
        verify(world, token)
    assert caught.value.reason is Reason.TIMESTAMP_KEY_COMPROMISED


def test_a_time_outside_the_certificates_validity_is_refused(world: World) -> None:
    assert reason(world, issue(world, at=NOW - 400 * DAY)) is Reason.TIMESTAMP_CERTIFICATE_BAD


def test_an_unknown_service_leaves_it_open(world: World) -> None:
    with pytest.raises(UndeterminedError):
        verify_token(issue(world), DATA, validate=nobody)


def test_what_cannot_be_issued_is_refused(world: World) -> None:
    key, certificate = world.keys["tsa"], world.certificates["tsa"]
    for imprint, serial in ((b"short", 1), (sm3(DATA), 0)):
        with pytest.raises(IssuanceError):
            issue_token(imprint, signer=key, certificate=certificate, serial=serial, at=NOW)


def test_fractions_of_a_second_are_read() -> None:
    assert generalized_time("20261123080000.25Z") == NOW + timedelta(milliseconds=250)
    assert generalized_time("20261123080000.123456789Z").microsecond == 123456
    for text in ("", "20261123080000", "20261123080000.Z", "20261123080000.1234567890Z", "20261123246000Z"):
        with pytest.raises(ValueError, match=r"time|hour"):
            generalized_time(text)


@pytest.mark.parametrize("nonce", [None, 0, 255, 1 << 63])
def test_requests_are_read_as_written(nonce: int | None) -> None:
    for request in (Request(sm3(DATA), nonce), Request(sm3(DATA), nonce, "1.2.3", wants_certificate=False)):
        assert Request.decode(request.encode()) == request


def test_a_request_with_another_digest_or_an_extension_is_refused() -> None:
    good = Request(sm3(DATA)).encode()
    sha256 = enc.sequence(enc.sequence(enc.oid("2.16.840.1.101.3.4.2.1")), enc.octets(bytes(32)))
    for data in (
        b"",
        good[:-1],
        good + b"\x00",
        enc.sequence(enc.integer(1), sha256),
        enc.sequence(enc.integer(2), encode_imprint(sm3(DATA))),
        enc.sequence(enc.integer(1), encode_imprint(sm3(DATA)), enc.explicit(0, enc.sequence())),
        enc.sequence(enc.integer(1), encode_imprint(sm3(DATA)), enc.integer(1 << 600)),
    ):
        with pytest.raises(MalformedError):
            Request.decode(data)


def test_a_response_gives_its_token_only_for_the_request_made(world: World) -> None:
    request = Request(sm3(DATA), 9)
    response = timestamp_protocol.grant(issue(world, nonce=9))
    assert verify(world, timestamp_protocol.read_response(response, request)).time == NOW
    for other in (Request(sm3(DATA), 8), Request(sm3(b"x"), 9), Request(sm3(DATA))):
        with pytest.raises(RejectedError):
            timestamp_protocol.read_response(response, other)


@pytest.mark.parametrize(
    "failure",
    [timestamp_protocol.BAD_ALGORITHM, timestamp_protocol.BAD_DATA_FORMAT, timestamp_protocol.TIME_NOT_AVAILABLE],
)
def test_a_refusal_is_told_in_its_words(failure: int) -> None:
    with pytest.raises(RejectedError, match="时钟未校准") as caught:
        timestamp_protocol.read_response(timestamp_protocol.refuse("时钟未校准", failure), Request(sm3(DATA)))
    assert caught.value.reason is Reason.TIMESTAMP_REFUSED


def openssl(*arguments: object) -> str:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_openssl_reads_our_token_request_and_responses(world: World, tmp_path: Path) -> None:
    token = issue(world, nonce=9)
    files = {
        "token": token,
        "request": Request(sm3(DATA), 9).encode(),
        "response": timestamp_protocol.grant(token),
        "refusal": timestamp_protocol.refuse("no clock", timestamp_protocol.TIME_NOT_AVAILABLE),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    said = openssl("ts", "-reply", "-in", tmp_path / "token", "-token_in", "-text")
    for expected in ("Hash Algorithm: sm3", "Serial number: 0x05", "Time stamp: Nov 23 08:00:00 2026 GMT"):
        assert expected in said
    assert "Status: Granted." in openssl("ts", "-reply", "-in", tmp_path / "response", "-text")
    assert "Hash Algorithm: sm3" in openssl("ts", "-query", "-in", tmp_path / "request", "-text")
    refused = openssl("ts", "-reply", "-in", tmp_path / "refusal", "-text")
    assert "the TSA's time source is not available" in refused
    assert "no clock" in refused


@needs_bouncycastle
def test_bouncycastle_verifies_our_timestamps_and_we_verify_its(world: World, tmp_path: Path) -> None:
    token = issue(world, nonce=9)
    files = {
        "token": token,
        "changed": flip(token, token.index(b"20261123080000Z") + 12),
        "request": Request(sm3(DATA), 9).encode(),
        "response": timestamp_protocol.grant(token),
        "data": DATA,
        "key.der": world.keys["tsa"].to_pkcs8(),
        "certificate.der": world.certificates["tsa"].der,
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    said = ask(
        tmp_path,
        "token:token:data",
        "token:changed:data",
        "response:request:response:data",
        "make-request:their-request:data",
        "make-token:theirs:their-request",
    )
    assert said[0] == said[2] == "ok 2026-11-23T08:00:00Z 5"
    assert said[1].startswith("refused")
    assert said[3:] == ["ok their-request", "ok theirs"]
    request = Request.decode((tmp_path / "their-request").read_bytes())
    assert (request.imprint, request.nonce) == (sm3(DATA), 987654321)
    tokens = [
        (tmp_path / "theirs.der").read_bytes(),
        (tmp_path / "theirs.ber").read_bytes(),
        timestamp_protocol.read_response((tmp_path / "theirs.response").read_bytes(), request),
    ]
    for one in tokens:
        info, _ = read_token(one)
        assert info.serial == 77
        assert verify(world, one).time.replace(microsecond=0) == datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
