from __future__ import annotations

import json
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ecert.errors import MalformedError, Reason, RejectedError
from ecert.presentation import (
    Answer,
    AuthCode,
    Consent,
    CounterConsent,
    CounterForm,
    Grant,
    Ground,
    LegalBases,
    Requester,
    Use,
    Wanted,
    bind,
    grant_at_counter,
    grant_by_law,
    grant_by_phone,
    grant_by_showing,
)
from tests.presentation.samples import AT, CARD, ESTATE, FIELDS, HOUSE, IDENTITY, OTHER_UNIT, UNIT, USE, offer, request

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
BINDING = bind(UNIT, USE, IDENTITY)


def granted() -> Consent:
    return Consent(request()).answered(Answer.GRANTED, AT + MINUTE)


def grant() -> Grant:
    return grant_by_phone(granted(), IDENTITY, secrets.token_bytes, AT + MINUTE)


def reason_of(error: pytest.ExceptionInfo[RejectedError]) -> Reason:
    return error.value.reason


def test_a_grant_covers_the_use_it_was_given_for_and_no_other() -> None:
    given = grant()
    given.require(BINDING, FIELDS, AT + MINUTE)
    given.require(BINDING, FIELDS[:1], AT + DAY - MINUTE)
    for binding, fields in (
        (replace(BINDING, requester=OTHER_UNIT), FIELDS),
        (replace(BINDING, licence=IDENTITY.next_version()), FIELDS),
        (replace(BINDING, item_code="SH-SBK-02"), FIELDS),
        (replace(BINDING, purpose="查询"), FIELDS),
        (BINDING, (*FIELDS, "extendInfo.address")),
    ):
        with pytest.raises(RejectedError) as refused:
            given.require(binding, fields, AT + MINUTE)
        assert reason_of(refused) is Reason.GRANT_MISMATCH
    for at in (AT, AT + DAY):
        with pytest.raises(RejectedError) as refused:
            given.require(BINDING, FIELDS, at)
        assert reason_of(refused) is Reason.GRANT_EXPIRED


def test_a_grant_with_the_code_of_another_cannot_be() -> None:
    code = AuthCode.draw(bind(UNIT, USE, ESTATE), secrets.token_bytes)
    with pytest.raises(MalformedError, match="bound to something else"):
        replace(grant(), code=code)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ((), Reason.CONSENT_MISSING),
        ((Answer.REFUSED,), Reason.CONSENT_REFUSED),
        ((Answer.GRANTED, Answer.WITHDRAWN), Reason.CONSENT_REFUSED),
    ],
)
def test_nothing_is_granted_without_the_holders_yes(answers: tuple[Answer, ...], reason: Reason) -> None:
    consent = Consent(request())
    for answer in answers:
        consent = consent.answered(answer, AT + MINUTE)
    with pytest.raises(RejectedError) as refused:
        grant_by_phone(consent, IDENTITY, secrets.token_bytes, AT + MINUTE)
    assert reason_of(refused) is reason


def test_a_request_lapses_unanswered_and_a_grant_at_its_end() -> None:
    consent = Consent(request())
    assert consent.standing(AT + 4 * MINUTE) is Answer.ASKED
    assert consent.standing(AT + 5 * MINUTE) is Answer.LAPSED
    assert granted().standing(AT + DAY) is Answer.LAPSED
    for late, at in ((consent, AT + 5 * MINUTE), (granted(), AT + DAY)):
        with pytest.raises(RejectedError) as refused:
            late.require_granted(at)
        assert reason_of(refused) is Reason.CONSENT_LAPSED
    with pytest.raises(RejectedError) as refused:
        consent.answered(Answer.GRANTED, AT + 5 * MINUTE)
    assert reason_of(refused) is Reason.CONSENT_LAPSED


def test_a_button_pressed_twice_changes_nothing_and_another_answer_is_refused() -> None:
    consent = granted()
    assert consent.answered(Answer.GRANTED, AT + 2 * MINUTE) is consent
    for first, second in (
        (consent, Answer.REFUSED),
        (Consent(request()).answered(Answer.REFUSED, AT), Answer.GRANTED),
        (Consent(request()), Answer.WITHDRAWN),
        (Consent(request()), Answer.LAPSED),
        (consent.answered(Answer.WITHDRAWN, AT + MINUTE), Answer.GRANTED),
    ):
        with pytest.raises(RejectedError) as refused:
            first.answered(second, AT + 2 * MINUTE)
        assert reason_of(refused) is Reason.CONSENT_ANSWERED


def test_a_type_that_was_not_asked_for_is_not_granted() -> None:
    with pytest.raises(RejectedError) as refused:
        grant_by_phone(granted(), ESTATE, secrets.token_bytes, AT + MINUTE)
    assert reason_of(refused) is Reason.GRANT_MISMATCH


@pytest.mark.parametrize(
    "changes",
    [
        {"wanted": ()},
        {"wanted": (Wanted(CARD, ()), Wanted(CARD, ()))},
        {"answer_by": AT + timedelta(days=8), "until": AT + timedelta(days=9)},
        {"answer_by": AT},
        {"until": AT + MINUTE},
        {"until": AT + timedelta(days=367)},
        {"id": ""},
    ],
)
def test_a_request_has_its_bounds(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError) as refused:
        request(**changes)
    assert refused.value.reason is Reason.DATA_MALFORMED


def test_bodies_uses_and_wishes_are_checked() -> None:
    for make in (
        lambda: Requester("11310000DEMH10023N", "样例", "clerk"),
        lambda: Requester(UNIT.code, "样例", ""),
        lambda: Use("事项", "", "1", "办理"),
        lambda: Use("事项", "A", "1", "<" * 201),
        lambda: Wanted("11100000000013127D00", ()),
        lambda: Wanted(CARD, ("b", "a")),
        lambda: Wanted(CARD, ("a", "a")),
    ):
        with pytest.raises(MalformedError):
            make()


def test_consent_at_the_counter_is_kept_by_its_digest() -> None:
    consent = CounterConsent(CounterForm.HANDWRITING, "ab" * 32, AT + DAY)
    given = grant_at_counter(BINDING, FIELDS, consent, operator="clerk-7", entropy=secrets.token_bytes, at=AT)
    assert (given.ground, given.evidence) == (Ground.COUNTER, f"handwriting:{'ab' * 32}")
    given.require(BINDING, FIELDS, AT)
    with pytest.raises(MalformedError, match="not an SM3 digest"):
        CounterConsent(CounterForm.PAPER, "signed", AT + DAY)


def test_a_showing_grants_what_was_shown_for_the_purpose_it_was_shown_for() -> None:
    given: dict[str, Any] = {
        "operator": "clerk-7", "entropy": secrets.token_bytes, "at": AT, "until": AT + DAY,
    }  # fmt: skip
    key = bytes(32)
    grant = grant_by_showing(BINDING, offer(), key, **given)
    assert (grant.ground, grant.fields, grant.evidence) == (Ground.PHONE, FIELDS, f"showing:{key.hex()}")
    for binding in (
        replace(BINDING, licence=ESTATE),
        replace(BINDING, licence=IDENTITY.next_version()),
        replace(BINDING, purpose="查询"),
    ):
        with pytest.raises(RejectedError) as refused:
            grant_by_showing(binding, offer(), key, **given)
        assert reason_of(refused) is Reason.GRANT_MISMATCH


def bases(**changes: Any) -> bytes:
    basis = {
        "unit": UNIT.code,
        "itemCode": USE.item_code,
        "types": [CARD],
        "fields": list(FIELDS),
        "law": "《样例社会保险办法》",
        "article": "第七条",
        "since": "2026-01-01",
        "until": "2026-12-31",
    }
    return json.dumps({"bases": [{k: v for k, v in (basis | changes).items() if v is not None}]}).encode()


def test_the_law_opens_only_what_is_registered_for_this_unit_and_this_matter() -> None:
    register = LegalBases.from_json(bases())
    basis = register.find(UNIT.code, USE.item_code, CARD, AT)
    given = grant_by_law(BINDING, basis, operator="clerk-7", entropy=secrets.token_bytes, at=AT, until=AT + MINUTE)
    assert (given.ground, given.evidence, given.operator) == (Ground.LAW, "《样例社会保险办法》第七条", "clerk-7")
    for unit, item, kind, at in (
        (OTHER_UNIT, USE.item_code, CARD, AT),
        (UNIT.code, "SH-SBK-02", CARD, AT),
        (UNIT.code, USE.item_code, HOUSE, AT),
        (UNIT.code, USE.item_code, CARD, AT + 60 * DAY),
        (UNIT.code, USE.item_code, CARD, AT - 365 * DAY),
    ):
        with pytest.raises(RejectedError) as refused:
            register.find(unit, item, kind, at)
        assert reason_of(refused) is Reason.LEGAL_BASIS_MISSING
    with pytest.raises(RejectedError) as refused:
        grant_by_law(
            replace(BINDING, item_code="X"), basis, operator="c", entropy=secrets.token_bytes, at=AT, until=AT + MINUTE
        )
    assert reason_of(refused) is Reason.LEGAL_BASIS_MISSING


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"unit": "11310000DEMH10023N"}, "/bases/0/unit"),
        ({"types": ["x"]}, "/bases/0/types"),
        ({"types": []}, "/bases/0/types"),
        ({"law": "样例办法"}, "/bases/0/law"),
        ({"article": "七"}, "/bases/0/article"),
        ({"since": "2026-02-30"}, "real date"),
        ({"since": None}, "/bases/0/since"),
        ({"everything": True}, "/bases/0/everything"),
    ],
)
def test_a_register_with_a_mistake_is_refused_with_its_place(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(MalformedError, match=where) as refused:
        LegalBases.from_json(bases(**changes))
    assert refused.value.reason is Reason.DATA_MALFORMED
