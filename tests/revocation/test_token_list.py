"""The Token Status List twin: the draft's own vectors, both forms read by other means, and what is refused."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.errors import CustodyError, MalformedError, Reason, RejectedError, UndeterminedError
from ecert.licence.reference import StatusRef
from ecert.revocation.status import State
from ecert.revocation.token_list import (
    MAX_TOKEN,
    TokenStatus,
    TokenStatusList,
    pack_statuses,
    read_cwt,
    read_jwt,
    token_status_list,
)
from ecert.sm2 import PrivateKey, PublicKey, decode_der, encode_raw

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
URI = "https://status.example/440000/lists/0011223344556677-0"
KEY = PrivateKey.generate()
MARKS = {0: 0x07, 1: 0x02, 2: 0x08, 5: 0x21, 6: 0x10, 9: 0x03}
"""Revoked; suspended; valid with a history; inactive and in dispute; parent changed; superseded."""
STATUSES = [1, 2, 0, 0, 0, 2, 0, 0, 0, 1]

# Appendix "2 bit Status List" of draft-ietf-oauth-status-list-07: 2^20 entries, all 0 but these.
VECTOR = (
    "eNrt2zENACEQAEEuoaBABP5VIO01fCjIHTMStt9ovGVIAAAAAABAbiEBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEB5WwIAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAID0ugQAAAAA"
    "AAAAAAAAAAAAQG12SgAAAAAAAAAAAAAAAAAAAAAAAAAAAOCSIQEAAAAAAAAAAAAAAAAAAAAAAAD8ExIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAwJEuAQAAAAAAAAAAAAAAAAAAAAAAAMB9SwIAAAAAAAAAAAAAAAAAAACoYUoAAAAAAAAAAAAAAEBqH81gAQw"
)
VECTOR_STATUSES = {
    0: 1,
    1993: 2,
    25460: 1,
    159495: 3,
    495669: 1,
    554353: 1,
    645645: 2,
    723232: 1,
    854545: 1,
    934534: 2,
    1000345: 3,
}


def made(covered: int = 10, marks: dict[int, int] = MARKS, **changes: Any) -> tuple[bytes, bytes]:
    settings: dict[str, Any] = {
        "subject": URI,
        "issued_at": NOW,
        "expires": NOW + timedelta(days=7),
        "ttl": 3600,
        "signer": KEY,
    }
    return token_status_list(covered, marks.items(), **settings | changes)


def from_base64(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text + b"==")


def to_base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def raw_signature(message: bytes) -> bytes:
    return encode_raw(*decode_der(KEY.sign(message)))


def a_jwt(payload: bytes, header: dict[str, Any] | None = None) -> bytes:
    """Sign any payload, as somebody would who has the key and other software."""
    header = header or {"alg": "SM2-SM3", "kid": KEY.public_key.key_id.hex(), "typ": "statuslist+jwt"}
    text = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
    message = to_base64(text) + b"." + to_base64(payload)
    return message + b"." + to_base64(raw_signature(message))


def a_cwt(payload: bytes, header: dict[int, Any] | None = None) -> bytes:
    header = header or {1: -65537, 4: KEY.public_key.key_id, 16: "application/statuslist+cwt"}
    protected = cbor2.dumps(header, canonical=True)
    signature = raw_signature(cbor2.dumps(["Signature1", protected, b"", payload]))
    return cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature]))


def jwt_claims(**changes: Any) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(from_base64(made()[0].split(b".")[1]))
    return claims | changes


def jwt_of(claims: dict[str, Any]) -> bytes:
    return a_jwt(json.dumps(claims, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode())


def jwt_list(packed: bytes, bits: Any = 2) -> bytes:
    return jwt_of(jwt_claims(status_list={"bits": bits, "lst": to_base64(packed).decode()}))


def cwt_of(changes: dict[Any, Any]) -> bytes:
    claims = cbor2.loads(cbor2.loads(made()[1]).value[2])
    return a_cwt(cbor2.dumps(claims | changes, canonical=True))


# The list.


@pytest.mark.parametrize("high", [0x00, 0x10, 0x20, 0x30])
@pytest.mark.parametrize("state", State)
def test_states_that_end_are_invalid_those_that_pass_suspended_and_flags_do_not_count(state: State, high: int) -> None:
    expected = TokenStatus.INVALID if state.ends else TokenStatus.SUSPENDED
    if state is State.VALID:
        expected = TokenStatus.VALID
    assert pack_statuses(4, [(2, high | state.value)])[0] == expected << 4
    assert pack_statuses(4, [(2, high | 0x08 | state.value)])[0] == expected << 4


def test_indices_fill_a_byte_from_its_lowest_bits() -> None:
    assert pack_statuses(12, [(0, 7), (1, 2), (5, 7), (7, 7), (8, 7), (9, 2)]) == bytes((0b1001, 0b1000100, 0b1001))


@pytest.mark.parametrize("covered", range(9))
def test_what_is_not_covered_is_never_valid(covered: int) -> None:
    jwt, _ = made(covered, {})
    listing = read_jwt(jwt, KEY.public_key)
    assert [listing.status(index) for index in range(covered)] == [TokenStatus.VALID] * covered
    for index in range(covered, len(listing.statuses) * 4):
        assert listing.status(index) == TokenStatus.INVALID
    for index in (len(listing.statuses) * 4, 2**20, -1):
        with pytest.raises(UndeterminedError) as caught:
            listing.status(index)
        assert caught.value.reason is Reason.STATUS_NOT_COVERED


@pytest.mark.parametrize("index", [-1, 10, 11, 2**20])
def test_a_mark_outside_the_list_is_refused(index: int) -> None:
    with pytest.raises(MalformedError) as caught:
        made(marks={index: 7})
    assert caught.value.reason is Reason.STATUS_INCOMPLETE


@given(st.dictionaries(st.integers(0, 999), st.integers(0, 255)), st.integers(1000, 1010))
def test_both_forms_say_of_every_index_what_its_mark_says(marks: dict[int, int], covered: int) -> None:
    jwt, cwt = made(covered, marks)
    listing = read_jwt(jwt, KEY.public_key)
    assert listing == read_cwt(cwt, KEY.public_key)
    for index in range(covered):
        state = State(marks.get(index, 0) & 7)
        assert (listing.status(index) == TokenStatus.VALID) == (state is State.VALID)
        assert (listing.status(index) == TokenStatus.INVALID) == state.ends


def test_the_largest_list_fits_however_it_is_marked() -> None:
    marks = {index: index * index % 251 % 8 for index in range(StatusRef.CAPACITY)}
    jwt, cwt = made(StatusRef.CAPACITY, marks)
    assert max(len(jwt), len(cwt)) < MAX_TOKEN
    assert read_cwt(cwt, KEY.public_key) == read_jwt(jwt, KEY.public_key)
    assert read_cwt(cwt, KEY.public_key).status(StatusRef.CAPACITY - 1) == TokenStatus.INVALID


def test_the_lists_of_the_draft_read_as_it_says() -> None:
    small = read_jwt(jwt_list(bytes.fromhex("78da3be9f2130003df0207")), KEY.public_key)
    assert [small.status(index) for index in range(12)] == [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]
    one_bit = read_jwt(jwt_list(bytes.fromhex("78dadbb918000217015d"), bits=1), KEY.public_key)
    assert [one_bit.status(index) for index in range(16)] == [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]
    large = read_jwt(jwt_list(from_base64(VECTOR.encode())), KEY.public_key)
    assert len(large.statuses) * 4 == 2**20
    assert {index: large.status(index) for index in range(2**20) if large.status(index)} == VECTOR_STATUSES


def test_lists_are_compressed_as_the_draft_compresses_them() -> None:
    listing = cbor2.loads(cbor2.loads(made(4, {0: 7, 1: 2})[1]).value[2])[65533]["lst"]
    assert listing == zlib.compress(b"\x09", 9)
    assert zlib.compress(bytes.fromhex("c944f9"), 9).hex() == "78da3be9f2130003df0207"


# The two forms, read by other means.


def test_the_jwt_is_what_the_draft_asks_for() -> None:
    head, body, signature = made()[0].split(b".")
    assert json.loads(from_base64(head)) == {
        "alg": "SM2-SM3",
        "kid": KEY.public_key.key_id.hex(),
        "typ": "statuslist+jwt",
    }
    claims = json.loads(from_base64(body))
    listing = claims.pop("status_list")
    assert claims == {"sub": URI, "iat": 1795399200, "exp": 1796004000, "ttl": 3600}
    assert listing.keys() == {"bits", "lst"}
    packed = zlib.decompress(from_base64(listing["lst"].encode()))
    assert (listing["bits"], [packed[at // 4] >> at % 4 * 2 & 3 for at in range(10)]) == (2, STATUSES)
    KEY.public_key.verify_raw(from_base64(signature), head + b"." + body)
    assert b"=" not in made()[0]


def test_the_cwt_is_what_the_draft_asks_for() -> None:
    token = cbor2.loads(made()[1])
    assert token.tag == 18
    protected, unprotected, payload, signature = token.value
    assert cbor2.loads(protected) == {1: -65537, 4: KEY.public_key.key_id, 16: "application/statuslist+cwt"}
    assert unprotected == {}
    claims = cbor2.loads(payload)
    listing = claims.pop(65533)
    assert claims == {2: URI, 6: 1795399200, 4: 1796004000, 65534: 3600}
    packed = zlib.decompress(listing["lst"])
    assert (listing["bits"], [packed[at // 4] >> at % 4 * 2 & 3 for at in range(10)]) == (2, STATUSES)
    KEY.public_key.verify_raw(signature, cbor2.dumps(["Signature1", protected, b"", payload]))


def test_both_forms_read_back() -> None:
    jwt, cwt = made(issued_at=NOW + timedelta(microseconds=5))
    expected = TokenStatusList(URI, NOW, NOW + timedelta(days=7), 3600, 2, pack_statuses(10, MARKS.items()))
    assert read_jwt(jwt, KEY.public_key) == expected
    assert read_cwt(cwt, KEY.public_key) == expected
    assert [expected.status(index) for index in range(10)] == STATUSES


# What is refused.


def test_no_single_byte_of_either_form_can_change() -> None:
    jwt, cwt = made()
    for data, read in ((jwt, read_jwt), (cwt, read_cwt)):
        for at in range(len(data)):
            for mask in (0x01, 0x20, 0x80):
                changed = bytearray(data)
                changed[at] ^= mask
                with pytest.raises((MalformedError, RejectedError)):
                    read(bytes(changed), KEY.public_key)


def test_no_form_is_cut_continued_or_taken_for_the_other() -> None:
    jwt, cwt = made()
    for data, read in ((jwt, read_jwt), (cwt, read_cwt)):
        wrong = [data[:end] for end in range(len(data))]
        for one in (*wrong, data + b"\x00", data + b".", b"\n" + data, cwt if data is jwt else jwt):
            with pytest.raises((MalformedError, RejectedError)):
                read(one, KEY.public_key)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    for read in (read_jwt, read_cwt):
        with pytest.raises(MalformedError) as caught:
            read(data, KEY.public_key)
        assert caught.value.reason is Reason.STATUS_MALFORMED


def test_more_bytes_than_any_list_has_are_refused_unread() -> None:
    for read in (read_jwt, read_cwt):
        with pytest.raises(MalformedError) as caught:
            read(b"." * (MAX_TOKEN + 1), KEY.public_key)
        assert caught.value.reason is Reason.TOO_LARGE


def test_a_list_signed_by_another_key_is_refused() -> None:
    other = PrivateKey.generate().public_key
    for data, read in zip(made(), (read_jwt, read_cwt), strict=True):
        with pytest.raises(MalformedError, match="signed by this key"):
            read(data, other)


def test_a_list_that_only_names_the_key_is_refused() -> None:
    jwt, cwt = made(signer=Pretender())
    for data, read in ((jwt, read_jwt), (cwt, read_cwt)):
        with pytest.raises(RejectedError) as caught:
            read(data, KEY.public_key)
        assert caught.value.reason is Reason.STATUS_SIGNATURE_BAD


class NamesakeKey(PublicKey):
    """A key that goes by the name of another."""

    key_id = KEY.public_key.key_id


class Pretender:
    """Signs with one key under the name of another, as a thief of the name but not of the key would."""

    def __init__(self) -> None:
        self._key = PrivateKey.generate()
        self.public_key = NamesakeKey(self._key.public_key.point)

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


class BrokenSigner:
    """A signer whose hardware signs something else."""

    public_key = KEY.public_key

    def sign(self, message: bytes) -> bytes:
        return KEY.sign(message + b"!")


def test_a_signature_that_does_not_verify_does_not_leave() -> None:
    with pytest.raises(CustodyError, match="self-check-failed"):
        made(signer=BrokenSigner())


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "kid": KEY.public_key.key_id.hex(), "typ": "statuslist+jwt"},
        {"alg": "HS256", "kid": KEY.public_key.key_id.hex(), "typ": "statuslist+jwt"},
        {"alg": "SM2-SM3", "kid": KEY.public_key.key_id.hex(), "typ": "JWT"},
        {"alg": "SM2-SM3", "kid": KEY.public_key.key_id.hex()},
        {"alg": "SM2-SM3", "kid": KEY.public_key.key_id.hex(), "typ": "statuslist+jwt", "crit": ["b64"]},
    ],
)
def test_a_jwt_with_another_header_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(MalformedError, match="the header is not"):
        read_jwt(a_jwt(b"{}", header), KEY.public_key)


def test_a_cwt_with_other_headers_is_refused() -> None:
    header = {1: -65537, 4: KEY.public_key.key_id, 16: "application/statuslist+cwt"}
    payload = cbor2.loads(made()[1]).value[2]
    for wrong in (header | {1: -7}, header | {16: "application/cwt"}, {1: -65537, 4: KEY.public_key.key_id}):
        with pytest.raises(MalformedError, match="headers are not"):
            read_cwt(a_cwt(payload, wrong), KEY.public_key)
    protected, _, body, signature = cbor2.loads(made()[1]).value
    unprotected = cbor2.dumps(cbor2.CBORTag(18, [protected, {1: -7}, body, signature]))
    with pytest.raises(MalformedError, match="headers are not"):
        read_cwt(unprotected, KEY.public_key)
    untagged = made()[1][1:]
    with pytest.raises(MalformedError, match="not tagged"):
        read_cwt(untagged, KEY.public_key)


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": ""},
        {"sub": "x" * 513},
        {"sub": 5},
        {"sub": "two\nlines"},
        {"iat": -1},
        {"iat": 1.5},
        {"iat": True},
        {"exp": 1795399200},
        {"exp": 2**34},
        {"ttl": 0},
        {"ttl": 2**32},
        {"ttl": "3600"},
        {"nbf": 1},
        {"status_list": {}},
        {"status_list": [2, "eNr"]},
        {"status_list": {"bits": 2}},
        {"status_list": {"bits": 2, "lst": 5}},
        {"status_list": {"bits": 2, "lst": "eNo76fITAAPfAgc="}},
        {"status_list": {"bits": 2, "lst": "eNo76fITAAPfAgd"}},
        {"status_list": {"bits": 2, "lst": "eNo76fITAAPf Agc"}},
        {"status_list": {"bits": 2, "lst": "eNo76fITAAPfAg\N{CYRILLIC SMALL LETTER ES}"}},
        {"status_list": {"bits": 2, "lst": "eNo76fITAAPfAgc", "aggregation_uri": "https://a.example"}},
    ],
)
def test_signed_claims_of_another_shape_are_refused_all_the_same(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError) as caught:
        read_jwt(jwt_of(jwt_claims(**changes)), KEY.public_key)
    assert caught.value.reason is Reason.STATUS_MALFORMED


@pytest.mark.parametrize("bits", [0, 3, 5, 16, True, -2, 2.0, "2"])
def test_bits_are_one_two_four_or_eight(bits: Any) -> None:
    with pytest.raises(MalformedError):
        read_jwt(jwt_list(zlib.compress(b"\x00"), bits=bits), KEY.public_key)


@pytest.mark.parametrize(
    "changes",
    [{2: ""}, {6: -1}, {4: 1795399200}, {65534: 0}, {7: b"id"}, {65533: {"bits": 2, "lst": "text"}}, {65533: b""}],
)
def test_signed_cwt_claims_of_another_shape_are_refused_all_the_same(changes: dict[Any, Any]) -> None:
    with pytest.raises(MalformedError) as caught:
        read_cwt(cwt_of(changes), KEY.public_key)
    assert caught.value.reason is Reason.STATUS_MALFORMED


def test_json_has_one_form() -> None:
    body = from_base64(made()[0].split(b".")[1])
    doubled = body[:-1] + b',"ttl":3600}'
    wrong = [
        b" " + body,
        body.replace(b",", b", ", 1),
        doubled,
        body.replace(b"3600", b"3600.0"),
        body.decode().encode("utf-16"),
    ]
    for payload in (*wrong, b"", b"[]", b"null", b"{", b"[" * 100_000, b"1" * 5000, b"NaN", b'"\xff"', b'"\\ud800"'):
        with pytest.raises(MalformedError) as caught:
            read_jwt(a_jwt(payload), KEY.public_key)
        assert caught.value.reason is Reason.STATUS_MALFORMED


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_zip_bomb_stops_where_the_largest_list_ends(bits: int) -> None:
    most = StatusRef.CAPACITY * bits // 8
    full = read_jwt(jwt_list(zlib.compress(bytes(most), 9), bits), KEY.public_key)
    assert len(full.statuses) == most
    for size in (most + 1, 50_000_000):
        with pytest.raises(MalformedError, match=f"longer than {most} bytes"):
            read_jwt(jwt_list(zlib.compress(bytes(size), 9), bits), KEY.public_key)


def test_a_list_is_one_whole_zlib_stream() -> None:
    whole = zlib.compress(bytes(100), 9)
    for wrong in (b"", whole[:-1], whole[:-5], whole + b"\x00", whole + whole, b"\x00" * 20, zlib.compress(b"")[2:]):
        with pytest.raises(MalformedError):
            read_jwt(jwt_list(wrong), KEY.public_key)
    flipped = whole[:-1] + bytes((whole[-1] ^ 1,))
    with pytest.raises(MalformedError, match="not a zlib stream"):
        read_jwt(jwt_list(flipped), KEY.public_key)


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": ""},
        {"subject": "x" * 513},
        {"expires": NOW},
        {"expires": NOW - timedelta(days=1)},
        {"ttl": 0},
        {"ttl": -1},
        {"issued_at": datetime(1969, 1, 1, tzinfo=UTC)},
    ],
)
def test_nothing_is_signed_that_no_reader_would_take(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError) as caught:
        made(**changes)
    assert caught.value.reason is Reason.STATUS_MALFORMED


def test_a_list_longer_than_any_list_of_ours_is_not_signed() -> None:
    with pytest.raises(MalformedError):
        made(StatusRef.CAPACITY + 4, {})


def test_a_list_is_a_value() -> None:
    listing = read_jwt(made()[0], KEY.public_key)
    assert replace(listing, statuses=b"") != listing
