from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecert import cbor, envelope
from ecert.errors import MalformedError, Reason
from ecert.presentation import CounterConsent, CounterForm, Ground, Requester, Use, Way, bind, grant_at_counter
from ecert.receipt import Receipt, SeenLicence, Shape, is_receipt, read_unsigned, seal_receipt, write_unsigned
from ecert.receipt.report import receipt_json, receipt_verdict_json, receipt_verdict_text
from ecert.revocation import Flag, ReasonCode, State, StatusEvent
from ecert.sm2 import sm3
from ecert.trust import EntryState, StateChange
from ecert.verification import Outcome
from ecert.x509 import CrlReason, Revocation
from tests.receipt.world import CASE, MINUTE, PLACE, WINDOW, WindowWorld
from tests.world import BIRTH, HOST, ISSUER, OTHER, demo_application

if TYPE_CHECKING:
    from collections.abc import Callable

YEAR = timedelta(days=365)
WORLD = WindowWorld()
RECEIPT = WORLD.receipt()
SEALED = WORLD.sealed(RECEIPT)
REGISTRY = WORLD.registry()


@pytest.fixture
def world() -> WindowWorld:
    return WindowWorld()


def test_a_receipt_is_genuine_and_says_what_was_seen(world: WindowWorld) -> None:
    receipt = world.receipt()
    verdict = world.look_at(world.sealed(receipt))
    assert (verdict.outcome, verdict.reason, verdict.receipt, verdict.signed_at) == (
        Outcome.VALID, Reason.OK, receipt, world.now,
    )  # fmt: skip
    told = receipt_verdict_json(verdict)
    assert (told["signed"], told["signer"]["code"], told["receipt"]["case"]["number"]) == (True, WINDOW, CASE.number)
    (licence,) = told["receipt"]["licences"]
    assert (licence["outcome"], licence["registry"]["age_seconds"], licence["status"]["region"]) == (
        "valid", 0, "440000",
    )  # fmt: skip
    assert "核验凭据属实" in receipt_verdict_text(verdict)


def test_a_receipt_is_verified_years_later_by_a_registry_of_that_day(world: WindowWorld) -> None:
    sealed = world.sealed()
    world.now += 5 * YEAR
    world.history[WINDOW] = (
        StateChange(EntryState.ACTIVE, BIRTH),
        StateChange(EntryState.ENDED, world.now - YEAR, "撤并"),
    )
    assert world.look_at(sealed).outcome is Outcome.VALID


def test_a_receipt_made_offline_says_that_it_is_unsigned_until_it_is_signed(world: WindowWorld) -> None:
    receipt = world.receipt()
    unsigned = write_unsigned(receipt)
    verdict = world.look_at(unsigned)
    assert (verdict.outcome, verdict.reason, verdict.signed_at) == (
        Outcome.UNDETERMINED, Reason.RECEIPT_UNSIGNED, None,
    )  # fmt: skip
    assert "尚未签名" in receipt_verdict_text(verdict)
    world.now += timedelta(hours=8)
    waiting = read_unsigned(unsigned)
    assert waiting is not None
    signed = world.look_at(seal_receipt(waiting, world.keys[WINDOW], at=world.now))
    assert (signed.outcome, signed.receipt, signed.signed_at) == (Outcome.VALID, receipt, world.now)


def test_no_changed_byte_of_a_receipt_leaves_it_genuine() -> None:
    for at in range(len(SEALED)):
        changed = bytearray(SEALED)
        changed[at] ^= 1
        assert WORLD.look_at(bytes(changed), registry=REGISTRY).outcome is not Outcome.VALID


def tampered(change: Callable[[Receipt], Receipt]) -> bytes:
    """Alter what a receipt says, and keep its signature."""
    signed = envelope.decode(SEALED, limit=10**6)
    payload = cbor.encode([change(RECEIPT).encode(), int(WORLD.now.timestamp())])
    return replace(signed, payload=payload).encode()


@pytest.mark.parametrize(
    "change",
    [
        lambda receipt: replace(receipt, case=replace(CASE, number="20261123-0002")),
        lambda receipt: replace(receipt, place=replace(PLACE, operator="clerk-8")),
        lambda receipt: replace(receipt, licences=(replace(receipt.licences[0], holder="李*四"),)),
        lambda receipt: replace(receipt, licences=(replace(receipt.licences[0], digest=bytes(32)),)),
        lambda receipt: replace(receipt, materials=()),
    ],
)
def test_a_tampered_receipt_is_refused(change: Callable[[Receipt], Receipt]) -> None:
    verdict = WORLD.look_at(tampered(change), registry=REGISTRY)
    assert (verdict.outcome, verdict.reason, verdict.receipt) == (
        Outcome.INVALID, Reason.RECEIPT_SIGNATURE_BAD, None,
    )  # fmt: skip


def test_only_the_relying_body_it_names_signs_a_receipt(world: WindowWorld) -> None:
    for signer in (ISSUER, OTHER, "status-310000"):
        verdict = world.look_at(world.sealed(by=signer))
        assert (verdict.outcome, verdict.reason) == (Outcome.INVALID, Reason.RECEIPT_SIGNER_NOT_ENTITLED)
    another = world.receipt(place=replace(PLACE, unit=OTHER))
    assert world.look_at(world.sealed(another)).reason is Reason.RECEIPT_SIGNER_NOT_ENTITLED


def test_a_body_that_was_not_registered_when_it_signed_is_refused(world: WindowWorld) -> None:
    world.history[WINDOW] = (StateChange(EntryState.ACTIVE, BIRTH), StateChange(EntryState.ENDED, world.now - MINUTE))
    verdict = world.look_at(world.sealed())
    assert (verdict.outcome, verdict.reason) == (Outcome.INVALID, Reason.RECEIPT_SIGNER_NOT_ENTITLED)


def test_a_certificate_revoked_before_signing_refuses_and_one_revoked_later_does_not(world: WindowWorld) -> None:
    sealed = world.sealed()
    world.now += timedelta(days=2)
    serial = world.certificates[WINDOW].serial
    world.revoked["310000"] = [Revocation(serial, world.now - timedelta(days=1), CrlReason.SUPERSEDED)]
    assert world.look_at(sealed).outcome is Outcome.VALID
    assert world.look_at(world.sealed()).reason is Reason.CERTIFICATE_REVOKED


def test_after_a_theft_of_the_key_it_cannot_be_told(world: WindowWorld) -> None:
    sealed = world.sealed()
    world.now += timedelta(days=2)
    serial = world.certificates[WINDOW].serial
    world.revoked["310000"] = [Revocation(serial, world.now - timedelta(days=1), CrlReason.KEY_COMPROMISE)]
    verdict = world.look_at(sealed)
    assert (verdict.outcome, verdict.reason) == (Outcome.UNDETERMINED, Reason.RECEIPT_KEY_COMPROMISED)


def test_without_a_fresh_registry_it_cannot_be_told(world: WindowWorld) -> None:
    sealed, registry = world.sealed(), world.registry()
    assert world.look_at(sealed, registry=None).reason is Reason.REGISTRY_MISSING
    assert world.look_at(sealed, registry=registry, now=world.now + YEAR).reason is Reason.REGISTRY_STALE
    stranger = WindowWorld()
    verdict = stranger.look_at(sealed)
    assert (verdict.outcome, verdict.reason) == (Outcome.UNDETERMINED, Reason.RECEIPT_SIGNER_UNKNOWN)


def test_a_receipt_from_the_future_is_refused(world: WindowWorld) -> None:
    receipt, registry = world.receipt(), world.registry()
    verdict = world.look_at(world.sealed(receipt), registry=registry, now=world.now - timedelta(hours=1))
    assert (verdict.outcome, verdict.reason) == (Outcome.INVALID, Reason.RECEIPT_FROM_FUTURE)


def test_a_licence_is_no_receipt_and_a_receipt_no_licence(world: WindowWorld) -> None:
    licence = world.issue()
    assert not is_receipt(licence.record)
    assert world.look_at(licence.record).reason is Reason.RECEIPT_MALFORMED
    assert world.assess(world.sealed()).reason is Reason.RECORD_MALFORMED
    assert is_receipt(world.sealed())
    assert is_receipt(write_unsigned(world.receipt()))


def test_a_revoked_a_forged_and_a_flagged_licence_are_taken_down_as_they_were(world: WindowWorld) -> None:
    revoked, flagged = world.issue(), world.issue(demo_application("food-business-licence"))
    world.decide(revoked, StatusEvent(State.REVOKED, world.now, world.now, None, ReasonCode.UNLAWFUL_ACT))
    world.flag(flagged, Flag.PARENT_CHANGED)
    forged = revoked.record[:-1] + bytes([revoked.record[-1] ^ 1])
    seen = [
        SeenLicence.of(world.assess(data), sm3(data), Way.FILE) for data in (revoked.record, forged, flagged.record)
    ]
    told = world.receipt(licences=tuple(seen))
    assert Receipt.decode(told.encode()) == told
    assert [(one.outcome, one.shape) for one in seen] == [
        (Outcome.INVALID, Shape.RECORD), (Outcome.INVALID, Shape.NONE), (Outcome.VALID, Shape.RECORD),
    ]  # fmt: skip
    licences = receipt_json(told)["licences"]
    assert [one["reason"] for one in licences] == ["revoked", "seal-bad", "ok"]
    assert (licences[1]["identifier"], licences[2]["flags"]) == (None, ["parent-changed"])


def test_a_receipt_names_nobody_in_full_and_keeps_the_ground_of_every_use(world: WindowWorld) -> None:
    application = demo_application("resident-identity-card")
    licence = world.issue(application)
    unit = Requester(WINDOW, PLACE.name, "clerk-7")
    binding = bind(unit, Use("社会保障卡申领", "SH-SBK-01", "1", "办理"), licence.identifier)
    consent = CounterConsent(CounterForm.PAPER, "ab" * 32, world.now + MINUTE)
    grant = grant_at_counter(
        binding, ("certificateHolderName",), consent, operator="clerk-7", entropy=secrets.token_bytes, at=world.now
    )
    copy = sm3(b"annotated copy")
    seen = SeenLicence.of(world.assess(licence.record), sm3(licence.record), Way.PULL, grant, copy)
    told = receipt_json(Receipt.decode(world.receipt(licences=(seen,)).encode()))
    assert application.holder_name not in repr(told)
    assert application.holder_code not in repr(told)
    (one,) = told["licences"]
    assert (one["holder_name"], one["copy_digest"]) == ("王*例", copy.hex())
    assert one["permission"] == {
        "ground": Ground.COUNTER.value, "evidence": f"paper:{'ab' * 32}", "auth_code": grant.code.text,
    }  # fmt: skip


def test_what_an_issuer_should_not_have_sealed_does_not_keep_a_receipt_from_being_made(world: WindowWorld) -> None:
    licence = world.issue(demo_application("business-licence"))
    verdict = world.assess(licence.record)
    odd = replace(verdict, fields=dict(verdict.fields) | {"certificateHolderName": "名称\u0000", "a\nb": "x", "": "y"})
    seen = SeenLicence.of(odd, sm3(licence.record), Way.FILE)
    assert (seen.holder, "a\nb" in seen.fields, "" in seen.fields) == ("", False, False)
    told = world.receipt(licences=(seen,))
    assert Receipt.decode(told.encode()) == told


def test_a_face_that_was_scanned_is_taken_down_as_a_face(world: WindowWorld) -> None:
    text = world.issue().text(HOST)
    seen = SeenLicence.of(world.assess(text), sm3(text.encode()), Way.PRINTED_CODE)
    assert (seen.shape, seen.fields) == (Shape.FACE, ())


@pytest.mark.parametrize(
    "changes",
    [
        {"number": ""},
        {"number": "x" * 257},
        {"applicant": "a\nb"},
        {"place": replace(PLACE, unit="11310000DEMH70002X")},
        {"place": replace(PLACE, region="990000")},
        {"place": replace(PLACE, window="")},
        {"licences": (), "materials": ()},
        {"licences": RECEIPT.licences * 33},
        {"materials": (("identity", ""),)},
        {"made_at": WORLD.now - MINUTE},
        {"licences": (replace(RECEIPT.licences[0], outcome=Outcome.INVALID),)},
        {"licences": (replace(RECEIPT.licences[0], identifier=""),)},
        {"licences": (replace(RECEIPT.licences[0], identifier="1.2.3"),)},
        {"licences": (replace(RECEIPT.licences[0], fields=("b", "a")),)},
        {"licences": (replace(RECEIPT.licences[0], digest=b""),)},
    ],
)
def test_no_receipt_is_made_that_would_not_be_read(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError) as refused:
        replace(RECEIPT, **changes).encode()
    assert refused.value.reason is Reason.RECEIPT_MALFORMED


def test_a_receipt_is_not_signed_as_of_before_it_was_made() -> None:
    with pytest.raises(MalformedError, match="signed before it was made"):
        seal_receipt(RECEIPT, WORLD.keys[WINDOW], at=WORLD.now - MINUTE)


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_come_back_as_they_were(data: bytes) -> None:
    assert WORLD.look_at(data, registry=REGISTRY).outcome is not Outcome.VALID
    try:
        assert Receipt.decode(data).encode() == data
    except MalformedError as error:
        reason = error.reason
        assert reason in (Reason.RECEIPT_MALFORMED, Reason.TOO_LARGE)


@settings(max_examples=200)
@given(st.data())
def test_a_body_with_any_changed_value_is_refused_or_canonical(data: st.DataObject) -> None:
    values: Any = cbor.decode(RECEIPT.encode(), limit=10**6, reason=Reason.DATA_MALFORMED)
    odd: st.SearchStrategy[Any] = st.one_of(
        st.none(), st.integers(-1, 2**60), st.text(max_size=9), st.binary(max_size=40), st.just([])
    )
    target = data.draw(st.sampled_from([values, values[3], values[4], values[6][0], values[7][0]]))
    target[data.draw(st.integers(0, len(target) - 1))] = data.draw(odd)
    body = cbor.encode(values)
    try:
        receipt = Receipt.decode(body)
    except MalformedError:
        return
    assert receipt.encode() == body
