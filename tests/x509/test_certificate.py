"""Certificates: what real ones look like reads; what is no certificate does not; no mutation verifies."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecert.errors import EcertError, MalformedError, Reason, RejectedError, VerificationError
from ecert.sm2 import PublicKey
from ecert.x509 import Certificate, Name, validate_path

from .world import (
    CA_TRUE,
    NOW,
    SM2_WITH_SM3_NULL,
    World,
    basic_constraints,
    extension,
    forge,
    key_usage,
    leaf_extensions,
    oid,
    sign,
    tlv,
)

P256_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\x04" + bytes(64)
STATIC = World.build()


def refused(der: bytes, reason: Reason = Reason.CERTIFICATE_MALFORMED) -> str:
    with pytest.raises(MalformedError) as caught:
        Certificate.from_der(der)
    assert caught.value.reason is reason
    return caught.value.detail


def test_everything_is_read_and_slices_lie_as_they_lay(world: World) -> None:
    certificate = world.department
    assert certificate.tbs in certificate.der
    assert certificate.subject == Name("11520000009390308X").der
    assert certificate.issuer == world.region.certificate.subject
    assert certificate.subject_text == "CN=11520000009390308X,C=CN"
    assert certificate.issuer_text == "CN=贵州省,O=电子证照,C=CN"
    assert certificate.public_key == world.department_key.public_key
    assert certificate.spki == world.department_key.public_key.spki
    assert certificate.version == 3
    assert certificate.not_before.tzinfo is UTC
    assert not certificate.self_issued
    assert world.root.certificate.self_issued
    assert certificate.meaning.key_usage == frozenset({"digital_signature", "non_repudiation"})
    assert certificate.meaning.subject_key_id is not None
    assert certificate.meaning.subject_key_id.startswith(world.department_key.public_key.key_id)
    assert certificate.meaning.authority_key_id == world.region.certificate.meaning.subject_key_id
    assert certificate.extension("2.5.29.15") is not None
    assert certificate.extension("2.5.29.99") is None
    assert repr(certificate) == "Certificate(CN=11520000009390308X,C=CN, serial 2)"


def test_pem_round_trips_as_text_and_as_bytes_with_words_around(world: World) -> None:
    pem = world.department.to_pem()
    assert Certificate.from_pem(pem) == world.department
    assert Certificate.from_pem("subject: 证照\n" + pem.decode() + "\n") == world.department
    assert Certificate.from_pem(pem.replace(b"\n", b"\r\n")) == world.department


@pytest.mark.parametrize(
    "change", [lambda pem: pem * 2, lambda pem: pem[:-30], lambda _: b"", lambda pem: pem.replace(b"MII", b"MI=")]
)
def test_a_file_that_is_not_one_certificate_in_pem_is_refused(world: World, change: object) -> None:
    assert callable(change)
    with pytest.raises(MalformedError) as caught:
        Certificate.from_pem(change(world.department.to_pem()))
    assert caught.value.reason is Reason.CERTIFICATE_MALFORMED


def test_a_pem_file_of_any_size_is_refused_before_it_is_searched() -> None:
    with pytest.raises(MalformedError, match="longer than"):
        Certificate.from_pem(b"-" * (1 << 20))


@pytest.mark.parametrize(
    "extensions",
    [
        pytest.param([basic_constraints(bytes.fromhex("3003010100"))], id="explicit cA FALSE"),
        pytest.param([basic_constraints(b"0\x00", critical=False)], id="explicit critical FALSE"),
        pytest.param([extension("2.5.29.17", tlv(0x30))], id="empty subjectAltName"),
        pytest.param([extension("2.5.29.17", b"not DER at all")], id="subjectAltName that is not DER"),
        pytest.param([extension("2.5.29.17", tlv(0x30, tlv(0x82, "证照.cn".encode())))], id="UTF-8 in a DNS name"),
        pytest.param([extension("2.5.29.17", tlv(0x30, tlv(0x0C, b"bare string")))], id="bare string for a name"),
        pytest.param([extension("1.2.156.10260.4.1.3", b"\x13\x03abc")], id="private extension"),
        pytest.param([extension("1.2.86.11.7.1", b"raw")], id="private extension that is not DER"),
        pytest.param([key_usage(bytes.fromhex("030200c0"))], id="keyUsage with trailing zero bits"),
        pytest.param([key_usage(bytes.fromhex("030307ffff"[:-2] + "80"))], id="keyUsage of nine bits"),
    ],
)
def test_odd_certificates_in_use_are_read_and_validate(world: World, extensions: list[bytes]) -> None:
    leaf = world.leaf(*extensions)
    assert world.validate(leaf).leaf.der == leaf


def test_null_parameters_are_read_and_validate(world: World) -> None:
    leaf = world.leaf(algorithm=SM2_WITH_SM3_NULL)
    assert world.validate(leaf).leaf.algorithms == (SM2_WITH_SM3_NULL, SM2_WITH_SM3_NULL)


@pytest.mark.parametrize("tag", [0x13, 0x14, 0x16])
def test_utf8_in_other_string_types_is_read_and_chains_by_its_bytes(world: World, tag: int) -> None:
    odd = tlv(0x30, tlv(0x31, tlv(0x30, oid("2.5.4.10"), tlv(tag, "11520000市局".encode()))))
    leaf = world.leaf(subject=odd)
    assert world.validate(leaf).leaf.subject_text == "O=11520000市局"


def test_a_key_of_another_kind_reads_and_verifies_nothing(world: World) -> None:
    certificate = Certificate.from_der(world.leaf(spki=P256_SPKI))
    assert certificate.public_key is None
    assert certificate.spki == P256_SPKI
    with pytest.raises(RejectedError) as caught:
        certificate.verify_issued_by(certificate.public_key)
    assert caught.value.reason is Reason.CERTIFICATE_ALGORITHM


def test_version_1_is_read(world: World) -> None:
    assert Certificate.from_der(world.leaf(version=b"", extensions=[])).version == 1


def test_years_beyond_2049_and_before_2000_are_read(world: World) -> None:
    first, last = datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)
    certificate = Certificate.from_der(world.leaf(not_before=first, not_after=last))
    assert (certificate.not_before, certificate.not_after) == (first, last)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"extensions": [key_usage(b"\x03\x02\x06\xc0")] * 2}, "two extensions"),
        ({"extensions": [extension(f"1.2.3.{n}", b"") for n in range(65)]}, "65 extensions"),
        ({"extensions": [basic_constraints(b"\x05\x00")]}, "expected"),
        ({"extensions": [basic_constraints(tlv(0x30, CA_TRUE))]}, ""),
        ({"extensions": [basic_constraints(bytes.fromhex("30060101ff0201ff"))]}, "negative"),
        ({"extensions": [basic_constraints(bytes.fromhex("3003010101"))]}, "not DER"),
        ({"extensions": [basic_constraints(CA_TRUE + b"\x00")]}, "follow"),
        ({"extensions": [key_usage(b"\x04\x01\x06")]}, ""),
        ({"extensions": [extension("2.5.29.37", tlv(0x30, tlv(0x04, b"x")))]}, ""),
        ({"extensions": [extension("2.5.29.14", b"\x30\x00")]}, ""),
        ({"extensions": [extension("2.5.29.35", b"\x04\x00")]}, ""),
        ({"extensions": [extension("2.5.29.30", tlv(0x30, tlv(0xA0)))]}, "without a subtree"),
        ({"version": b"", "extensions": leaf_extensions()}, "not version 3"),
        ({"version": b"\xa0\x03\x02\x01\x00"}, "version"),
        ({"version": b"\xa0\x03\x02\x01\x03"}, "version"),
        ({"serial": 1 << 600}, "serial"),
        ({"subject": tlv(0x30, tlv(0x31))}, "without attributes"),
        ({"subject": tlv(0x30, tlv(0x30))}, "expected"),
        ({"subject": tlv(0x30, tlv(0x31, tlv(0x04)))}, "expected"),
        ({"spki": tlv(0x30, bytes(70_000))}, "longer than"),
    ],
)
def test_a_malformed_certificate_is_refused(world: World, changes: dict[str, object], why: str) -> None:
    assert why in refused(world.leaf(**changes))


@pytest.mark.parametrize(
    "written", [b"2401010000Z", b"240101000000+0800"[:13], b"241301000000Z", b"24010100000\xb2Z", b"240101000060Z"]
)
def test_a_time_in_another_spelling_is_refused(world: World, written: bytes) -> None:
    good = tlv(0x17, world.department.not_before.strftime("%y%m%d%H%M%SZ").encode())
    assert world.department.tbs.count(good) == 1
    tbs = world.department.tbs
    start = tbs.index(good)
    body = tbs[tbs.index(b"\xa0\x03\x02\x01\x02") : start] + tlv(0x17, written) + tbs[start + len(good) :]
    head = body[: body.index(world.department.issuer) + len(world.department.issuer)]
    rest = body[len(head) :]
    times = tlv(0x30, tlv(0x17, written), good)
    after = rest[rest.index(world.department.subject) :]
    refused(sign(world.region.key, tlv(0x30, head, times, after)))


def test_no_truncation_is_a_certificate(world: World) -> None:
    for length in range(len(world.department.der)):
        refused(world.department.der[:length])


def test_trailing_bytes_are_refused(world: World) -> None:
    refused(world.department.der + b"\x00")


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_certificate_or_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        Certificate.from_der(data)


def mutate(der: bytes, at: int, by: int) -> bytes:
    changed = bytearray(der)
    changed[at % len(der)] ^= by
    return bytes(changed)


def never_validates(leaf: bytes) -> None:
    root, region = STATIC.root.certificate.der, STATIC.region.certificate.der
    with pytest.raises((MalformedError, VerificationError)):
        validate_path(leaf, [region], [root], at=NOW)


@settings(max_examples=400, deadline=None)
@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_no_certificate_with_one_byte_changed_validates(at: int, by: int) -> None:
    never_validates(mutate(STATIC.department.der, at, by))


def test_no_bit_flipped_anywhere_validates() -> None:
    for at in range(len(STATIC.department.der)):
        never_validates(mutate(STATIC.department.der, at, 1 << at % 8))


@settings(max_examples=300, deadline=None)
@given(st.integers(min_value=0), st.binary(min_size=0, max_size=8), st.integers(min_value=0, max_value=8))
def test_spliced_extensions_read_or_are_malformed(at: int, insert: bytes, skip: int) -> None:
    """Extension values in other shapes reach the schema layer signed: nothing but MalformedError may come out."""
    values = [extension.value for extension in STATIC.region.certificate.extensions]
    kinds = [extension.oid for extension in STATIC.region.certificate.extensions]
    which = at % len(values)
    where = at // 7 % (len(values[which]) + 1)
    values[which] = values[which][:where] + insert + values[which][where + skip :]
    forged = forge(
        subject=Name("x").der,
        key=STATIC.department_key.public_key,
        issuer=STATIC.root.name,
        signer=STATIC.root.key,
        extensions=[extension(kind, value) for kind, value in zip(kinds, values, strict=True)],
    )
    try:
        Certificate.from_der(forged)
    except EcertError as error:
        assert isinstance(error, MalformedError)  # noqa: PT017


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["14", "15", "17", "19", "30", "31", "35", "37"]), st.binary(max_size=24))
def test_any_extension_value_reads_or_is_malformed(kind: str, value: bytes) -> None:
    for wrapped in (value, tlv(0x30, value), tlv(0x30, tlv(0xA0, value)), tlv(0x03, b"\x00", value)):
        forged = STATIC.leaf(extension(f"2.5.29.{kind}", wrapped))
        try:
            Certificate.from_der(forged)
        except EcertError as error:
            assert isinstance(error, MalformedError)  # noqa: PT017


def test_certificates_are_values(world: World) -> None:
    again = Certificate.from_der(world.department.der)
    assert again == world.department
    assert hash(again) == hash(world.department)
    assert replace(again, serial=7) != again
    assert isinstance(again.public_key, PublicKey)
