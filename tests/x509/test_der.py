from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecert import der
from ecert.der import DerError, Reader, check, read_one

from .world import tlv


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("", "cut short"),
        ("30", "cut short"),
        ("3003020101ff", "follow"),
        ("3080020101 0000", "indefinite"),
        ("308103020101", "not minimal"),
        ("30820003020101", "not minimal"),
        ("3085000000000302", "beyond"),
        ("3004020101", "longer than what holds it"),
        ("3003020201", "longer than what holds it"),
        ("1f8101 00", "tag number"),
        ("2403040100", "wrong form"),
        ("1003020101", "wrong form"),
        ("30050101 01 0500", "not DER"),
        ("0101 01", "not DER"),
        ("0200", "not DER"),
        ("02020001", "not DER"),
        ("0202ffff", "not DER"),
        ("050100", "not DER"),
        ("0300", "not DER"),
        ("030108", "not DER"),
        ("030101", "not DER"),
        ("0600", "not DER"),
        ("06022a80", "not DER"),
    ],
)
def test_what_is_not_strict_der_is_refused(data: str, why: str) -> None:
    with pytest.raises(DerError, match=why):
        check(bytes.fromhex(data), limit=100)


def test_an_explicit_default_is_legal_structure() -> None:
    check(bytes.fromhex("3003010100"), limit=100)


def test_the_size_is_bounded_before_anything_is_read() -> None:
    with pytest.raises(DerError, match="longer than 4 bytes"):
        check(bytes.fromhex("3003020101"), limit=4)


def test_nesting_is_bounded() -> None:
    data = b""
    for _ in range(der.MAX_DEPTH):
        data = tlv(0x30, data)
    check(data, limit=1000)
    with pytest.raises(DerError, match="nested"):
        check(tlv(0x30, data), limit=1000)


def test_ten_thousand_levels_do_not_exhaust_the_stack() -> None:
    data = b""
    for _ in range(10_000):
        data = tlv(0xA0, data)
    with pytest.raises(DerError, match="nested"):
        check(data, limit=1 << 20)


def test_slices_are_taken_as_they_lie() -> None:
    inner = tlv(0x30, tlv(0x02, b"\x01"))
    element = read_one(tlv(0x30, inner, tlv(0x04, b"x")), der.SEQUENCE)
    reader = element.children()
    assert reader.read(der.SEQUENCE).der == inner
    assert reader.peek() == der.OCTET_STRING
    assert reader.optional(der.BIT_STRING) is None
    with pytest.raises(DerError, match="no place"):
        reader.finish()
    assert [one.content for one in reader.rest()] == [b"x"]
    reader.finish()
    with pytest.raises(DerError, match="cut short"):
        reader.read()


@pytest.mark.parametrize("dotted", ["1.2.156.10197.1.501", "2.5.29.15", "2.25.95102002294348069924549890496102416413"])
def test_object_identifiers_are_read(dotted: str) -> None:
    from .world import oid  # noqa: PLC0415

    assert der.oid(read_one(oid(dotted))) == dotted


@pytest.mark.parametrize("data", ["06028001", "06022a80", "0600", "0641" + "81" * 64 + "01"])
def test_odd_object_identifiers_are_refused(data: str) -> None:
    with pytest.raises(DerError):
        der.oid(read_one(bytes.fromhex(data)))


def test_bits_that_are_not_whole_octets_are_refused_where_octets_are_meant() -> None:
    with pytest.raises(DerError, match="whole octets"):
        der.octet_bits(read_one(bytes.fromhex("030204f0")))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_pass_or_are_refused(data: bytes) -> None:
    try:
        check(data, limit=100)
    except DerError:
        return
    assert read_one(data).der == data
    assert len(data) <= 100


@settings(deadline=None)
@given(
    st.recursive(
        st.binary(max_size=20).map(lambda b: tlv(0x04, b)),
        lambda kids: st.lists(kids, max_size=4).map(lambda k: tlv(0x30, *k)),
        max_leaves=20,
    )
)
def test_well_formed_structures_pass_and_no_truncation_does(data: bytes) -> None:
    check(data, limit=1 << 16)
    assert b"".join(one.der for one in Reader(data).rest()) == data
    for length in range(len(data)):
        with pytest.raises(DerError):
            check(data[:length], limit=1 << 16)
