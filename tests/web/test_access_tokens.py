from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from ecert.errors import EcertError, Reason
from ecert.sm2 import PrivateKey, PublicKey, decode_der, encode_raw
from ecert.web.access_tokens import MAX_TOKEN, Claims, issue, key_set, verify
from tests.web.oracles import bouncycastle, needs_bouncycastle, openssl_accepts

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
KEY = PrivateKey.generate()
KID = KEY.public_key.key_id.hex()
ISSUER, AUDIENCE = "https://issuing.example", "https://issuing.example/api"
CLAIMS = Claims(
    issuer=ISSUER,
    subject="system-17",
    audience=AUDIENCE,
    client_id="system-17",
    scope=("licences:issue", "licences:read"),
    token_id="AAAAAAAAAAAAAAAAAAAAAA",
    issued=NOW,
    begins=NOW,
    ends=NOW + timedelta(minutes=10),
)
GOOD: dict[str, Any] = dict(CLAIMS.to_json())
HEADER: dict[str, Any] = {"typ": "at+jwt", "alg": "SM2SM3", "kid": KID}


def taken(token: str, now: datetime = NOW, keys: dict[str, PublicKey] | None = None) -> Claims:
    return verify(token, keys or {KID: KEY.public_key}, issuer=ISSUER, audience=AUDIENCE, now=now)


def refused(token: str, now: datetime = NOW) -> Reason:
    with pytest.raises(EcertError) as caught:
        taken(token, now)
    return caught.value.reason


def part(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(data).decode()


def forged(header: object = HEADER, payload: object = GOOD, key: PrivateKey = KEY) -> str:
    """Sign whatever is given, as an issuer without scruples would."""
    text = f"{part(header)}.{part(payload)}"
    return f"{text}.{part(encode_raw(*decode_der(key.sign(text.encode()))))}"


def test_what_is_issued_is_verified_and_says_the_same() -> None:
    assert taken(issue(CLAIMS, KEY)) == CLAIMS
    assert taken(forged()) == CLAIMS


def test_a_token_looks_as_it_is_documented() -> None:
    header, payload, signature = issue(CLAIMS, KEY).split(".")
    assert json.loads(urlsafe_b64decode(header.encode())) == HEADER
    assert json.loads(urlsafe_b64decode(payload.encode())) == {
        "iss": ISSUER,
        "sub": "system-17",
        "aud": AUDIENCE,
        "client_id": "system-17",
        "scope": "licences:issue licences:read",
        "iat": 1795572000,
        "nbf": 1795572000,
        "exp": 1795572600,
        "jti": "AAAAAAAAAAAAAAAAAAAAAA",
    }
    assert len(urlsafe_b64decode(signature.encode())) == 64


def test_openssl_verifies_a_token(tmp_path: Path) -> None:
    text, _, signature = issue(CLAIMS, KEY).rpartition(".")
    value = urlsafe_b64decode(signature.encode())
    assert openssl_accepts(tmp_path, KEY, text.encode(), value)
    assert not openssl_accepts(tmp_path, KEY, text.encode() + b"A", value)


@needs_bouncycastle
def test_bouncycastle_verifies_a_token_and_signs_one_that_we_accept(tmp_path: Path) -> None:
    text, _, signature = issue(CLAIMS, KEY).rpartition(".")
    (opinion,) = bouncycastle(tmp_path, KEY, [(text.encode(), urlsafe_b64decode(signature.encode()))])
    assert opinion.good
    assert taken(f"{text}.{part(opinion.signature)}") == CLAIMS


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [
        (-61, Reason.TOKEN_NOT_YET_VALID),
        (-60, None),
        (659, None),
        (660, Reason.TOKEN_EXPIRED),
        (10**7, Reason.TOKEN_EXPIRED),
    ],
)
def test_a_token_is_good_from_its_beginning_to_its_end(seconds: int, reason: Reason | None) -> None:
    now = NOW + timedelta(seconds=seconds)
    if reason is None:
        taken(issue(CLAIMS, KEY), now)
    else:
        assert refused(issue(CLAIMS, KEY), now) is reason


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES256", "RS256", "sm2sm3", "SM2", "", None, 1, ["SM2SM3"]])
def test_no_other_algorithm_is_considered(algorithm: object) -> None:
    assert refused(forged(HEADER | {"alg": algorithm})) is Reason.TOKEN_ALGORITHM


def test_our_algorithm_is_unknown_to_everybody_else_who_uses_joserfc() -> None:
    assert "SM2SM3" not in JWSRegistry.algorithms
    assert "SM2SM3" not in JWSRegistry.recommended


@pytest.mark.parametrize(
    "header",
    [
        HEADER | {"typ": "JWT"},
        HEADER | {"typ": None},
        {"alg": "SM2SM3", "kid": KID},
        {"alg": "SM2SM3", "typ": "at+jwt"},
        HEADER | {"kid": 1},
        HEADER | {"jwk": {"kty": "EC"}},
        HEADER | {"jku": "https://x.example/keys"},
        HEADER | {"crit": ["b64"], "b64": False},
        [HEADER],
        "SM2SM3",
        pytest.param(b'{"alg":"none","alg":"SM2SM3","typ":"at+jwt","kid":"' + KID.encode() + b'"}', id="a name twice"),
        b"{",
        b"\xff",
        b"[" * 300,
    ],
)
def test_a_header_has_typ_alg_and_kid_and_nothing_else(header: object) -> None:
    assert refused(forged(header)) is Reason.TOKEN_MALFORMED


def test_only_the_issuers_keys_count() -> None:
    other = PrivateKey.generate()
    assert refused(issue(CLAIMS, other)) is Reason.TOKEN_KEY_UNKNOWN
    assert refused(forged(key=other)) is Reason.TOKEN_SIGNATURE_BAD
    both = {KID: KEY.public_key, other.public_key.key_id.hex(): other.public_key}
    assert taken(issue(CLAIMS, other), keys=both) == CLAIMS


def test_no_part_of_a_token_can_be_altered() -> None:
    header, payload, signature = issue(CLAIMS, KEY).split(".")
    more = part(GOOD | {"scope": "licences:issue licences:read licences:revoke"})
    assert refused(f"{header}.{more}.{signature}") is Reason.TOKEN_SIGNATURE_BAD
    assert refused(f"{header}.{payload}.{part(bytes(64))}") is Reason.TOKEN_SIGNATURE_BAD
    spaced = part(json.dumps(HEADER, indent=1).encode())
    assert refused(f"{spaced}.{payload}.{signature}") is Reason.TOKEN_SIGNATURE_BAD


@pytest.mark.parametrize("name", GOOD)
def test_every_claim_must_be_there(name: str) -> None:
    assert refused(forged(payload={key: value for key, value in GOOD.items() if key != name})) is Reason.TOKEN_CLAIM


@pytest.mark.parametrize(
    "change",
    [
        {"aud": [AUDIENCE]},
        {"sub": ""},
        {"sub": "张三"},
        {"sub": "x" * 257},
        {"scope": ["a"]},
        {"scope": "a  b"},
        {"scope": " ".join("x" * 33)},
        {"jti": "short"},
        {"exp": "1795572600"},
        {"exp": 1795572600.5},
        {"nbf": True},
        {"exp": 10**18},
        {"exp": GOOD["iat"] + 901},
        {"exp": GOOD["iat"]},
        {"nbf": GOOD["iat"] - 1},
        {"iat": -1},
        {"role": "auditor"},
    ],
)
def test_every_claim_has_its_form_and_no_token_is_good_for_more_than_fifteen_minutes(change: dict[str, Any]) -> None:
    assert refused(forged(payload=GOOD | change)) is Reason.TOKEN_CLAIM


@pytest.mark.parametrize("payload", [b"[]", b"1", b"", b'{"iss":1,"iss":1}', b"\xff", b"[" * 2000])
def test_a_payload_is_one_json_object(payload: bytes) -> None:
    assert refused(forged(payload=payload)) is Reason.TOKEN_MALFORMED


def test_tokens_of_another_issuer_or_for_another_service_are_refused() -> None:
    assert refused(forged(payload=GOOD | {"iss": "https://other.example"})) is Reason.TOKEN_ISSUER
    assert refused(forged(payload=GOOD | {"aud": "https://other.example"})) is Reason.TOKEN_AUDIENCE


def test_nothing_is_issued_that_would_be_refused() -> None:
    for change in ({"subject": ""}, {"ends": NOW + timedelta(minutes=16)}, {"scope": ("a b",) * 20}):
        with pytest.raises(EcertError) as caught:
            issue(replace(CLAIMS, **change), KEY)
        assert caught.value.reason is Reason.TOKEN_CLAIM
    long = replace(CLAIMS, scope=tuple(f"{number:064}" for number in range(32)), subject="x" * 256, client_id="y" * 256)
    with pytest.raises(EcertError) as caught:
        issue(replace(long, issuer="z" * 256, audience="z" * 256), KEY)
    assert caught.value.reason is Reason.TOKEN_MALFORMED


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c.d", "a.b." + "A" * 85, "é.b." + "A" * 86, "A" * (MAX_TOKEN + 1)])
def test_what_is_no_token_is_malformed(token: str) -> None:
    assert refused(token) is Reason.TOKEN_MALFORMED


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=120), st.binary(max_size=120))
def test_any_parts_are_an_error_of_ours(header: bytes, payload: bytes) -> None:
    for value in (forged(header, payload), forged(HEADER, payload), forged(header)):
        with pytest.raises(EcertError):
            taken(value)


def test_the_key_set_holds_the_public_points() -> None:
    (jwk,) = key_set([KEY.public_key])["keys"]
    point = b"\x04" + urlsafe_b64decode(jwk["x"].encode()) + urlsafe_b64decode(jwk["y"].encode())
    assert PublicKey.from_point(point) == KEY.public_key
    assert {name: jwk[name] for name in jwk if name not in ("x", "y")} == {
        "kty": "EC",
        "crv": "SM2",
        "use": "sig",
        "alg": "SM2SM3",
        "kid": KID,
    }
