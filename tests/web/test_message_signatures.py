from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecert.errors import EcertError, Reason
from ecert.sm2 import PrivateKey, PublicKey, decode_der, encode_raw, sm3
from ecert.web.digests import Digester
from ecert.web.message_signatures import CLOCK_SKEW, Signature, authenticate, read_signature, sign
from ecert.web.signature_base import Message, component, signature_base, signature_parameters
from tests.web.oracles import bouncycastle, needs_bouncycastle, openssl_accepts

VECTORS = json.loads((Path(__file__).parents[2] / "docs/vectors/message-signatures.json").read_text("utf-8"))
CASES = {case["name"]: case for case in VECTORS["cases"]}
KEY = PrivateKey.from_pkcs8(bytes.fromhex(VECTORS["key"]["private_pkcs8"]))
KEY_ID = VECTORS["key"]["keyid"]
NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
NONCE = "0123456789abcdef"
URI = "https://issuing.example/api/v1/licences?limit=5"
BODY = b'{"a":1}'
POST = Message("POST", URI, (("Content-Type", "application/json"), ("Idempotency-Key", '"k1"')), BODY)


class Memory:
    """Nonces in memory, as one process keeps them."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], datetime] = {}

    async def seen(self, nonce: str, keyid: str, until: datetime) -> bool:
        known = (nonce, keyid) in self.known
        self.known[nonce, keyid] = until
        return known


async def find_key(keyid: str) -> PublicKey | None:
    return KEY.public_key if keyid == KEY_ID else None


def checked(message: Message, memory: Memory | None = None, now: datetime = NOW) -> Signature:
    return asyncio.run(authenticate(message, find_key=find_key, nonces=memory or Memory(), now=now))


def refused(message: Message, now: datetime = NOW, memory: Memory | None = None) -> EcertError:
    with pytest.raises(EcertError) as caught:
        checked(message, memory, now)
    return caught.value


def signed(message: Message, **other: Any) -> Message:
    given_values: dict[str, Any] = {"keyid": KEY_ID, "created": NOW, "nonce": NONCE} | other
    return replace(message, headers=(*message.headers, *sign(message, KEY, **given_values).items()))


def hand_signed(message: Message, covered: tuple[str, ...], *, label: str = "sig", **parameters: Any) -> Message:
    """Sign as a caller with other ideas would."""
    created = int(NOW.timestamp())
    usual = {"created": created, "expires": created + 60, "nonce": NONCE, "keyid": KEY_ID, "tag": "ecert"}
    whole = {name: value for name, value in (usual | parameters).items() if value is not None}
    value = encode_raw(*decode_der(KEY.sign(signature_base(message, covered, whole))))
    added = (
        ("Signature-Input", f"{label}={signature_parameters(covered, whole)}"),
        ("Signature", f"{label}=:{base64.b64encode(value).decode()}:"),
    )
    return replace(message, headers=(*message.headers, *added))


def with_header(message: Message, name: str, value: str) -> Message:
    return replace(message, headers=tuple((key, value if key == name else old) for key, old in message.headers))


def vector(case: dict[str, Any]) -> Message:
    headers = tuple((name, value) for name, value in case["headers"])
    return Message(case["method"], case["target_uri"], headers, case["body"].encode())


@pytest.mark.parametrize("name", CASES)
def test_every_vector_ends_as_it_says(name: str) -> None:
    case = CASES[name]
    now = datetime.fromtimestamp(case["now"], UTC)
    if case["outcome"] == "ok":
        signature = checked(vector(case), now=now)
        assert signature.base.decode() == case["signature_base"]
        assert signature.value.hex() == case["signature"]
        assert signature.keyid == KEY_ID
    else:
        assert refused(vector(case), now).reason == case["outcome"]


def good_vectors() -> list[tuple[bytes, bytes]]:
    good = [case for case in CASES.values() if case["outcome"] == "ok"]
    assert len(good) >= 3
    return [(case["signature_base"].encode(), bytes.fromhex(case["signature"])) for case in good]


def test_openssl_verifies_the_vectors(tmp_path: Path) -> None:
    for base, value in good_vectors():
        assert openssl_accepts(tmp_path, KEY, base, value)
        assert not openssl_accepts(tmp_path, KEY, base + b" ", value)


@needs_bouncycastle
def test_bouncycastle_verifies_the_vectors_and_signs_requests_that_we_accept(tmp_path: Path) -> None:
    vectors = good_vectors()
    opinions = bouncycastle(tmp_path, KEY, [*vectors, (vectors[0][0] + b" ", vectors[0][1])])
    assert [opinion.good for opinion in opinions] == [True] * len(vectors) + [False]
    case = CASES["a request with a body"]
    theirs = base64.b64encode(opinions[1].signature).decode()
    message = with_header(vector(case), "Signature", f"sig=:{theirs}:")
    assert checked(message, now=datetime.fromtimestamp(case["now"], UTC)).value == opinions[1].signature


@needs_bouncycastle
def test_bouncycastle_agrees_on_the_digest_of_a_body(tmp_path: Path) -> None:
    case = CASES["a request with a body"]
    (opinion,) = bouncycastle(tmp_path, KEY, [(case["body"].encode(), bytes(64))])
    assert dict(case["headers"])["Content-Digest"] == f"sm3=:{opinion.sm3}:"


def test_what_is_signed_is_authentic_and_says_whose_it_is() -> None:
    signature = checked(signed(POST))
    assert (signature.keyid, signature.nonce, signature.created) == (KEY_ID, NONCE, NOW)
    assert signature.covered == ("@method", "@target-uri", "content-digest", "content-type", "idempotency-key")


def test_a_request_is_taken_once() -> None:
    memory, message = Memory(), signed(POST, lifetime=timedelta(seconds=300))
    checked(message, memory)
    assert refused(message, NOW + timedelta(seconds=359), memory).reason is Reason.REQUEST_REPLAYED
    assert memory.known[NONCE, KEY_ID] == NOW + timedelta(seconds=300) + CLOCK_SKEW
    assert refused(message, NOW + timedelta(seconds=361), memory).reason is Reason.REQUEST_SIGNATURE_TIME


@pytest.mark.parametrize("damage", ["signature", "body"])
def test_what_is_not_authentic_does_not_use_up_a_nonce(damage: str) -> None:
    memory, message = Memory(), signed(POST)
    broken = replace(message, method="PUT") if damage == "signature" else replace(message, body=b'{"a":2}')
    refused(broken, memory=memory)
    assert not memory.known
    checked(message, memory)


@pytest.mark.parametrize(("seconds", "good"), [(-61, False), (-60, True), (120, True), (121, False)])
def test_clocks_may_be_a_minute_apart_and_no_more(seconds: int, *, good: bool) -> None:
    now = NOW + timedelta(seconds=seconds)
    if good:
        checked(signed(POST), now=now)
    else:
        assert refused(signed(POST), now).reason is Reason.REQUEST_SIGNATURE_TIME


@pytest.mark.parametrize("values", [{"nonce": "short"}, {"keyid": "部门"}, {"keyid": "a b"}])
def test_nobody_signs_what_would_be_refused(values: dict[str, str]) -> None:
    with pytest.raises(EcertError) as caught:
        signed(POST, **values)
    assert caught.value.reason is Reason.REQUEST_SIGNATURE_PARAMETER


@pytest.mark.parametrize("lifetime", [0, -60, 301])
def test_a_signature_is_good_for_one_second_to_five_minutes(lifetime: int) -> None:
    error = refused(signed(POST, lifetime=timedelta(seconds=lifetime)))
    assert error.reason is Reason.REQUEST_SIGNATURE_TIME


@pytest.mark.parametrize("leave_out", ["@method", "@target-uri", "content-digest", "content-type", "idempotency-key"])
def test_what_decides_must_be_covered_and_the_error_names_it(leave_out: str) -> None:
    whole = replace(POST, headers=(*POST.headers, ("Content-Digest", f"sm3=:{_b64(sm3(BODY))}:")))
    everything = ("@method", "@target-uri", "content-digest", "content-type", "idempotency-key")
    checked(hand_signed(whole, everything))
    error = refused(hand_signed(whole, tuple(name for name in everything if name != leave_out)))
    assert error.reason is Reason.REQUEST_SIGNATURE_COVERAGE
    assert leave_out in error.detail


@pytest.mark.parametrize(("name", "value"), [("If-Match", '"v1"'), ("Content-Encoding", "gzip")])
def test_a_field_that_decides_cannot_be_added_afterwards(name: str, value: str) -> None:
    message = signed(POST)
    added = replace(message, headers=(*message.headers, (name, value)))
    assert refused(added).reason is Reason.REQUEST_SIGNATURE_COVERAGE
    checked(signed(replace(POST, headers=(*POST.headers, (name, value)))))


def test_a_body_without_a_digest_is_not_authentic() -> None:
    message = hand_signed(POST, ("@method", "@target-uri", "content-type", "idempotency-key"))
    error = refused(message)
    assert (error.reason, error.detail) == (Reason.REQUEST_SIGNATURE_COVERAGE, "content-digest is not covered")


@pytest.mark.parametrize(
    ("digest", "reason"),
    [
        ("sha-256=:{sha256}:", None),
        ("sm3=:{sm3}:, sha-256=:{sha256}:", None),
        ("sm3=:{sm3}:, md5=:AAAA:", None),
        ("sm3=:{sm3}:, sha-256=:{sm3}:", Reason.REQUEST_DIGEST_MISMATCH),
        ("sm3=:{sha256}:", Reason.REQUEST_DIGEST_MISMATCH),
        ('sm3="{sm3}"', Reason.REQUEST_DIGEST_MISMATCH),
        ("sm3", Reason.REQUEST_DIGEST_MISMATCH),
        ("sm3=:{sm3}:;a=1", Reason.REQUEST_DIGEST_MISMATCH),
        ("md5=:AAAA:", Reason.REQUEST_DIGEST_UNSUPPORTED),
        ("sha-512=:AAAA:", Reason.REQUEST_DIGEST_UNSUPPORTED),
        ("sm3=:{sha256}:, sm3=:{sm3}:", Reason.REQUEST_SIGNATURE_MALFORMED),
        ("sm3=:{sm3}", Reason.REQUEST_SIGNATURE_MALFORMED),
        ("{sm3}", Reason.REQUEST_SIGNATURE_MALFORMED),
    ],
)
def test_the_content_has_a_digest_by_sm3_or_sha_256(digest: str, reason: Reason | None) -> None:
    value = digest.format(sm3=_b64(sm3(BODY)), sha256=_b64(hashlib.sha256(BODY).digest()))
    message = replace(POST, headers=(*POST.headers, ("Content-Digest", value)))
    covered = ("@method", "@target-uri", "content-digest", "content-type", "idempotency-key")
    whole = hand_signed(message, covered)
    if reason is None:
        checked(whole)
    else:
        assert refused(whole).reason is reason


def _b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def test_an_upload_is_authentic_by_digests_made_while_it_was_received() -> None:
    body = bytes(range(256)) * 5000
    digester = Digester()
    for at in range(0, len(body), 9999):
        digester.update(body[at : at + 9999])
    received = digester.result()
    assert received.length == len(body)
    whole = signed(replace(POST, body=body))
    checked(replace(whole, body=received))
    assert dict(signed(replace(POST, body=received)).headers)["Content-Digest"] == dict(whole.headers)["Content-Digest"]
    digester.update(b"!")
    assert refused(replace(whole, body=digester.result())).reason is Reason.REQUEST_DIGEST_MISMATCH
    assert not Digester().result()


GET = Message("GET", URI, ())
COVERED = ("@method", "@target-uri")


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"created": None}, "created"),
        ({"expires": None}, "expires"),
        ({"nonce": None}, "nonce"),
        ({"keyid": None}, "keyid"),
        ({"created": "1795600000"}, "created"),
        ({"created": True}, "created"),
        ({"nonce": "short"}, "nonce"),
        ({"nonce": "x" * 65}, "nonce"),
        ({"nonce": 123456}, "nonce"),
        ({"keyid": "a/b"}, "keyid"),
        ({"keyid": ""}, "keyid"),
        ({"alg": "ecdsa-p256-sha256"}, "alg"),
        ({"context": "x"}, "context"),
    ],
)
def test_every_parameter_must_be_there_and_right_and_the_error_names_it(parameters: dict[str, Any], named: str) -> None:
    error = refused(hand_signed(GET, COVERED, **parameters))
    assert error.reason is Reason.REQUEST_SIGNATURE_PARAMETER
    assert named in error.detail


def test_alg_may_be_left_out_or_name_our_algorithm() -> None:
    checked(hand_signed(GET, COVERED))
    checked(hand_signed(GET, COVERED, alg="sm2-sm3"))


def test_other_peoples_signatures_are_not_looked_at() -> None:
    proxy = (("Signature-Input", 'p=("@method";req);tag="proxy"'), ("Signature", "p=:AAAA:"))
    checked(signed(replace(GET, headers=proxy)))
    assert refused(replace(GET, headers=proxy)).reason is Reason.REQUEST_UNSIGNED


def test_two_signatures_with_our_tag_are_one_too_many() -> None:
    twice = hand_signed(hand_signed(GET, COVERED, label="a"), COVERED, label="b")
    assert refused(twice).reason is Reason.REQUEST_SIGNATURE_MALFORMED
    again = hand_signed(hand_signed(GET, COVERED), COVERED)
    assert refused(again).reason is Reason.REQUEST_SIGNATURE_MALFORMED


@pytest.mark.parametrize(
    ("signature_input", "reason"),
    [
        ("", Reason.REQUEST_UNSIGNED),
        ("sig", Reason.REQUEST_UNSIGNED),
        ('sig=();tag="other"', Reason.REQUEST_UNSIGNED),
        ('sig=1;tag="ecert"', Reason.REQUEST_SIGNATURE_MALFORMED),
        ('sig=("@method";tag="ecert"', Reason.REQUEST_SIGNATURE_MALFORMED),
        ('other=("@method");tag="ecert"', Reason.REQUEST_SIGNATURE_MALFORMED),
        ('sig=("@method";req);tag="ecert"', Reason.REQUEST_SIGNATURE_COVERAGE),
        ('sig=(1);tag="ecert"', Reason.REQUEST_SIGNATURE_COVERAGE),
        ('sig=(token);tag="ecert"', Reason.REQUEST_SIGNATURE_COVERAGE),
        ('sig=("@method");created=1;created=2;tag="ecert"', Reason.REQUEST_SIGNATURE_MALFORMED),
        ("sig=(" + '"a" ' * 2000 + ');tag="ecert"', Reason.REQUEST_SIGNATURE_MALFORMED),
        ('sig=("@method");tag="ecert";x="\u00e9"', Reason.REQUEST_SIGNATURE_MALFORMED),
    ],
)
def test_signature_input_is_read_strictly(signature_input: str, reason: Reason) -> None:
    assert refused(with_header(signed(GET), "Signature-Input", signature_input)).reason is reason


@pytest.mark.parametrize("value", ["", "sig", "sig=1", "sig=:AAAA:", f"sig=:{'A' * 86}==:;x", f"other=:{'A' * 86}==:"])
def test_the_signature_is_64_bytes_under_the_same_label(value: str) -> None:
    assert refused(with_header(signed(GET), "Signature", value)).reason is Reason.REQUEST_SIGNATURE_MALFORMED


@pytest.mark.parametrize("name", ["@scheme", "@status", "@query-param", "Content-Type", "x y", "absent-field"])
def test_only_known_components_that_are_there_can_be_covered(name: str) -> None:
    signature = signed(GET)
    value = dict(signature.headers)["Signature-Input"].replace('"@method"', f'"@method" "{name}"')
    error = refused(with_header(signature, "Signature-Input", value))
    assert error.reason is Reason.REQUEST_SIGNATURE_COVERAGE
    assert name in error.detail


def test_a_component_is_covered_once() -> None:
    value = dict(signed(GET).headers)["Signature-Input"].replace('"@method"', '"@method" "@method"')
    error = refused(with_header(signed(GET), "Signature-Input", value))
    assert error.reason is Reason.REQUEST_SIGNATURE_COVERAGE


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("https://A.Example", ("https://a.example/", "a.example", "/", "?")),
        ("HTTPS://a.example:443/x", ("https://a.example/x", "a.example", "/x", "?")),
        ("http://a.example:443/", ("http://a.example:443/", "a.example:443", "/", "?")),
        ("https://[::1]:8440/a%2Fb?", ("https://[::1]:8440/a%2Fb?", "[::1]:8440", "/a%2Fb", "?")),
        ("https://a.example/?q=A%20b", ("https://a.example/?q=A%20b", "a.example", "/", "?q=A%20b")),
    ],
)
def test_the_target_is_written_one_way(uri: str, parts: tuple[str, ...]) -> None:
    names = ("@target-uri", "@authority", "@path", "@query")
    assert tuple(component(Message("GET", uri, ()), name) for name in names) == parts


@pytest.mark.parametrize(
    "uri", ["/api", "ftp://a.example/", "https://u@a.example/", "https://a.example/#f", "https://a/ b", "https://示例/"]
)
def test_a_target_that_two_could_read_differently_is_refused(uri: str) -> None:
    assert refused(replace(signed(GET), target_uri=uri)).reason is Reason.REQUEST_SIGNATURE_MALFORMED


def test_a_header_cannot_end_a_line_of_the_signature_base() -> None:
    for value in ('"k"\n"@method": DELETE', '"k"\r', "k\x00", "钥"):
        message = replace(GET, headers=(("Idempotency-Key", value),))
        with pytest.raises(EcertError) as caught:
            signed(message)
        assert caught.value.reason is Reason.REQUEST_SIGNATURE_MALFORMED


def test_another_key_under_the_same_name_is_refused() -> None:
    headers = sign(GET, PrivateKey.generate(), keyid=KEY_ID, created=NOW, nonce=NONCE)
    assert refused(replace(GET, headers=tuple(headers.items()))).reason is Reason.REQUEST_SIGNATURE_BAD


def test_no_possible_signature_is_a_bad_one() -> None:
    message = with_header(signed(GET), "Signature", f"sig=:{_b64(bytes(64))}:")
    assert refused(message).reason is Reason.REQUEST_SIGNATURE_BAD


def test_every_component_is_authenticated() -> None:
    message = signed(POST)
    for name, value in message.headers:
        if name != "Signature":
            assert refused(with_header(message, name, value.replace("1", "2", 1) + " ,")).reason
    assert refused(replace(message, target_uri=URI + "0")).reason is Reason.REQUEST_SIGNATURE_BAD


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_signature_fields_are_an_error_of_ours(signature_input: str, value: str) -> None:
    for prefix in ("", "sig=", 'sig=("@method" "@target-uri");tag="ecert";'):
        headers = (("Signature-Input", prefix + signature_input), ("Signature", "sig=" + value))
        with pytest.raises(EcertError):
            read_signature(Message("GET", URI, headers), NOW)
