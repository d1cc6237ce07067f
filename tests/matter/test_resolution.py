from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ecert.errors import MalformedError
from ecert.matter import (
    Case,
    Declared,
    Identified,
    Notice,
    Obstacle,
    Person,
    Resolution,
    Settled,
    case_json,
    needed,
    resolve,
)
from ecert.matter.words import notice_words, obstacle_words, title
from ecert.revocation import Flag, State, StatusEvent
from tests.matter.window import COMPANY, WANG, Window, reference
from tests.world import HOST, demo_application

if TYPE_CHECKING:
    from ecert.verification import Verdict

DAY = timedelta(days=1)
CARD = "social-security-card"


@pytest.fixture
def window() -> Window:
    return Window()


def by_code(case: Case) -> dict[str, Resolution]:
    return {one.material.code: one for one in resolve(case)}


def obstacles(resolution: Resolution) -> list[Obstacle]:
    return [one.obstacle for one in resolution.hindrances]


def identity_of(window: Window, **changes: Any) -> Resolution:
    shown = window.show(window.issue(), CARD, **changes)
    return by_code(window.case(CARD, shown))["identity"]


def test_a_licence_of_another_region_settles_a_material(window: Window) -> None:
    licence = window.issue()
    found = by_code(window.case(CARD, window.show(licence, CARD)))["identity"]
    assert (found.settled, found.evidence, found.notices) == (Settled.LICENCE, licence.identifier.text, ())


def test_a_material_no_longer_asked_for_is_settled_without_anything(window: Window) -> None:
    assert by_code(window.case(CARD))["application"].settled is Settled.CANCELLED


def test_everything_missing_is_told_at_once_with_every_way_out_and_the_paper(window: Window) -> None:
    case = window.case(CARD)
    resolutions = resolve(case)
    assert [one.material.code for one in needed(resolutions)] == ["identity", "photo", "residence"]
    told = case_json(case, resolutions)
    assert told["complete"] is False
    assert [one["code"] for one in told["notice"]] == ["identity", "photo", "residence"]
    photo = told["notice"][1]
    assert [one["code"] for one in photo["reasons"]] == ["not-shared", "no-earlier", "not-deferred"]
    assert photo["paper"] == "近期二寸白底照片一张"
    residence = told["notice"][2]["reasons"][1]
    assert (residence["code"], residence["promise"]["check_days"]) == ("not-promised", 30)
    assert all(one["sentence"] and one["sentence_en"] and one["remedy"] for one in photo["reasons"])


def test_each_way_settles_its_material(window: Window) -> None:
    case = window.case(CARD)
    for declared, code, settled in (
        (Declared(shared={"photo": reference(case)}), "photo", Settled.SHARED),
        (Declared(earlier={"photo": reference(case)}), "photo", Settled.REUSED),
        (Declared(deferred=frozenset({"photo"})), "photo", Settled.DEFERRED),
        (Declared(paper={"photo": "二寸照片一张"}), "photo", Settled.PAPER),
        (Declared(promises={"residence": "ab" * 32}), "residence", Settled.PROMISED),
    ):
        assert by_code(replace(case, declared=declared))[code].settled is settled
    health = window.case("driving-licence-renewal")
    issued = replace(health, declared=Declared(issued={"health": reference(health)}))
    assert by_code(issued)["health"].settled is Settled.ISSUED_ONLINE


def test_ways_are_tried_in_the_order_of_the_matter_and_paper_comes_last(window: Window) -> None:
    case = window.case(CARD)
    both = Declared(
        shared={"photo": reference(case)}, deferred=frozenset({"photo"}), paper={"photo": "照片", "identity": "原件"}
    )
    found = by_code(replace(case, declared=both))
    assert (found["photo"].settled, found["identity"].settled) == (Settled.SHARED, Settled.PAPER)


def test_what_follows_has_its_day_by_the_calendar_of_china(window: Window) -> None:
    declared = Declared(deferred=frozenset({"photo"}), promises={"residence": "ab" * 32})
    late = window.case(CARD, declared=declared, at=window.now.replace(hour=17))  # past midnight in China
    found = by_code(late)
    assert (found["photo"].due, found["residence"].due) == (date(2026, 12, 4), date(2026, 12, 24))


def test_an_earlier_submission_is_used_again_only_while_it_is_young_enough(window: Window) -> None:
    case = window.case(CARD)
    for days, settled in ((730, Settled.REUSED), (731, Settled.NEEDED), (-1, Settled.NEEDED)):
        declared = Declared(earlier={"photo": reference(case, days)})
        found = by_code(replace(case, declared=declared))["photo"]
        assert found.settled is settled
        assert (Obstacle.EARLIER_TOO_OLD in obstacles(found)) is (settled is Settled.NEEDED)


def test_who_broke_a_promise_makes_none(window: Window) -> None:
    case = window.case(CARD, declared=Declared(promises={"residence": "ab" * 32}), promises_barred=True)
    assert Obstacle.PROMISE_BARRED in obstacles(by_code(case)["residence"])


def test_a_licence_of_the_right_type_for_the_wrong_person_never_counts(window: Window) -> None:
    licence = window.issue(demo_application("resident-identity-card", 2))
    found = by_code(window.case(CARD, window.show(licence, CARD)))["identity"]
    assert (found.settled, obstacles(found)) == (Settled.NEEDED, [Obstacle.WRONG_PERSON])


def test_the_same_number_with_another_kind_of_code_is_another_person(window: Window) -> None:
    passport = replace(WANG, code_type="414")
    shown = window.show(window.issue(), CARD)
    found = by_code(window.case(CARD, shown, applicant=passport))["identity"]
    assert obstacles(found) == [Obstacle.WRONG_PERSON]


def test_a_former_name_is_pointed_out_and_counts_once_the_clerk_confirms_it(window: Window) -> None:
    shown = window.show(window.issue(), CARD)
    renamed = replace(WANG, name="王新名")
    found = by_code(window.case(CARD, shown, applicant=renamed))["identity"]
    assert (found.settled, obstacles(found)) == (Settled.NEEDED, [Obstacle.NAME_CHANGED])
    confirmed = Declared(same_person={"identity": "户口簿载曾用名王示例"})
    found = by_code(window.case(CARD, shown, applicant=renamed, declared=confirmed))["identity"]
    assert (found.settled, found.notices) == (Settled.LICENCE, (Notice.FORMER_NAME,))
    other = window.show(window.issue(demo_application("resident-identity-card", 2)), CARD)
    still = by_code(window.case(CARD, other, applicant=renamed, declared=confirmed))["identity"]
    assert obstacles(still) == [Obstacle.WRONG_PERSON]


def test_a_revoked_licence_does_not_count_and_the_words_say_why(window: Window) -> None:
    licence = window.issue()
    window.world.decide(licence, StatusEvent(State.REVOKED, window.now, window.now))
    case = window.case(CARD, window.show(licence, CARD))
    found = by_code(case)["identity"]
    assert obstacles(found) == [Obstacle.LICENCE_INVALID]
    assert "吊销" in found.hindrances[0].detail


def test_a_licence_that_cannot_be_told_is_not_called_invalid(window: Window) -> None:
    licence = window.issue()
    registry = window.world.registry()
    verdict = window.world.assess(
        licence.record,
        registry=registry,
        status=window.world.status(registry),
        at=window.now,
        now=window.now + 30 * DAY,
    )
    found = by_code(window.case(CARD, window.show(licence, CARD, verdict=verdict)))["identity"]
    assert obstacles(found) == [Obstacle.LICENCE_UNDETERMINED]


def test_the_printed_code_alone_is_not_enough(window: Window) -> None:
    licence = window.issue()
    verdict = window.world.assess(licence.text(HOST))
    found = by_code(window.case(CARD, window.show(licence, CARD, verdict=verdict)))["identity"]
    assert obstacles(found) == [Obstacle.FACE_ONLY]


def test_nothing_is_used_without_a_grant_for_this_very_use(window: Window) -> None:
    licence = window.issue()
    assert obstacles(identity_of(window, grant=None)) == [Obstacle.NO_GRANT]
    case = window.case(CARD)
    for change in ({"item_code": "other"}, {"purpose": "查询"}, {"requester": "11440100DEMG70004T"}):
        shown = window.show(licence, CARD, grant=window.grant(licence, CARD, **change))
        assert obstacles(by_code(replace(case, shown=(shown,)))["identity"]) == [Obstacle.GRANT_UNFIT]
    late = replace(case, shown=(window.show(licence, CARD),), at=window.now + 2 * DAY)
    assert obstacles(by_code(late)["identity"]) == [Obstacle.GRANT_UNFIT]


def test_a_grant_that_leaves_out_a_field_does_not_cover_the_use(window: Window) -> None:
    licence = window.issue()
    grant = replace(window.grant(licence, CARD), fields=("certificateHolderName",))
    assert obstacles(by_code(window.case(CARD, window.show(licence, CARD, grant=grant)))["identity"]) == [
        Obstacle.GRANT_UNFIT
    ]


def without(verdict: Verdict, name: str) -> Verdict:
    return replace(verdict, fields={key: value for key, value in verdict.fields.items() if key != name})


def test_fields_that_were_not_disclosed_are_named(window: Window) -> None:
    licence = window.issue()
    verdict = without(window.world.assess(licence.record), "certificateHolderCode")
    found = by_code(window.case(CARD, window.show(licence, CARD, verdict=verdict)))["identity"]
    assert [(one.obstacle, one.detail) for one in found.hindrances] == [
        (Obstacle.FIELDS_MISSING, "certificateHolderCode")
    ]


def test_a_licence_that_ends_soon_and_one_whose_parent_changed_are_pointed_out(window: Window) -> None:
    soon = replace(
        demo_application("resident-identity-card"), effective=date(2016, 11, 29), expiring=date(2026, 11, 29)
    )
    licence = window.issue(soon)
    window.world.flag(licence, Flag.PARENT_CHANGED | Flag.UNDER_DISPUTE)
    found = by_code(window.case(CARD, window.show(licence, CARD)))["identity"]
    assert found.settled is Settled.LICENCE
    assert found.notices == (Notice.EXPIRES_SOON, Notice.PARENT_CHANGED, Notice.UNDER_DISPUTE)


def test_of_several_licences_the_right_one_is_found_and_else_the_nearest_explained(window: Window) -> None:
    others = window.show(window.issue(demo_application("resident-identity-card", 2)), CARD)
    revoked = window.issue()
    window.world.decide(revoked, StatusEvent(State.REVOKED, window.now, window.now))
    bad = window.show(revoked, CARD)
    assert obstacles(by_code(window.case(CARD, bad, others))["identity"]) == [Obstacle.WRONG_PERSON]
    good = window.show(window.issue(), CARD)
    assert by_code(window.case(CARD, others, bad, good))["identity"].shown is good


def test_a_company_is_matched_by_its_credit_code_and_its_agent_by_theirs(window: Window) -> None:
    slug = "company-relocation"
    licence = window.show(window.issue("business-licence"), slug)
    card = window.show(window.issue(), slug)
    found = by_code(window.case(slug, licence, card, applicant=COMPANY))
    assert found["licence"].settled is Settled.LICENCE
    assert obstacles(found["agent-identity"]) == [Obstacle.NO_AGENT]
    found = by_code(window.case(slug, licence, card, applicant=COMPANY, agent=WANG))
    assert found["agent-identity"].settled is Settled.LICENCE


def test_somebody_elses_licence_does_where_the_matter_says_so(window: Window) -> None:
    slug = "company-registration"
    estate = window.show(window.issue("real-estate-certificate"), slug)
    stranger = Person("李样张", "440000198511260030", "111", Identified.TYPED)
    found = by_code(window.case(slug, estate, applicant=stranger))["premises"]
    assert found.settled is Settled.LICENCE


def test_who_cannot_be_is_nobodys_applicant() -> None:
    for name, code, kind in (
        ("王示例", "440000199003070025", "111"),
        ("王示例", "440000199003070024", "112"),
        ("", "440000199003070024", "111"),
        ("a\nb", "440000199003070024", "111"),
    ):
        with pytest.raises(MalformedError):
            Person(name, code, kind, Identified.TYPED)


def test_what_is_declared_for_a_material_that_nobody_asks_for_is_refused(window: Window) -> None:
    with pytest.raises(MalformedError, match="passport"):
        window.case(CARD, declared=Declared(paper={"passport": "护照"}))
    with pytest.raises(MalformedError, match="more than 32"):
        window.case(CARD, *[window.show(window.issue(), CARD)] * 33)


def test_every_obstacle_and_notice_has_words() -> None:
    for said in (*map(obstacle_words, Obstacle), *map(notice_words, Notice)):
        assert all((said.zh, said.en, said.remedy_zh, said.remedy_en))
    assert all(all(title(one)) for one in Settled)
