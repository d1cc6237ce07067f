"""Damaged seals, sealings, signed data and timestamps: always an error of ours, soon, and never a "valid"."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from ecert import ber, cms, der, timestamp_protocol
from ecert import der_encoding as enc
from ecert.errors import EcertError, MalformedError, Reason, RejectedError
from ecert.seal import Seal, Sealing, SealVersion, assess_seal, assess_sealing, kind_of_value
from ecert.sm2 import sm3
from ecert.timestamp import issue_token, read_token, verify_token
from ecert.x509 import Purpose, ValidatedPath

from . import forge
from .damage import DEEP, damaged
from .forge import EXTENSION, SIGNATURE_XML, Forge
from .test_cms import CONTENT, sign, streamed
from .world import NOW, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

SLOW = 1.0
"""Seconds that no single damaged input may take; most take a millisecond."""


@pytest.fixture(scope="module")
def believes(_built: World) -> Callable[..., ValidatedPath]:
    """Believes exactly the certificates of this world: a forged "valid" would show."""
    purposes = {
        "maker": Purpose.SEAL,
        "department": Purpose.LICENCE,
        "tsa": Purpose.TIMESTAMP,
    }
    paths = {
        (_built.certificates[name].der, purpose): _built.validate(
            _built.certificates[name].der, at=NOW, purpose=purpose
        )
        for name, purpose in purposes.items()
    }

    def validate(certificate: bytes, /, *, at: datetime, purpose: Purpose) -> ValidatedPath:
        assert at.tzinfo is not None
        path = paths.get((certificate, purpose))
        if path is None:
            raise RejectedError(Reason.CERTIFICATE_NO_PATH, "another certificate")
        return path

    return validate


def outcomes(data: bytes, verify: Callable[[bytes], object]) -> tuple[list[str], int]:
    """Run every damage: return those that passed, and how many there were."""
    passed, count = [], 0
    for what, bad in damaged(data):
        count += 1
        started = time.process_time()
        try:
            verify(bad)
        except EcertError:
            pass
        else:
            passed.append(what)
        assert time.process_time() - started < SLOW, what
    return passed, count


@pytest.mark.parametrize("version", SealVersion)
def test_no_damaged_seal_is_valid(world: World, believes: Callable[..., ValidatedPath], version: SealVersion) -> None:
    data = Forge(world, version=version, extensions=EXTENSION).seal()

    def verify(bad: bytes) -> None:
        assess_seal(Seal.decode(bad), validate=believes, at=NOW).require()

    verify(data)
    passed, count = outcomes(data, verify)
    assert passed == []
    assert count > 1000


@pytest.mark.parametrize("version", [SealVersion.V1, SealVersion.V4])
def test_no_damaged_sealing_is_valid(
    world: World, believes: Callable[..., ValidatedPath], version: SealVersion
) -> None:
    stamp = enc.utc_time(NOW) if version is SealVersion.V1 else enc.generalized_time(NOW)
    data = Forge(world, version=version, time=stamp).sealing()

    def verify(bad: bytes) -> None:
        kind_of_value(bad)
        assess_sealing(Sealing.decode(bad), SIGNATURE_XML, validate=believes, at=NOW).require()

    verify(data)
    passed, count = outcomes(data, verify)
    assert passed == []
    assert count > 1500


def token(world: World) -> bytes:
    return issue_token(
        sm3(CONTENT), signer=world.keys["tsa"], certificate=world.certificates["tsa"], serial=1, at=NOW, nonce=5
    )


def test_a_damaged_timestamp_is_refused_or_says_the_same(world: World, believes: Callable[..., ValidatedPath]) -> None:
    """What nobody signs (versions, the list of digests, revocation lists, spelling in BER) may differ, no more."""
    data = token(world)
    told = read_token(data)[0]

    def verify(bad: bytes) -> None:
        assert verify_token(bad, CONTENT, validate=believes).info == told

    verify(data)
    passed, count = outcomes(data, verify)
    assert count > 1500
    assert len(passed) < 0.05 * count


@pytest.mark.parametrize("carry", [True, False])
def test_damaged_signed_data_is_refused_or_is_still_the_signers_over_this_content(world: World, *, carry: bool) -> None:
    """The certificate carried is not believed here, and may be damaged wherever its key is not."""

    def verify(bad: bytes) -> None:
        for signer in cms.verify(cms.SignedData.decode(bad), CONTENT):
            assert signer.certificate.public_key == world.keys["department"].public_key

    passed, count = outcomes(sign(world, carry=carry), verify)
    assert count > 1500
    signed = [what for what in passed if not what.startswith("/1/0/3/0")]
    assert len(signed) < 0.05 * count


def test_damaged_requests_and_responses_are_refused(world: World) -> None:
    request = timestamp_protocol.Request(sm3(CONTENT), 5)

    def read(bad: bytes) -> None:
        assert timestamp_protocol.Request.decode(bad).imprint == bad[bad.index(b"\x04\x20") + 2 :][:32]

    def answered(bad: bytes) -> None:
        assert read_token(timestamp_protocol.read_response(bad, request))[0].imprint == request.imprint

    outcomes(request.encode(), read)
    outcomes(timestamp_protocol.grant(token(world)), answered)


def test_damaged_streams_never_leave_the_error_tree(world: World) -> None:
    data = streamed(sign(world))
    for at in range(len(data)):
        for bad in (data[:at], data[:at] + data[at + 1 :], data[:at] + b"\x80" + data[at + 1 :]):
            try:
                cms.verify(cms.SignedData.decode(bad), CONTENT)
            except EcertError:
                continue


HUGE = {
    "nested with definite lengths": DEEP["definite"],
    "nested without end": b"\x30\x80" * 500_000,
    "nested to the limit of lengths": b"\x30\x84\x7f\xff\xff\xff" * 100_000,
    "a million empty elements": enc.sequence(b"\x30\x00" * 1_000_000),
    "a million pieces": b"\x24\x80" + b"\x04\x01x" * 300_000 + b"\x00\x00",
    "one long identifier": enc.sequence(enc.element(0x06, b"\x81" * 1_000_000 + b"\x01")),
    "one long number": enc.sequence(enc.element(0x02, b"\x01" * 1_000_000)),
    "nine million zeros": bytes(9_000_000),
}


@pytest.mark.parametrize("data", HUGE.values(), ids=HUGE.keys())
def test_huge_inputs_are_refused_in_bounded_time(data: bytes) -> None:
    request = timestamp_protocol.Request(sm3(CONTENT))
    started = time.process_time()
    for read in (
        Seal.decode,
        Sealing.decode,
        cms.SignedData.decode,
        read_token,
        timestamp_protocol.Request.decode,
        lambda bad: timestamp_protocol.read_response(bad, request),
    ):
        with pytest.raises(MalformedError):
            read(data)
    assert time.process_time() - started < 20 * SLOW


def test_a_seal_with_a_huge_list_or_number_is_refused(world: World) -> None:
    for changes in (
        {"listed": enc.sequence(enc.octets(b"x") * 2000)},
        {"list_type": 2, "listed": enc.sequence(enc.sequence(enc.printable("SM3"), enc.octets(bytes(32))) * 2000)},
        {"extensions": enc.sequence(enc.sequence(enc.oid("1.2.3"), enc.octets(b"")) * 65)},
        {"header": b"ES" * 100_000},
    ):
        with pytest.raises(MalformedError):
            Seal.decode(Forge(world, **changes).seal())
    made = forge.seal(world).der
    with pytest.raises(MalformedError):
        Seal.decode(made.replace(b"\x02\x01\x2a", b"\x02\x01\xd6"))


@pytest.mark.parametrize("data", [b"\x30\x80" * 100, DEEP["definite"]])
def test_definite_form_is_bounded_in_depth(data: bytes) -> None:
    with pytest.raises(der.DerError, match="nested deeper"):
        ber.definite(data, limit=1 << 20)
