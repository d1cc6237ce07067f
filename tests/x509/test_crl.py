"""Reading revocation lists: all that real ones hold, and nothing that is none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecert.errors import MalformedError, Reason, RejectedError
from ecert.x509 import CrlReason, Name, Revocation, RevocationList
from ecert.x509.general_names import DIRECTORY, GeneralName

from .world import (
    DAY,
    NOW,
    SM2_WITH_SM3_NULL,
    World,
    entry,
    extension,
    forge_crl,
    instant,
    integer,
    reason_code,
    tlv,
)

STATIC = World.build()
IDP = "2.5.29.28"


def make(**changes: object) -> bytes:
    values: dict[str, object] = {"issuer": STATIC.region.name, "signer": STATIC.region.key}
    return forge_crl(**(values | changes))  # type: ignore[arg-type]


def scoped(*parts: bytes) -> RevocationList:
    return RevocationList.from_der(make(extensions=[extension(IDP, tlv(0x30, *parts), critical=True)]))


def test_null_parameters_version_1_and_no_next_update_are_read() -> None:
    assert RevocationList.from_der(make(algorithm=SM2_WITH_SM3_NULL)).algorithms[0] == SM2_WITH_SM3_NULL
    assert RevocationList.from_der(make(version=b"", next_update=None)).next_update is None


def test_the_invalidity_date_counts_when_it_is_earlier() -> None:
    since = extension("2.5.29.24", tlv(0x18, (NOW - 9 * DAY).strftime("%Y%m%d%H%M%SZ").encode()))
    later = extension("2.5.29.24", tlv(0x18, (NOW + 9 * DAY).strftime("%Y%m%d%H%M%SZ").encode()))
    made = RevocationList.from_der(make(entries=[entry(1, NOW, reason_code(1), since), entry(2, NOW, later)]))
    assert made.find(1) == Revocation(1, NOW - 9 * DAY, CrlReason.KEY_COMPROMISE)
    assert made.find(2) == Revocation(2, NOW, CrlReason.UNSPECIFIED)


def test_a_reason_nobody_has_defined_reads_as_unspecified() -> None:
    assert RevocationList.from_der(make(entries=[entry(1, NOW, reason_code(7))])).find(1) == Revocation(1, NOW)


def test_of_two_entries_for_one_serial_the_earlier_is_found() -> None:
    for order in ([NOW, NOW - DAY], [NOW - DAY, NOW]):
        found = RevocationList.from_der(make(entries=[entry(1, at) for at in order])).find(1)
        assert found is not None
        assert found.at == NOW - DAY


def test_the_scope_is_read() -> None:
    point = Name("point").der
    named = scoped(tlv(0xA0, tlv(0xA0, tlv(0xA4, point))), tlv(0x81, b"\xff"))
    assert named.scope.names == frozenset({GeneralName(DIRECTORY, point)})
    assert named.scope.only_users
    assert scoped(tlv(0x82, b"\xff")).scope.only_cas
    assert scoped(tlv(0x83, b"\x01\x80")).scope.only_reasons
    assert scoped(tlv(0x82, b"\x00")).scope.only_cas is False


def test_a_relative_point_name_is_completed_with_the_issuer() -> None:
    attribute = tlv(0x30, bytes.fromhex("0603550403"), tlv(0x0C, b"list 1"))
    names = scoped(tlv(0xA0, tlv(0xA1, attribute))).scope.names
    inside = STATIC.region.name[2:]
    assert names == frozenset({GeneralName(DIRECTORY, tlv(0x30, inside, tlv(0x31, attribute)))})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"extensions": [extension("1.2.3.4", b"", critical=True)]}, "critical extension"),
        ({"entries": [entry(1, NOW, extension("1.2.3.4", b"", critical=True))]}, "entry has a critical"),
        ({"entries": [entry(1, NOW, extension("2.5.29.29", tlv(0x30, tlv(0xA4, b"0\x00"))))]}, "another issuer"),
        ({"extensions": [extension(IDP, tlv(0x30, tlv(0x84, b"\xff")), critical=True)]}, "other issuers"),
        ({"extensions": [extension(IDP, tlv(0x30, tlv(0x85, b"\xff")), critical=True)]}, "attribute certificates"),
    ],
)
def test_a_list_with_what_is_not_supported_reads_and_says_so(changes: dict[str, object], why: str) -> None:
    assert why in str(RevocationList.from_der(make(**changes)).unsupported)


def test_unknown_extensions_that_are_not_critical_do_no_harm() -> None:
    harmless = extension("1.2.3.4", b"raw")
    made = RevocationList.from_der(make(extensions=[harmless], entries=[entry(1, NOW, harmless)]))
    assert made.unsupported is None


@pytest.mark.parametrize(
    "changes",
    [
        {"version": b"\x02\x01\x00"},
        {"version": b"", "extensions": [extension("2.5.29.20", b"\x02\x01\x01")]},
        {"version": b"", "entries": [entry(1, NOW, reason_code(1))]},
        {"entries": [entry(1 << 600, NOW)]},
        {"entries": [tlv(0x30, integer(1))]},
        {"entries": [tlv(0x30, integer(1), instant(NOW), tlv(0x05))]},
        {"entries": [entry(1, NOW, reason_code(1), reason_code(1))]},
        {"entries": [entry(1, NOW, extension("2.5.29.21", b"\x02\x01\x01"))]},
        {"extensions": [extension("2.5.29.20", b"\x02\x01\x01")] * 2},
        {"extensions": [extension(IDP, tlv(0x30, tlv(0x86, b"\xff")))]},
        {"extensions": [extension(IDP, b"")]},
        {"issuer": tlv(0x30, tlv(0x30))},
    ],
)
def test_a_malformed_list_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(MalformedError) as caught:
        RevocationList.from_der(make(**changes))
    assert caught.value.reason is Reason.CRL_MALFORMED


def test_a_list_larger_than_sixteen_mebibytes_is_refused_before_it_is_read() -> None:
    with pytest.raises(MalformedError, match="longer than"):
        RevocationList.from_der(bytes((1 << 24) + 1))


def test_no_truncation_and_no_flipped_bit_of_a_list_verifies() -> None:
    der = make(entries=[entry(1, NOW, reason_code(1))])
    for at in range(len(der)):
        with pytest.raises(MalformedError):
            RevocationList.from_der(der[:at])
        changed = der[:at] + bytes((der[at] ^ 1,)) + der[at + 1 :]
        with pytest.raises((MalformedError, RejectedError)):
            RevocationList.from_der(changed).verify_issued_by(STATIC.region.key.public_key)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["20", "21", "24", "27", "28", "35"]), st.binary(max_size=24))
def test_any_extension_value_reads_or_is_malformed(kind: str, value: bytes) -> None:
    for wrapped in (value, tlv(0x30, value), tlv(0x30, tlv(0xA0, value)), tlv(0x0A, value), tlv(0x18, value)):
        one = extension(f"2.5.29.{kind}", wrapped)
        for changes in ({"extensions": [one]}, {"entries": [entry(1, NOW, one)]}):
            try:
                RevocationList.from_der(make(**changes))
            except MalformedError as error:
                assert error.reason is Reason.CRL_MALFORMED  # noqa: PT017
