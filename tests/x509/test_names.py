from __future__ import annotations

import pytest
from asn1crypto import x509

from ecert.errors import MalformedError, Reason
from ecert.x509 import Name
from ecert.x509.names import canonical, text

from .world import oid, tlv


def rdn(kind: str, tag: int, value: bytes) -> bytes:
    return tlv(0x31, tlv(0x30, oid(kind), tlv(tag, value)))


CN, ORGANIZATION = "2.5.4.3", "2.5.4.10"


def test_a_name_is_written_country_first_with_the_right_string_types() -> None:
    name = Name("贵阳市行政审批局", "11520100MB1234567X", "证照科")
    assert name.der == tlv(
        0x30,
        rdn("2.5.4.6", 0x13, b"CN"),
        rdn(ORGANIZATION, 0x0C, b"11520100MB1234567X"),
        rdn("2.5.4.11", 0x0C, "证照科".encode()),
        rdn(CN, 0x0C, "贵阳市行政审批局".encode()),
    )
    assert text(name.der) == "CN=贵阳市行政审批局,OU=证照科,O=11520100MB1234567X,C=CN"
    assert x509.Name.load(name.der).native["common_name"] == "贵阳市行政审批局"


@pytest.mark.parametrize(
    "parts",
    [{"common_name": ""}, {"common_name": "x" * 65}, {"organization": ""}, {"country": "cn"}, {"country": "中国"}],
)
def test_a_name_that_cannot_be_is_refused(parts: dict[str, str]) -> None:
    with pytest.raises(MalformedError) as caught:
        Name(**({"common_name": "x"} | parts))
    assert caught.value.reason is Reason.CERTIFICATE_MALFORMED


@pytest.mark.parametrize(
    ("tag", "value", "shown"),
    [
        (0x0C, "证照".encode(), "证照"),
        (0x16, "证照".encode(), "证照"),  # UTF-8 in IA5String: not legal, and common
        (0x14, "证照".encode(), "证照"),  # UTF-8 in T61String
        (0x13, "证照".encode(), "证照"),  # UTF-8 in PrintableString
        (0x14, b"Caf\xe9", "Café"),
        (0x1E, "证照".encode("utf-16-be"), "证照"),
        (0x1C, "证照".encode("utf-32-be"), "证照"),
        (0x1E, b"\x8b", "#1e018b"),
        (0x04, b"\x01", "#040101"),
        (0x0C, b'a,b+c"d\\e<f>;=', r"a\,b\+c\"d\\e\<f\>\;\="),
        (0x0C, b" x ", r"\ x\ "),
        (0x0C, b" ", r"\ "),
        (0x0C, b"#1", r"\#1"),
        (0x0C, b"a\nb\x00", r"a\0Ab\00"),
        (0x0C, "\u202ex".encode(), r"\E2\80\AEx"),
    ],
)
def test_names_are_shown_whatever_their_strings_hold(tag: int, value: bytes, shown: str) -> None:
    assert text(tlv(0x30, rdn(CN, tag, value))) == f"CN={shown}"


def test_an_unknown_attribute_is_shown_by_its_number_and_several_values_are_joined() -> None:
    pair = tlv(0x31, *(tlv(0x30, oid(kind), tlv(0x0C, b"x")) for kind in (CN, "1.2.156.10260.4.1.3")))
    assert text(tlv(0x30, pair)) == "CN=x+1.2.156.10260.4.1.3=x"


def test_a_name_longer_than_a_message_bears_is_cut() -> None:
    assert len(text(tlv(0x30, rdn(CN, 0x0C, b"x" * 5000)))) == 501


def test_canonical_names_unify_string_type_case_and_spaces_and_nothing_else() -> None:
    one = canonical(tlv(0x30, rdn(CN, 0x13, b"  Good   CA ")))
    assert one == canonical(tlv(0x30, rdn(CN, 0x0C, b"good ca")))
    assert one != canonical(tlv(0x30, rdn(CN, 0x0C, b"goodca")))
    assert one != canonical(tlv(0x30, rdn(ORGANIZATION, 0x0C, b"good ca")))
