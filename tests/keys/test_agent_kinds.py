"""What a text to be signed is, told from the bytes that our own makers hand to a key."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.formats import encode_canonical

from ecert import cbor, cms, envelope
from ecert.errors import CustodyError, Reason
from ecert.revocation.token_list import token_status_list
from ecert.seal import SealRequest, apply_seal, make_seal
from ecert.sm2 import PrivateKey, sm3
from ecert.timestamp import issue_token
from ecert.web import access_tokens
from ecert.web.message_signatures import sign
from ecert.web.signature_base import Message
from ecert.x509 import Name, Profile, build_certificate, build_crl, build_request
from keys.agent.kinds import Tbs, recognise
from tests.seal.forge import PICTURE
from tests.trust.country import Country

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)


class Listener:
    """A key that remembers what it was given to sign."""

    def __init__(self, key: PrivateKey) -> None:
        self.public_key = key.public_key
        self.heard: list[bytes] = []
        self._key = key

    def sign(self, message: bytes) -> bytes:
        self.heard.append(message)
        return self._key.sign(message)


@pytest.fixture(scope="module")
def country() -> Country:
    country = Country(NOW)
    country.certify("maker", Profile.SEAL_MAKER, "440000")
    country.certify("tsa", Profile.TSA, "440000")
    country.certify("department", Profile.DEPARTMENT, "440000")
    return country


@pytest.fixture
def listener() -> Listener:
    return Listener(PrivateKey.generate())


def kinds(listener: Listener) -> list[Tbs]:
    return [recognise(tbs, listener.public_key.key_id) for tbs in listener.heard]


def why(tbs: bytes, key_id: bytes = bytes(8)) -> str:
    with pytest.raises(CustodyError) as caught:
        recognise(tbs, key_id)
    assert caught.value.reason is Reason.AGENT_KIND_REFUSED
    return caught.value.detail


@pytest.mark.parametrize("kind", [kind for kind in envelope.Kind if kind is not envelope.Kind.AGENT_APPROVAL])
def test_an_envelope_is_told_by_its_content_type(listener: Listener, kind: envelope.Kind) -> None:
    envelope.seal(kind, b"payload", listener)
    assert kinds(listener) == [Tbs[kind.name]]


def test_an_approval_is_no_kind_that_a_policy_could_name(listener: Listener) -> None:
    envelope.seal(envelope.Kind.AGENT_APPROVAL, b"payload", listener)
    why(listener.heard[0], listener.public_key.key_id)


def test_token_status_lists_are_told_in_both_forms(listener: Listener) -> None:
    times = {"issued_at": NOW, "expires": NOW + DAY}
    token_status_list(100, [], subject="https://licences.example/t/1", ttl=60, signer=listener, **times)
    assert kinds(listener) == [Tbs.TOKEN_LIST] * 2


def test_access_tokens_are_told(listener: Listener) -> None:
    claims = access_tokens.Claims(
        issuer="https://licences.example",
        subject="system-1",
        audience="https://licences.example",
        client_id="system-1",
        scope=("issue",),
        token_id="0123456789abcdef",
        issued=NOW,
        begins=NOW,
        ends=NOW + timedelta(minutes=5),
    )
    access_tokens.issue(claims, listener)
    assert kinds(listener) == [Tbs.ACCESS_TOKEN]


def test_seals_and_what_is_sealed_with_them_are_told_apart(country: Country) -> None:
    maker, department = Listener(country.keys["maker"]), Listener(country.keys["department"])
    request = SealRequest(
        code="44000000000017",
        kind=1,
        name="样例局",
        certificates=(country.certificates["department"].der,),
        created=NOW - DAY,
        not_before=NOW - DAY,
        not_after=NOW + DAY,
        picture=PICTURE,
    )
    seal = make_seal(request, signer=maker, certificate=country.certificates["maker"])
    certificate = country.certificates["department"]
    apply_seal(
        seal, sm3(b"file"), "/Doc_0/Signs/Sign_0/Signature.xml", signer=department, certificate=certificate, at=NOW
    )
    assert (kinds(maker), kinds(department)) == ([Tbs.SEAL], [Tbs.SEALING])


def test_signed_files_and_timestamps_are_told_apart(country: Country) -> None:
    department, tsa = Listener(country.keys["department"]), Listener(country.keys["tsa"])
    time = (cms.signing_time(NOW),)
    cms.sign(b"x", signer=department, certificate=country.certificates["department"], carry=False, attributes=time)
    issue_token(sm3(b"x"), signer=tsa, certificate=country.certificates["tsa"], serial=1, at=NOW)
    assert (kinds(department), kinds(tsa)) == ([Tbs.FILE], [Tbs.TIMESTAMP])


@pytest.mark.parametrize("message", [
    Message("POST", "https://licences.example/api/v1/licences", (("Content-Type", "application/json"),), b"{}"),
    Message("GET", "https://licences.example/api/v1/licences?q=1", ()),
])  # fmt: skip
def test_signed_requests_are_told(listener: Listener, message: Message) -> None:
    sign(message, listener, keyid="system-1", created=NOW, nonce="0123456789abcdef")
    assert kinds(listener) == [Tbs.REQUEST]


def test_the_parts_of_the_trust_registry_are_told_apart(country: Country) -> None:
    found = {}
    for name, data in country.repository().files.items():
        content = json.loads(data)
        if "signed" in content:
            found[name] = recognise(str(encode_canonical(content["signed"])).encode(), bytes(8))
    assert {found[f"{role}.json"] for role in ("targets", "440000")} == {Tbs.REGISTRY_TARGETS}
    assert (found["snapshot.json"], found["timestamp.json"]) == (Tbs.REGISTRY_SNAPSHOT, Tbs.REGISTRY_TIMESTAMP)
    root = {"_type": "root", "expires": "2027-01-01T00:00:00Z", "spec_version": "1.0.31", "version": 1}
    assert recognise(json.dumps(root).encode(), bytes(8)) is Tbs.REGISTRY_ROOT


def test_certificates_requests_and_revocation_lists_are_not_signed(listener: Listener, country: Country) -> None:
    name = Name("x")
    signer = Listener(country.keys["root"])
    public_key = PrivateKey.generate().public_key
    times = {"not_before": NOW - DAY, "not_after": NOW + DAY}
    root = country.certificates["root"]
    profile = Profile.REGION
    build_certificate(
        profile=profile, subject=name, public_key=public_key, serial=7, signer=signer, issuer=root, **times
    )
    build_crl(issuer=root, signer=signer, number=1, this_update=NOW, next_update=NOW + DAY, revoked=[])
    build_request(subject=name, signer=listener)
    for tbs in (*signer.heard, *listener.heard):
        assert "neither a seal nor a sealing" in why(tbs)


def test_whatever_names_its_key_must_name_this_one(listener: Listener) -> None:
    other = PrivateKey.generate().public_key.key_id
    envelope.seal(envelope.Kind.RECORD, b"payload", listener)
    token_status_list(100, [], subject="https://x.example/1", issued_at=NOW, expires=NOW + DAY, ttl=60, signer=listener)
    for tbs in listener.heard:
        why(tbs, other)


def test_bytes_added_cut_or_written_otherwise_are_not_recognised(listener: Listener) -> None:
    envelope.seal(envelope.Kind.RECORD, b"payload", listener)
    good, key_id = listener.heard[0], listener.public_key.key_id
    assert recognise(good, key_id) is Tbs.RECORD
    for tbs in (
        good + b"\x00",
        good[:-1],
        good.replace(b"Signature1", b"Signature2"),
        good.replace(b"\x40\x47", b"\x41\x00\x47"),
    ):
        why(tbs, key_id)
    header: cbor.Value = {1: envelope.ALGORITHM, 3: "application/vnd.ecert.licence+cbor", 4: key_id, 5: b"iv"}
    more = cbor.encode(["Signature1", cbor.encode(header), b"", b"payload"])
    assert "more than ours" in why(more, key_id)


STARTS = [b"", b"\x84", b"\x84\x6aSignature1", b"\x30", b"\x31", b"{", b'"', b"e"]


@given(st.binary(max_size=200), st.sampled_from(STARTS))
def test_bytes_of_chance_are_refused_and_never_trouble(noise: bytes, start: bytes) -> None:
    why(start + noise)
