from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecert import cbor, envelope
from ecert.errors import MalformedError, Reason, RejectedError, UndeterminedError
from ecert.licence.face import decode_face, encode_face
from ecert.licence.record import DISCLOSED, MAX_RECORD, decode_record
from ecert.licence.types import load_catalogue
from ecert.qr import decode_text, encode_text
from ecert.revocation import State, StatusEvent, StatusView, load_snapshot
from ecert.sm2 import PrivateKey, sm3
from ecert.trust import load_registry
from ecert.verification import STEPS, Outcome, Result, Verdict, assess, verify
from ecert.wording import words
from ecert.x509 import CrlReason, Revocation
from tests.world import DATA, HOST, ISSUER, NARROW, OTHER, START, World, demo_application

if TYPE_CHECKING:
    from ecert.trust import Registry

STATIC = World()
LICENCE = STATIC.issue()
REGISTRY = STATIC.registry()
STATUS = STATIC.status(REGISTRY)


def judged(sealed: bytes | str, **changes: Any) -> Verdict:
    evidence: dict[str, Any] = {"registry": REGISTRY, "status": STATUS, "at": START}
    return assess(sealed, **evidence | changes)


def failing(verdict: Verdict) -> tuple[str, str]:
    return verdict.outcome.value, verdict.reason.value


def test_a_fresh_licence_is_valid_by_code_and_by_record() -> None:
    for sealed in (LICENCE.text(HOST), LICENCE.face, LICENCE.record, LICENCE.text(HOST).lower()):
        verdict = judged(sealed)
        assert failing(verdict) == ("valid", "ok")
        assert {check.result for check in verdict.checks} <= {Result.PASS, Result.SKIPPED}
    assert verify(LICENCE.record, registry=REGISTRY, status=STATUS, at=START).fields["certificateHolderName"]


def test_every_step_is_reported_whatever_happens() -> None:
    for sealed in (LICENCE.record, b"", "https://zz.example/#", LICENCE.record[:-1], b"\xff" * 100):
        verdict = judged(sealed)
        assert [(check.number, check.name) for check in verdict.checks] == list(enumerate(STEPS, 1))


def test_the_page_on_verification_lists_the_same_steps() -> None:
    page = (Path(__file__).parents[2] / "docs" / "verification.md").read_text("utf-8")
    assert re.findall(r"^\| (\d+) \| `([a-z-]+)` ", page, re.MULTILINE) == [
        (str(number), name) for number, name in enumerate(STEPS, 1)
    ]


def test_every_reason_has_words_in_both_languages() -> None:
    for reason in Reason:
        said = words(reason)
        assert all((said.zh, said.en, said.remedy_zh, said.remedy_en)), reason


@pytest.mark.parametrize("slug", [definition.slug for definition in load_catalogue().values()])
def test_a_code_of_every_type_with_twenty_characters_fits(world: World, slug: str) -> None:
    for row in range(3):
        application = demo_application(slug, row)
        by = ISSUER if application.area_code.startswith("44") else OTHER
        licence = world.issue(application, by)
        text = licence.text(HOST)
        assert len(text) <= 352
        masked = application.holder_code_type == "111"
        face = world.assess(text).content
        assert face is not None
        assert (face.holder_name == application.holder_name) != masked  # type: ignore[union-attr]
    assert any(len(demo_application(slug, row).holder_name) == 20 for row in range(3))
    assert len(list(DATA.glob("*.json"))) == 8


def test_without_evidence_it_cannot_be_told() -> None:
    assert failing(judged(LICENCE.face, registry=None)) == ("undetermined", "registry-missing")
    assert failing(judged(LICENCE.face, status=StatusView())) == ("undetermined", "status-missing")


def test_a_stale_registry_and_a_stale_status_list_are_not_evidence() -> None:
    later = START + timedelta(days=8)
    assert failing(judged(LICENCE.face, at=later)) == ("undetermined", "registry-stale")
    fresh = STATIC.registry(fresh_until=START + timedelta(days=30))
    assert failing(judged(LICENCE.face, registry=fresh, at=later)) == ("undetermined", "status-stale")


@pytest.mark.parametrize("state", [s for s in State if s is not State.VALID])
def test_each_state_is_its_own_reason_from_its_time_on(world: World, state: State) -> None:
    licence = world.issue()
    world.decide(licence, StatusEvent(state, START + timedelta(hours=1), "样例"))
    after = START + timedelta(hours=1)
    assert failing(world.assess(licence.face)) == ("valid", "ok")
    assert failing(world.assess(licence.face, at=after)) == ("invalid", state.name.lower())
    assert failing(world.assess(licence.record, at=after)) == ("invalid", state.name.lower())


def test_a_suspended_licence_that_was_reinstated_is_valid_again(world: World) -> None:
    licence = world.issue()
    world.decide(licence, StatusEvent(State.SUSPENDED, START + timedelta(hours=1), ""))
    world.decide(licence, StatusEvent(State.VALID, START + timedelta(hours=2), ""))
    assert failing(world.assess(licence.face, at=START + timedelta(hours=1))) == ("invalid", "suspended")
    assert failing(world.assess(licence.face, at=START + timedelta(hours=2))) == ("valid", "ok")


def test_a_stale_list_is_believed_about_an_end_but_not_about_a_suspension(world: World) -> None:
    ended, suspended = world.issue(), world.issue()
    world.decide(ended, StatusEvent(State.REVOKED, START, ""))
    world.decide(suspended, StatusEvent(State.SUSPENDED, START, ""))
    registry = world.registry(fresh_until=START + timedelta(days=60))
    later = START + timedelta(days=30)
    assert failing(world.assess(ended.face, registry=registry, at=later)) == ("invalid", "revoked")
    verdict = world.assess(suspended.face, registry=registry, at=later)
    assert verdict.outcome is Outcome.UNDETERMINED


def test_a_licence_the_list_does_not_cover_is_never_good(world: World) -> None:
    licence = world.issue()
    registry = world.registry()
    view = StatusView({"440000": replace(world.status(registry).snapshots["440000"], lists={})})
    verdict = assess(licence.face, registry=registry, status=view, at=START)
    assert failing(verdict) == ("undetermined", "status-not-covered")


def test_another_regions_list_says_nothing(world: World) -> None:
    licence = world.issue()
    registry = world.registry()
    foreign = StatusView({"310000": world.status(registry).snapshots["310000"]})
    assert failing(assess(licence.face, registry=registry, status=foreign, at=START)) == (
        "undetermined",
        "status-missing",
    )


def test_validity_begins_and_ends_at_midnight_in_china(world: World) -> None:
    licence = world.issue(demo_application("construction-permit", 1))
    face = world.assess(licence.face).content
    assert face is not None
    ends = face.validity.ends()
    assert ends is not None
    assert ends.hour == 16
    registry = world.registry(fresh_until=ends + timedelta(days=1))
    view = world.status(registry)
    snapshots = {r: replace(s, fresh_until=ends + timedelta(days=1)) for r, s in view.snapshots.items()}
    for at, wanted in ((ends - timedelta(seconds=1), "ok"), (ends, "expired")):
        verdict = assess(licence.face, registry=registry, status=StatusView(snapshots), at=at)
        assert verdict.reason.value == wanted


def test_a_licence_not_yet_in_force_or_sealed_in_the_future_is_invalid(world: World) -> None:
    application = replace(demo_application("business-licence"), effective=(START + timedelta(days=3)).date())
    assert failing(world.assess(world.issue(application).face)) == ("invalid", "not-yet-in-force")
    assert failing(judged(LICENCE.face, at=START - timedelta(hours=1))) == ("invalid", "sealed-in-future")
    assert failing(judged(LICENCE.face, at=START - timedelta(minutes=4))) == ("valid", "ok")


def test_an_unknown_key_cannot_be_told() -> None:
    payload = envelope.decode(LICENCE.face, limit=MAX_RECORD).payload
    stranger = envelope.seal(envelope.Kind.FACE, payload, PrivateKey.generate())
    assert failing(judged(stranger.encode())) == ("undetermined", "issuer-unknown")


def test_an_issuer_seals_only_its_own_types_areas_and_name() -> None:
    face = envelope.decode(LICENCE.face, limit=MAX_RECORD)
    record = envelope.decode(LICENCE.record, limit=MAX_RECORD)
    narrow, other = STATIC.keys[NARROW], STATIC.keys[OTHER]
    beyond = envelope.seal(face.kind, face.payload, narrow).encode()
    assert failing(judged(beyond)) == ("invalid", "issuer-not-entitled")
    impostor = envelope.seal(record.kind, record.payload, other, unprotected=record.unprotected).encode()
    assert failing(judged(impostor)) == ("invalid", "issuer-mismatch")
    assert failing(judged(beyond, at=START + timedelta(days=8))) == ("undetermined", "registry-stale")


def test_a_status_key_seals_no_licence() -> None:
    face = envelope.decode(LICENCE.face, limit=MAX_RECORD)
    sealed = envelope.seal(face.kind, face.payload, STATIC.keys["status-440000"]).encode()
    assert judged(sealed).outcome is Outcome.INVALID


@pytest.mark.parametrize(
    ("reason", "offset", "wanted"),
    [
        (CrlReason.SUPERSEDED, timedelta(minutes=-1), ("invalid", "certificate-revoked")),
        (CrlReason.SUPERSEDED, timedelta(minutes=1), ("valid", "ok")),
        (CrlReason.KEY_COMPROMISE, timedelta(minutes=-1), ("invalid", "certificate-revoked")),
        (CrlReason.KEY_COMPROMISE, timedelta(minutes=1), ("undetermined", "issuer-key-compromised")),
    ],
)
def test_a_revoked_certificate_counts_from_its_time_and_a_stolen_key_always(
    world: World, reason: CrlReason, offset: timedelta, wanted: tuple[str, str]
) -> None:
    licence = world.issue()
    serial = world.certificates[ISSUER].serial
    world.revoked["440000"] = [Revocation(serial, START + offset, reason)]
    world.now += timedelta(hours=1)
    assert failing(world.assess(licence.face)) == wanted


def test_a_revoked_region_takes_its_issuers_with_it(world: World) -> None:
    licence = world.issue()
    world.revoked["root"] = [
        Revocation(world.certificates["440000"].serial, START - timedelta(days=1), CrlReason.CESSATION_OF_OPERATION)
    ]
    registry = world.registry()
    verdict = assess(licence.face, registry=registry, status=STATUS, at=START)
    assert failing(verdict) == ("invalid", "certificate-revoked")


def test_fields_can_be_withheld_but_not_altered_added_or_reordered() -> None:
    signed = envelope.decode(LICENCE.record, limit=MAX_RECORD)
    header = cbor.decode(signed.unprotected, limit=MAX_RECORD, reason=Reason.RECORD_MALFORMED)
    assert isinstance(header, dict)
    items = header[DISCLOSED]
    assert isinstance(items, list)

    def with_items(chosen: list[Any]) -> Verdict:
        unprotected = cbor.encode({DISCLOSED: chosen} if chosen else {})
        return judged(replace(signed, unprotected=unprotected).encode())

    assert failing(with_items(items[:3])) == ("valid", "ok")
    assert len(with_items(items[:3]).fields) == 3
    assert failing(with_items([])) == ("valid", "ok")
    forged = cbor.encode([bytes(16), "certificateHolderName", "某某"])
    assert failing(with_items([*items, forged])) == ("invalid", "record-malformed")
    assert failing(with_items([*items[:-1], forged])) == ("invalid", "field-digest-mismatch")
    assert failing(with_items(items[::-1])) == ("invalid", "record-malformed")
    assert failing(with_items([*items[:-1], items[0]])) == ("invalid", "record-malformed")


def test_the_face_names_the_record_it_stands_for() -> None:
    face = decode_face(envelope.decode(LICENCE.face, limit=MAX_RECORD).payload, ISSUER)
    record = envelope.decode(LICENCE.record, limit=MAX_RECORD)
    assert face.record_digest == sm3(record.payload)
    assert decode_record(record.payload).identifier == face.identifier


def test_verify_raises_what_assess_reports() -> None:
    common: dict[str, Any] = {"status": STATUS, "at": START}
    with pytest.raises(MalformedError):
        verify(b"nothing", registry=REGISTRY, **common)
    with pytest.raises(UndeterminedError):
        verify(LICENCE.face, registry=None, **common)
    with pytest.raises(RejectedError):
        verify(LICENCE.face, registry=REGISTRY, status=STATUS, at=START - timedelta(days=1))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_change_of_one_byte_verifies(data: st.DataObject) -> None:
    sealed = data.draw(st.sampled_from([LICENCE.face, LICENCE.record]))
    at = data.draw(st.integers(0, len(sealed) - 1))
    byte = data.draw(st.integers(1, 255))
    changed = sealed[:at] + bytes((sealed[at] ^ byte,)) + sealed[at + 1 :]
    assert judged(changed).outcome is not Outcome.VALID


def test_no_byte_of_a_face_can_change_or_go() -> None:
    for at in range(len(LICENCE.face)):
        changed = LICENCE.face[:at] + bytes((LICENCE.face[at] ^ 0x01,)) + LICENCE.face[at + 1 :]
        assert judged(changed).outcome is not Outcome.VALID
        assert judged(LICENCE.face[:at]).reason is Reason.RECORD_MALFORMED


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400) | st.text(max_size=200))
def test_anything_at_all_gets_a_verdict(thing: bytes | str) -> None:
    assert judged(thing).outcome is Outcome.INVALID


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_face_in_canonical_form_or_malformed(data: bytes) -> None:
    try:
        face = decode_face(data, ISSUER)
    except MalformedError:
        return
    assert encode_face(face) == data


def test_verifying_opens_no_file_socket_or_process() -> None:
    events: list[str] = []
    watched = ("open", "socket.", "subprocess.", "os.system", "os.exec", "os.spawn", "urllib")
    active = [False]
    judged(LICENCE.record)

    def hook(event: str, _: object) -> None:
        if active[0] and event.startswith(watched):
            events.append(event)

    sys.addaudithook(hook)
    active[0] = True
    try:
        verdict = judged(LICENCE.record)
        face_verdict = judged(LICENCE.text(HOST))
    finally:
        active[0] = False
    assert verdict.outcome is face_verdict.outcome is Outcome.VALID
    assert events == []


def test_a_registry_is_believed_only_under_its_anchor(world: World) -> None:
    data = world.registry_bytes()
    with pytest.raises(RejectedError) as caught:
        load_registry(data, world.certificates["440000"])
    assert caught.value.reason is Reason.REGISTRY_SIGNATURE_BAD
    for at in range(0, len(data), 97):
        with pytest.raises((MalformedError, RejectedError)):
            load_registry(data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :], world.certificates["root"])
    with pytest.raises(MalformedError):
        load_registry(LICENCE.face, world.certificates["root"])


def test_a_status_list_is_believed_only_from_its_own_regions_status_key(world: World) -> None:
    registry: Registry = world.registry()
    assert load_snapshot(world.status_bytes("440000"), registry).region == "440000"
    for signer in ("status-310000", ISSUER, "440000"):
        with pytest.raises(RejectedError) as caught:
            load_snapshot(world.status_bytes("440000", signer), registry)
        assert caught.value.reason is Reason.STATUS_SIGNATURE_BAD
    with pytest.raises(MalformedError):
        load_snapshot(world.registry_bytes(), registry)


def test_the_text_survives_case_and_is_refused_when_damaged() -> None:
    text = LICENCE.text(HOST)
    assert decode_text(text.lower()) == LICENCE.face
    assert decode_text(encode_text(LICENCE.face, "another.example")) == LICENCE.face
    for bad, reason in (
        (text[:-2], Reason.TEXT_DAMAGED),
        (text + "!", Reason.TEXT_DAMAGED),
        (text.replace("/#", "/"), Reason.NOT_A_LICENCE_TEXT),
        ("张三", Reason.NOT_A_LICENCE_TEXT),
        ("HTTPS://A/#" + "0" * 5000, Reason.TOO_LARGE),
    ):
        verdict = judged(bad)
        if verdict.reason is not Reason.RECORD_MALFORMED:
            assert verdict.reason is reason, bad[:40]
