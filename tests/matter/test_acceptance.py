from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.errors import EcertError, MalformedError, Reason
from ecert.matter import (
    Acceptance,
    AcceptanceNumber,
    Case,
    Count,
    Declared,
    Settled,
    accept,
    acceptance_json,
    overdue,
    require_taken,
    spared_json,
    tally,
)
from ecert.receipt import Receipt, seal_receipt
from ecert.verification import Outcome
from tests.matter.window import COMPANY, GUANGZHOU, WANG, Window, reference
from tests.receipt.world import PLACE, WINDOW

CARD = "social-security-card"
NUMBER = AcceptanceNumber("310000", date(2026, 11, 23), 17)


@pytest.fixture
def window() -> Window:
    return Window()


def complete(window: Window) -> Case:
    case = window.case(CARD, window.show(window.issue(), CARD))
    declared = Declared(shared={"photo": reference(case)}, promises={"residence": "ab" * 32})
    return replace(case, declared=declared)


def test_a_case_is_accepted_without_a_single_paper_and_its_receipt_verifies(window: Window) -> None:
    done = accept(complete(window), NUMBER, "R-1")
    assert all(one.settled.spared for one in done.resolutions)
    sealed = seal_receipt(done.receipt, window.world.keys[WINDOW], at=window.now)
    verdict = window.world.look_at(sealed)
    assert verdict.outcome is Outcome.VALID
    assert verdict.receipt is not None
    assert verdict.receipt.case is not None
    assert verdict.receipt.case.number == NUMBER.text
    assert verdict.receipt.materials == (
        ("identity", "licence"),
        ("photo", "shared"),
        ("residence", "promised"),
        ("application", "cancelled"),
    )


def test_a_slip_says_everything_and_names_nobody_in_full(window: Window) -> None:
    told = acceptance_json(accept(complete(window), NUMBER, "R-1"))
    assert (told["number"], told["spared"], told["receipt"]) == (NUMBER.text, 4, "R-1")
    assert told["dues"] == [{"material": "residence", "settled": "promised", "by": "2026-12-23"}]
    assert told["case"]["applicant"]["name"] == "王*例"
    assert WANG.name not in repr(told)
    assert WANG.code not in repr(told)


def test_nothing_is_accepted_while_anything_is_needed(window: Window) -> None:
    with pytest.raises(EcertError, match="identity, photo, residence") as refused:
        accept(window.case(CARD), NUMBER, "R-1")
    assert refused.value.reason is Reason.MATTER_INCOMPLETE


def test_a_material_that_follows_does_not_keep_a_case_back_and_is_remembered(window: Window) -> None:
    case = complete(window)
    case = replace(case, declared=Declared(deferred=frozenset({"photo"}), promises={"residence": "ab" * 32}))
    done = accept(case, NUMBER, "R-1")
    assert [(due.material, due.settled, due.by) for due in done.dues] == [
        ("photo", Settled.DEFERRED, date(2026, 12, 3)),
        ("residence", Settled.PROMISED, date(2026, 12, 23)),
    ]
    assert overdue(done.dues, window.now + timedelta(days=10)) == ()
    assert [due.material for due in overdue(done.dues, window.now + timedelta(days=11))] == ["photo"]


def test_who_has_no_phone_is_served_on_paper_all_the_same(window: Window) -> None:
    paper = {"identity": "居民身份证原件", "photo": "二寸照片一张", "residence": "居住证复印件"}
    done = accept(window.case(CARD, declared=Declared(paper=paper)), NUMBER, "R-1")
    assert [one.settled for one in done.resolutions[:3]] == [Settled.PAPER] * 3
    assert done.receipt.licences == ()


def test_a_matter_handled_elsewhere_is_handed_over_with_its_evidence(window: Window) -> None:
    slug = "driving-licence-renewal"
    licence = window.issue("driving-licence")
    holder = replace(WANG, name="李样张", code="440000198511260030")
    case = window.case(slug, window.show(licence, slug), applicant=holder)
    declared = Declared(
        shared={"health": reference(case)}, earlier={"photo": reference(case)}, paper={"identity": "居民身份证原件"}
    )
    done = accept(replace(case, declared=declared), NUMBER, "R-1")
    assert done.handover is not None
    assert (done.handover.region, done.handover.receipt) == ("440100", "R-1")
    assert done.handover.copies == (case.shown[0].copy,)
    told = acceptance_json(done)["handover"]
    assert told["department"]["name"] == "广州样例公安局交通警察支队"
    here = accept(complete(window), NUMBER, "R-2")
    assert here.handover is None


def test_a_window_takes_only_its_matters_and_their_applicants(window: Window) -> None:
    for case in (
        window.case("public-rental-housing"),
        window.case("company-registration"),
        window.case(CARD, applicant=COMPANY),
        window.case("company-relocation"),
    ):
        with pytest.raises(EcertError) as refused:
            require_taken(case)
        assert refused.value.reason is Reason.MATTER_ELSEWHERE
    require_taken(window.case(CARD, place=GUANGZHOU))
    require_taken(window.case("public-rental-housing", place=replace(PLACE, region="310115")))


def test_licences_that_were_no_use_are_in_the_receipt_too(window: Window) -> None:
    case = complete(window)
    forged = window.issue()
    data = forged.record[:-1] + bytes([forged.record[-1] ^ 1])
    bad = replace(case.shown[0], verdict=window.world.assess(data), grant=None, copy=b"")
    done = accept(replace(case, shown=(bad, *case.shown)), NUMBER, "R-1")
    assert [one.reason for one in done.receipt.licences] == [Reason.SEAL_BAD, Reason.OK]
    assert Receipt.decode(done.receipt.encode()) == done.receipt


@given(
    st.sampled_from(["310000", "440106", "659001"]),
    st.dates(date(1970, 1, 1), date(2499, 1, 1)),
    st.integers(1, 999_999),
)
def test_an_acceptance_number_comes_back_and_no_single_mistake_passes(region: str, day: date, serial: int) -> None:
    number = AcceptanceNumber(region, day, serial)
    text = number.text
    assert AcceptanceNumber.parse(text) == number
    for at in range(2, len(text)):
        wrong = text[:at] + ("1" if text[at] != "1" else "2") + text[at + 1 :]
        with pytest.raises(MalformedError):
            AcceptanceNumber.parse(wrong)


@pytest.mark.parametrize(
    "text", ["", "SL", NUMBER.text.lower(), NUMBER.text + " ", NUMBER.text[:-1], "SL31000020261323000017A"]
)
def test_what_is_no_acceptance_number_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        AcceptanceNumber.parse(text)


def some(window: Window) -> list[Acceptance]:
    paper = {"identity": "原件", "photo": "照片", "residence": "居住证"}
    return [
        accept(complete(window), NUMBER, "R-1"),
        accept(window.case(CARD, place=GUANGZHOU, declared=Declared(paper=paper)), NUMBER, "R-2"),
    ]


def test_what_was_spared_is_counted_by_matter_department_and_region(window: Window) -> None:
    counts = [Count.of(one) for one in some(window)]
    by_region = tally(counts, lambda one: one.region)
    assert list(by_region) == ["310000", "440106"]
    assert (by_region["310000"].spared, by_region["440106"].spared) == (4, 1)
    (matter,) = tally(counts, lambda one: one.item_code).values()
    assert (matter.cases, matter.materials, matter.spared) == (2, 8, 5)
    assert list(tally(counts, lambda one: one.department)) == ["上海样例人力资源和社会保障局"]
    told = spared_json(matter)
    assert (told["by_way"]["paper"], told["by_way"]["licence"], told["by_way"]["needed"]) == (3, 1, 0)
    assert tally([], lambda one: one.region) == {}
