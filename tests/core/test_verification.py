from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
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
from ecert.receipt.verification import STEPS as RECEIPT_STEPS
from ecert.revocation import (
    NO_HEAD,
    Flag,
    IssuedHead,
    IssuedProof,
    IssuedTree,
    State,
    StatusEvent,
    StatusView,
    leaf_hash,
    seal_head,
)
from ecert.sm2 import PrivateKey, sm3
from ecert.timestamp import issue_token
from ecert.trust import EntryState, Policy, StateChange
from ecert.trust.policy import Budget
from ecert.verification import STEPS, Outcome, Result, Verdict, assess, assess_many, verify
from ecert.wording import words
from ecert.x509 import CrlReason, Profile, Revocation
from tests.world import BIRTH, DATA, HOST, ISSUER, NARROW, OTHER, START, World, assessed, demo_application

if TYPE_CHECKING:
    from ecert.issuance import SealedLicence

STATIC = World()
LICENCE = STATIC.issue()
REGISTRY = STATIC.registry()
STATUS = STATIC.status(REGISTRY)


def judged(sealed: bytes | str, **changes: Any) -> Verdict:
    evidence: dict[str, Any] = {"registry": REGISTRY, "status": STATUS, "at": START}
    return assessed(sealed, **evidence | changes)


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


def test_many_licences_are_each_judged_as_alone_and_in_order() -> None:
    altered = [LICENCE.face[:at] + bytes((LICENCE.face[at] ^ 1,)) + LICENCE.face[at + 1 :] for at in range(200)]
    unreadable = MalformedError(Reason.TOO_LARGE, "no code in it")
    things: list[bytes | str | MalformedError] = [
        LICENCE.text(HOST),
        *altered,
        LICENCE.record,
        unreadable,
        LICENCE.face,
    ]
    held: dict[str, Any] = {"registry": REGISTRY, "status": STATUS, "at": START}
    assert assess_many(things, **held) == [assess(thing, **held) for thing in things]
    assert [failing(verdict)[0] for verdict in assess_many(things, **held)].count("valid") == 3
    assert assess_many([], **held) == []


def test_the_page_on_verification_lists_the_same_steps() -> None:
    page = (Path(__file__).parents[2] / "docs" / "verification.md").read_text("utf-8")
    assert re.findall(r"^\| (\d+) \| `([a-z-]+)` ", page, re.MULTILINE) == [
        (str(number), name) for steps in (STEPS, RECEIPT_STEPS) for number, name in enumerate(steps, 1)
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
    fresh = STATIC.registry(timedelta(days=30))
    assert failing(judged(LICENCE.face, registry=fresh, at=later)) == ("undetermined", "status-stale")


def test_a_region_whose_part_of_the_registry_went_stale_takes_only_its_own_licences_along(world: World) -> None:
    ours, theirs = world.issue(), world.issue(demo_application("business-licence", 2), OTHER)
    world.repository.lifetimes["440000"] = timedelta(days=2)
    registry = world.registry()
    later = START + timedelta(days=3)
    for licence, wanted in ((ours, ("undetermined", "registry-stale")), (theirs, ("valid", "ok"))):
        assert failing(world.assess(licence.face, registry=registry, at=later)) == wanted


@pytest.mark.parametrize("state", [s for s in State if s is not State.VALID])
def test_each_state_is_its_own_reason_from_its_time_on(world: World, state: State) -> None:
    licence = world.issue()
    world.decide(licence, StatusEvent(state, START + timedelta(hours=1), START, reason="样例"))
    assert failing(world.assess(licence.face)) == ("valid", "ok")
    world.now += timedelta(hours=1)
    for sealed in (licence.face, licence.record):
        verdict = world.assess(sealed)
        assert failing(verdict) == ("invalid", state.name.lower())
        assert verdict.event is not None
        assert verdict.event.reason == "样例"


def test_an_end_that_is_decided_counts_from_its_day_even_while_the_list_does_not_say_so_yet(world: World) -> None:
    licence = world.issue()
    world.decide(licence, StatusEvent(State.CANCELLED, START + timedelta(days=1), START))
    registry = world.registry()
    held = {"registry": registry, "status": world.status(registry)}
    assert failing(world.assess(licence.face, **held, at=START + timedelta(hours=23))) == ("valid", "ok")
    assert failing(world.assess(licence.face, **held, at=START + timedelta(hours=24))) == ("invalid", "cancelled")


def test_a_suspended_licence_that_was_reinstated_is_valid_again(world: World) -> None:
    licence = world.issue()
    world.decide(licence, StatusEvent(State.SUSPENDED, START + timedelta(hours=1), START))
    world.decide(licence, StatusEvent(State.VALID, START + timedelta(hours=2), START))
    for hours, wanted in ((1, ("invalid", "suspended")), (2, ("valid", "ok"))):
        world.now = START + timedelta(hours=hours)
        assert failing(world.assess(licence.face)) == wanted


def test_the_state_on_a_day_in_the_past_is_told_by_the_details_or_not_at_all(world: World) -> None:
    plain, revoked, lifted = world.issue(), world.issue(), world.issue()
    day = timedelta(days=1)
    world.decide(revoked, StatusEvent(State.REVOKED, START + 3 * day, START + 3 * day))
    world.decide(lifted, StatusEvent(State.SUSPENDED, START + day, START + day))
    world.decide(lifted, StatusEvent(State.VALID, START + 2 * day, START + 2 * day))
    world.now += 5 * day
    registry = world.registry()
    with_pages, without = world.status(registry), world.status(registry, pages=False)

    def on(licence: SealedLicence, at: datetime, status: StatusView) -> tuple[str, str]:
        return failing(world.assess(licence.face, registry=registry, status=status, at=at, now=world.now))

    assert on(plain, START + day, without) == ("valid", "ok")
    assert on(revoked, START + day, with_pages) == ("valid", "ok")
    assert on(revoked, START + 4 * day, with_pages) == ("invalid", "revoked")
    assert on(lifted, START + 1.5 * day, with_pages) == ("invalid", "suspended")
    assert on(lifted, START + 3 * day, with_pages) == ("valid", "ok")
    for licence in (revoked, lifted):
        assert on(licence, START + day, without) == ("undetermined", "status-details-missing")
    assert on(revoked, world.now, without) == ("invalid", "revoked")


def test_old_details_never_make_a_licence_better_than_the_list_says(world: World) -> None:
    licence = world.issue()
    world.decide(licence, StatusEvent(State.SUSPENDED, START, START, until=START + timedelta(hours=1)))
    world.now += timedelta(hours=2)
    old_page = world.status(world.registry()).pages
    world.decide(licence, StatusEvent(State.SUSPENDED, world.now, world.now))
    registry = world.registry()
    view = StatusView(world.status(registry, pages=False).regions, old_page)
    verdict = world.assess(licence.face, registry=registry, status=view)
    assert failing(verdict) == ("invalid", "suspended")
    assert verdict.event is None
    past = world.assess(licence.face, registry=registry, status=view, at=START + timedelta(minutes=90), now=world.now)
    assert failing(past) == ("undetermined", "status-details-missing")


def test_details_of_before_a_day_say_nothing_of_that_day(world: World) -> None:
    licence = world.issue()
    day = timedelta(days=1)
    world.decide(licence, StatusEvent(State.SUSPENDED, START + day, START + day))
    world.decide(licence, StatusEvent(State.VALID, START + 2 * day, START + 2 * day))
    world.now = START + 3 * day
    old_page = world.status(world.registry()).pages
    world.decide(licence, StatusEvent(State.SUSPENDED, START + 4 * day, START + 4 * day))
    world.decide(licence, StatusEvent(State.VALID, START + 6 * day, START + 6 * day))
    world.now = START + 10 * day
    registry = world.registry()
    old = StatusView(world.status(registry, pages=False).regions, old_page)
    for status, wanted in ((old, ("undetermined", "status-details-missing")), (None, ("invalid", "suspended"))):
        held = status or world.status(registry)
        verdict = world.assess(licence.face, registry=registry, status=held, at=START + 5 * day, now=world.now)
        assert failing(verdict) == wanted


def test_a_registry_older_than_the_licence_does_not_make_it_invalid(world: World) -> None:
    registry = world.registry()
    world.now += timedelta(minutes=10)
    signed = envelope.decode(world.issue(demo_application("business-licence")).face, limit=MAX_RECORD)
    beyond = envelope.seal(signed.kind, signed.payload, world.keys[NARROW]).encode()
    status = world.status(registry)
    verdict = world.assess(beyond, registry=registry, status=status, at=world.now)
    assert failing(verdict) == ("undetermined", "registry-stale")
    newer = world.registry()
    assert failing(world.assess(beyond, registry=newer, status=world.status(newer))) == (
        "invalid",
        "issuer-not-entitled",
    )


def test_a_time_stamp_of_before_the_theft_is_evidence_too(world: World) -> None:
    licence = world.issue()
    signature = envelope.decode(licence.face, limit=MAX_RECORD).signature
    stolen_at = START + timedelta(hours=1)

    def stamp(at: datetime, signer: str = "tsa-440000") -> bytes:
        return issue_token(
            sm3(signature),
            signer=world.keys[signer],
            certificate=world.certificates[signer],
            serial=1,
            at=at,
        )

    world.certify("unregistered", Profile.TSA, "440000")
    before, after = stamp(stolen_at - timedelta(minutes=1)), stamp(stolen_at + timedelta(minutes=1))
    world.revoked["440000"] = [Revocation(world.certificates[ISSUER].serial, stolen_at, CrlReason.KEY_COMPROMISE)]
    world.now += timedelta(hours=2)
    assert failing(world.assess(licence.face, evidence=[before])) == ("valid", "ok")
    for evidence in (after, stamp(stolen_at - timedelta(minutes=1), "unregistered"), before[:-1]):
        verdict = world.assess(licence.face, evidence=[evidence])
        assert failing(verdict) == ("undetermined", "issuer-key-compromised")
    assert failing(world.assess(licence.record, evidence=[before])) == ("undetermined", "issuer-key-compromised")


def test_a_stale_list_is_believed_about_an_end_but_not_about_a_suspension(world: World) -> None:
    ended, suspended = world.issue(), world.issue()
    world.decide(ended, StatusEvent(State.REVOKED, START, START))
    world.decide(suspended, StatusEvent(State.SUSPENDED, START, START))
    registry = world.registry(timedelta(days=60))
    world.repository.lifetimes["region"] = timedelta(days=60)
    later = START + timedelta(days=20)
    assert failing(world.assess(ended.face, registry=registry, at=later)) == ("invalid", "revoked")
    assert failing(world.assess(suspended.face, registry=registry, at=later)) == ("undetermined", "status-stale")


def test_flags_are_shown_and_make_no_licence_invalid(world: World) -> None:
    licence = world.issue()
    world.flag(licence, Flag.PARENT_CHANGED)
    verdict = world.assess(licence.face)
    assert failing(verdict) == ("valid", "ok")
    assert verdict.flags == Flag.PARENT_CHANGED


def test_a_policy_says_how_old_evidence_may_be_for_a_type_and_for_a_matter(world: World) -> None:
    licence = world.issue()
    code = demo_application("business-licence").type_code
    world.repository.policy = Policy(
        types={code: Budget(None, timedelta(hours=2))}, matters={"ITEM1": Budget(timedelta(hours=1), None)}
    )
    registry = world.registry()
    held = {"registry": registry, "status": world.status(registry)}

    def after(hours: float, matter: str | None = None) -> tuple[str, str]:
        at = START + timedelta(hours=hours)
        return failing(world.assess(licence.face, **held, at=at, matter=matter))

    assert after(2) == after(1, "ITEM1") == after(1.9, "ITEM2") == ("valid", "ok")
    assert after(2.1) == ("undetermined", "status-too-old")
    assert after(1.1, "ITEM1") == ("undetermined", "registry-too-old")


def test_a_clock_behind_the_evidence_is_no_ground_to_judge_by(world: World) -> None:
    licence = world.issue()
    world.now += timedelta(hours=1)
    registry = world.registry()
    status = world.status(registry)
    slow = START + timedelta(minutes=54)
    verdict = world.assess(licence.face, registry=registry, status=status, at=slow)
    assert failing(verdict) == ("undetermined", "clock-behind")
    asked = world.assess(licence.face, registry=registry, status=status, at=slow, now=world.now)
    assert failing(asked) == ("valid", "ok")


def test_a_licence_the_list_does_not_cover_is_never_good(world: World) -> None:
    licence = world.issue()
    registry = world.registry()
    status = world.status(registry)
    nothing = replace(status.regions["440000"], lists={})
    verdict = assess(licence.face, registry=registry, status=StatusView({"440000": nothing}), at=START)
    assert failing(verdict) == ("undetermined", "status-not-covered")


def test_another_regions_list_says_nothing(world: World) -> None:
    licence = world.issue()
    registry = world.registry()
    foreign = StatusView({"310000": world.status(registry).regions["310000"]})
    assert failing(assess(licence.face, registry=registry, status=foreign, at=START)) == (
        "undetermined",
        "status-missing",
    )


def test_validity_begins_and_ends_at_midnight_in_china(world: World) -> None:
    licence = world.issue(demo_application("construction-permit", 1))
    face = world.assess(licence.face).content
    assert face is not None
    assert face.validity.end is not None
    ends = datetime.combine(face.validity.end, time(16), UTC)
    world.now = ends - timedelta(days=1)
    registry = world.registry()
    view = world.status(registry)
    for at, wanted in ((ends - timedelta(seconds=1), "ok"), (ends, "expired")):
        verdict = assess(licence.face, registry=registry, status=view, at=at)
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


def proof_of(world: World, licence: SealedLicence, issued_at: datetime, *others: SealedLicence) -> bytes:
    """Prove that a licence stands in what the region had issued, by a head of that time."""
    nodes: dict[tuple[int, int], bytes] = {}

    class Store:
        def get(self, level: int, index: int) -> bytes:
            return nodes[level, index]

        def put(self, level: int, index: int, node: bytes) -> None:
            nodes[level, index] = node

    tree = IssuedTree(Store())
    digests = []
    for one in (licence, *others):
        record, face = (envelope.decode(part, limit=MAX_RECORD) for part in (one.record, one.face))
        digests.append((sm3(record.payload), sm3(face.payload)))
        tree.append(leaf_hash(record.key_id, *digests[-1]))
    head = IssuedHead("440000", 1, tree.size, tree.root(tree.size), NO_HEAD, issued_at)
    sealed = seal_head(head, world.keys["status-440000"])
    return IssuedProof(sealed, 0, tree.prove(0, tree.size), *digests[0]).encode()


def test_after_a_theft_only_evidence_from_before_it_makes_a_licence_valid(world: World) -> None:
    licence, other = world.issue(), world.issue()
    stolen_at = START + timedelta(hours=1)
    world.revoked["440000"] = [Revocation(world.certificates[ISSUER].serial, stolen_at, CrlReason.KEY_COMPROMISE)]
    world.now += timedelta(hours=2)
    before = proof_of(world, licence, stolen_at - timedelta(minutes=1), other)
    after = proof_of(world, licence, stolen_at + timedelta(minutes=1), other)
    for sealed in (licence.face, licence.record):
        assert failing(world.assess(sealed, evidence=[before])) == ("valid", "ok")
        assert failing(world.assess(sealed, evidence=[after, before])) == ("valid", "ok")
        for evidence in ([], [after], [b"nonsense"], [before[:-1]]):
            verdict = world.assess(sealed, evidence=evidence)
            assert failing(verdict) == ("undetermined", "issuer-key-compromised")
    assert failing(world.assess(other.face, evidence=[before])) == ("undetermined", "issuer-key-compromised")


def test_a_forgery_dated_back_before_the_theft_never_becomes_valid(world: World) -> None:
    genuine = world.issue()
    stolen_at = START + timedelta(hours=1)
    world.now += timedelta(hours=2)
    world.revoked["440000"] = [Revocation(world.certificates[ISSUER].serial, stolen_at, CrlReason.KEY_COMPROMISE)]
    signed = envelope.decode(genuine.face, limit=MAX_RECORD)
    face = decode_face(signed.payload, ISSUER)
    forged = replace(face, holder_name="冒名者", sealed_at=START + timedelta(minutes=30))
    sealed = envelope.seal(signed.kind, encode_face(forged), world.keys[ISSUER]).encode()
    borrowed = proof_of(world, genuine, START + timedelta(minutes=1))
    for evidence in ([], [borrowed]):
        assert failing(world.assess(sealed, evidence=evidence)) == ("undetermined", "issuer-key-compromised")
    assert failing(world.assess(genuine.face, evidence=[borrowed])) == ("valid", "ok")


def test_a_right_that_ended_leaves_what_was_sealed_before(world: World) -> None:
    before = world.issue()
    ended = START + timedelta(hours=1)
    early = world.history.setdefault(ISSUER, (StateChange(EntryState.ACTIVE, BIRTH),))
    world.now += timedelta(hours=2)
    signed = envelope.decode(before.face, limit=MAX_RECORD)
    later = replace(decode_face(signed.payload, ISSUER), sealed_at=world.now)
    after = envelope.seal(signed.kind, encode_face(later), world.keys[ISSUER]).encode()
    assert failing(world.assess(after)) == ("valid", "ok")
    world.history[ISSUER] = (*early, StateChange(EntryState.ENDED, ended, "机构撤并"))
    assert failing(world.assess(before.face)) == ("valid", "ok")
    assert failing(world.assess(after)) == ("invalid", "issuer-not-entitled")


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
