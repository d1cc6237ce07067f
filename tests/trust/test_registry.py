"""What the registry answers: whose key, entitled to what, when; and what one region's trouble does not touch."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ecert.errors import Reason, RejectedError, UndeterminedError
from ecert.trust import EntryState, Grant, Member, RegisteredKey, Registry, Role, StateChange
from ecert.trust.places import COMMON, Place, Usage
from ecert.trust.slices import parse_members
from ecert.x509 import CrlReason, Profile
from tests.trust.country import (
    BIRTH,
    GUANGDONG,
    GUANGZHOU,
    ID_CARD,
    ISSUERS,
    MINISTRY,
    PERMIT,
    POLICE,
    SHANGHAI,
    Country,
)
from tests.trust.repository import DAY, Repository

MIDSUMMER = datetime(2025, 7, 1, tzinfo=UTC)
LATER = MIDSUMMER + 100 * DAY
ANYWHERE = ("*",)


def key_of(registry: Registry, country: Country, name: str) -> RegisteredKey:
    key = registry.find(country.key_id(name))
    assert key is not None
    return key


def with_issuers(country: Country, *members: Member, domains: tuple[str, ...] = ("common",)) -> RegisteredKey:
    """Return Guangdong's issuer, as these entries state it."""
    repository = country.repository()
    repository.members = {place: held for place, held in repository.members.items() if place.region != "440000"}
    for member, domain in zip(members, domains, strict=True):
        repository.add_member("440000", member, domain)
    repository.publish()
    return key_of(repository.load(), country, GUANGDONG)


def grant(since: datetime = BIRTH, until: datetime | None = None, *areas: str, type_code: str = PERMIT) -> Grant:
    return Grant(type_code, areas or ("44",), ANYWHERE, since, until)


def test_a_key_is_found_with_its_body_and_its_region(country: Country) -> None:
    registry = country.repository().load()
    key = key_of(registry, country, GUANGZHOU)
    assert (key.region.code, key.member.code, key.member.role) == ("440100", GUANGZHOU, Role.ISSUER)
    assert key.member.region == "440100"
    assert registry.find(bytes(8)) is None
    assert len(registry.keys()) == 6


def test_licences_issued_before_an_entitlement_ended_stay_valid_and_later_ones_do_not(country: Country) -> None:
    key = with_issuers(country, country.issuer("440000", grant(BIRTH, MIDSUMMER)))
    assert key.entitlement_problem(PERMIT, "440106", MIDSUMMER - DAY) is None
    assert "not in effect" in str(key.entitlement_problem(PERMIT, "440106", MIDSUMMER))
    assert "not in effect" in str(key.entitlement_problem(PERMIT, "440106", BIRTH - DAY))


def test_a_suspension_counts_only_while_it_lasts(country: Country) -> None:
    history = (
        StateChange(EntryState.ACTIVE, BIRTH),
        StateChange(EntryState.SUSPENDED, MIDSUMMER, "审查中"),
        StateChange(EntryState.ACTIVE, LATER),
    )
    key = with_issuers(country, country.issuer("440000", grant(BIRTH - 9 * DAY), history=history))
    assert "registered from" in str(key.entitlement_problem(PERMIT, None, BIRTH - DAY))
    assert key.entitlement_problem(PERMIT, None, MIDSUMMER - DAY) is None
    assert "suspended since 2025-07-01 00:00:00Z: 审查中" in str(key.entitlement_problem(PERMIT, None, LATER - DAY))
    assert key.entitlement_problem(PERMIT, None, LATER) is None


def test_an_issuer_is_held_to_its_types_and_areas(country: Country) -> None:
    key = with_issuers(country, country.issuer("440000", grant(BIRTH, None, "4401")))
    assert "type" in str(key.entitlement_problem(ID_CARD, "440106", MIDSUMMER))
    assert "area 440300" in str(key.entitlement_problem(PERMIT, "440300", MIDSUMMER))
    assert key.entitlement_problem(PERMIT, "440106", MIDSUMMER) is None


def test_a_ministry_is_held_to_its_types_and_to_no_area(country: Country) -> None:
    key = key_of(country.repository().load(), country, POLICE)
    assert key.region.code == MINISTRY
    assert key.entitlement_problem(ID_CARD, "650100", MIDSUMMER) is None
    assert key.entitlement_problem(PERMIT, "650100", MIDSUMMER) is not None


def test_only_issuers_are_entitled_to_issue(country: Country) -> None:
    key = key_of(country.repository().load(), country, "status-440000")
    assert key.entitlement_problem(PERMIT, None, MIDSUMMER) == "the key belongs to a status, not to an issuer"


def test_entries_of_several_domains_are_one_body_and_each_right_lives_and_ends_with_its_own_entry(
    country: Country,
) -> None:
    ended = (StateChange(EntryState.ACTIVE, BIRTH), StateChange(EntryState.ENDED, MIDSUMMER))
    begun = (StateChange(EntryState.ACTIVE, LATER),)
    key = with_issuers(
        country,
        country.issuer("440000", grant(type_code=PERMIT), history=ended),
        country.issuer("440000", grant(type_code=ID_CARD), history=begun),
        domains=(PERMIT[:18], ID_CARD[:18]),
    )
    assert {one.type_code for one in key.member.grants} == {PERMIT, ID_CARD}
    assert [change.since for change in key.member.history] == [BIRTH, MIDSUMMER, LATER]
    assert key.entitlement_problem(PERMIT, None, BIRTH) is None
    assert key.entitlement_problem(PERMIT, None, LATER) is not None
    assert key.entitlement_problem(ID_CARD, None, LATER) is None


def test_sharing_is_by_type_region_and_time(country: Country) -> None:
    registry = country.repository().load()
    police, guangdong = key_of(registry, country, POLICE), key_of(registry, country, GUANGDONG)
    assert police.shared_with(ID_CARD, "440000", MIDSUMMER)
    assert not police.shared_with(ID_CARD, "310000", MIDSUMMER)
    assert not police.shared_with(ID_CARD, "440000", BIRTH - DAY)
    assert guangdong.shared_with(PERMIT, "310000", MIDSUMMER)


def test_a_key_stands_while_its_whole_path_does(country: Country) -> None:
    registry = country.repository().load()
    key = key_of(registry, country, GUANGDONG)
    path = registry.standing(key, MIDSUMMER)
    assert path.anchor == registry.anchor == country.certificates["root"]
    assert registry.standing(key, LATER) is path, "the path is validated once"
    for at, reason in (
        (BIRTH - DAY, Reason.CERTIFICATE_NOT_YET_VALID),
        (BIRTH + 3651 * DAY, Reason.CERTIFICATE_EXPIRED),
    ):
        with pytest.raises(RejectedError) as caught:
            registry.standing(key, at)
        assert caught.value.reason is reason


def test_a_revocation_in_the_authoritys_slice_ends_a_key_from_its_date_on(country: Country) -> None:
    repository = country.repository()
    revocation = country.revocation(GUANGDONG, MIDSUMMER, CrlReason.KEY_COMPROMISE)
    repository.set_crl("440000", country.crl("440000", revocation))
    repository.publish()
    registry = repository.load()
    key = key_of(registry, country, GUANGDONG)
    assert registry.standing(key, MIDSUMMER - DAY).revocations[0].reason is CrlReason.KEY_COMPROMISE
    with pytest.raises(RejectedError) as caught:
        registry.standing(key, MIDSUMMER)
    assert caught.value.reason is Reason.CERTIFICATE_REVOKED


def test_without_the_authoritys_revocation_list_it_cannot_be_told(country: Country) -> None:
    repository = country.repository()
    place = repository.place("440000", "common", next(iter(repository.authorities)).usage)
    repository.authorities[place] = replace(repository.authorities[place], crl=None)
    repository.publish()
    registry = repository.load()
    with pytest.raises(UndeterminedError) as caught:
        registry.standing(key_of(registry, country, GUANGDONG), MIDSUMMER)
    assert caught.value.reason is Reason.CRL_MISSING


def test_a_status_key_that_was_taken_out_of_service_no_longer_stands(country: Country) -> None:
    repository = country.repository()
    (place,) = [one for one in repository.members if one.usage == "status" and one.region == "440000"]
    history = (StateChange(EntryState.ACTIVE, BIRTH), StateChange(EntryState.ENDED, MIDSUMMER))
    repository.members[place] = [replace(country.status_signer("440000"), history=history)]
    repository.publish()
    registry = repository.load()
    key = key_of(registry, country, "status-440000")
    assert registry.standing(key, MIDSUMMER - DAY)
    with pytest.raises(RejectedError) as caught:
        registry.standing(key, MIDSUMMER)
    assert caught.value.reason is Reason.ISSUER_NOT_ENTITLED


def test_a_key_with_two_certificates_stands_by_the_one_in_use_at_the_time() -> None:
    country = Country(datetime(2026, 11, 23, tzinfo=UTC))
    first = country.certificates[GUANGDONG]
    second = country.certify(GUANGDONG, Profile.DEPARTMENT, "440000", since=LATER)
    key = with_issuers(country, replace(country.issuer("440000", grant()), certificates=(first.der, second.der)))
    repository = country.repository()
    assert key.certificates == (second, first)
    registry = repository.load()
    assert registry.standing(key, MIDSUMMER).leaf == first
    assert registry.standing(key, LATER).leaf == second


def test_national_bodies_stand_directly_under_the_national_root(country: Country) -> None:
    country.certify("tsa", Profile.TSA, "root")
    repository = country.repository()
    repository.add_member("000000", Member(Role.TSA, POLICE, "授时中心", "Time", (country.certificates["tsa"].der,)))
    repository.publish()
    registry = repository.load()
    assert registry.standing(key_of(registry, country, "tsa"), MIDSUMMER).anchor == registry.anchor


def test_an_expired_region_shows_its_age_and_nobody_elses(country: Country) -> None:
    repository = country.repository()
    repository.lifetimes["310000"] = DAY
    repository.publish()
    registry = repository.load()
    at = repository.now + 2 * DAY
    shanghai, guangdong = key_of(registry, country, SHANGHAI), key_of(registry, country, GUANGDONG)
    assert registry.is_fresh(at)
    assert registry.fresh_until_of(shanghai) == repository.now + DAY < at
    assert registry.fresh_until_of(guangdong) == registry.fresh_until == repository.now + 7 * DAY
    assert not registry.is_fresh(registry.fresh_until + timedelta(seconds=1))


def test_a_city_ages_with_the_province_above_it(country: Country) -> None:
    repository = country.repository()
    repository.lifetimes["440000"] = DAY
    repository.publish()
    assert repository.load().regions["440100"].fresh_until == repository.now + DAY


def test_a_city_beside_its_province_survives_the_provinces_trouble(country: Country) -> None:
    repository = country.repository()
    repository.roles["440100"].parent = "targets"
    repository.signers["440000"] = ["310000"]
    repository.publish()
    registry = repository.load()
    assert registry.problems.keys() == {"440000"}
    assert registry.regions.keys() == ISSUERS.keys() - {"440000"}


def test_a_terminating_delegation_ends_the_search_for_its_paths(country: Country) -> None:
    repository = country.repository()
    repository.roles["440100"].parent = "targets"
    repository.roles["440000"].terminating = True
    repository.publish()
    registry = repository.load()
    assert registry.find(country.key_id(GUANGZHOU)) is None
    assert registry.find(country.key_id(SHANGHAI)) is not None
    assert not registry.problems


def test_a_terminating_delegation_further_down_ends_the_search_for_whoever_comes_later(country: Country) -> None:
    repository = country.repository()
    repository.roles["440100"].parent = "targets"
    repository.add_region("440106", country.certificates["440100"].der, parent="440000", terminating=True)
    repository.add_member("440106", replace(country.status_signer("440000"), code="440106"))
    path = "registry/440106/common/issuers.json"
    repository.roles["440100"].slices[path] = repository.files["registry/440100/common/issuers.json"]
    repository.publish()
    registry = repository.load()
    assert [member.role for member in registry.regions["440106"].members] == [Role.STATUS]
    repository.roles["440106"].terminating = False
    repository.publish()
    assert repository.load().problems["440106"].reason is Reason.REGISTRY_OUT_OF_BOUNDS, "now the city speaks for it"


def test_a_key_under_two_bodies_of_one_region_makes_the_region_malformed(country: Country) -> None:
    repository = country.repository()
    repository.add_member("440000", replace(country.issuer("440000"), code="11440000DEMG10030X"))
    repository.publish()
    registry = repository.load()
    assert registry.problems["440000"].reason is Reason.REGISTRY_MALFORMED
    assert registry.find(country.key_id(SHANGHAI)) is not None


def test_a_key_that_two_regions_claim_under_an_authority_of_neither_name_belongs_to_nobody(country: Country) -> None:
    repository = country.repository()
    authority = country.certificates["440100"]
    repository.add_region("320000", authority.der, country.crl("440100"))
    repository.add_region("330000", authority.der, country.crl("440100"))
    issuer = replace(country.issuer("440100"), region="")
    repository.members = {place: held for place, held in repository.members.items() if place.region != "440100"}
    for code, body in (("320000", "11320000DEMH00300P"), ("330000", "11330000DEMH00300U")):
        repository.add_member(code, replace(issuer, code=body))
    repository.publish()
    registry = repository.load()
    assert registry.find(country.key_id(GUANGZHOU)) is None
    assert registry.problems.keys() == {"320000", "330000"}
    assert {"320000", "330000"} < registry.regions.keys()


def test_a_body_of_the_province_may_stand_in_its_citys_slice_and_one_of_another_may_not(country: Country) -> None:
    provincial = "11440000DEMG10030X"
    repository = country.repository()
    repository.members = {place: held for place, held in repository.members.items() if place.region != "440100"}
    repository.add_member("440100", replace(country.issuer("440100"), code=provincial))
    repository.publish()
    assert not repository.load().problems
    place = Place("440100", COMMON, Usage.ISSUERS)
    foreign = repository.files[place.path].replace(provincial.encode(), SHANGHAI.encode())
    with pytest.raises(RejectedError) as caught:
        parse_members(place, foreign)
    assert caught.value.reason is Reason.REGISTRY_OUT_OF_BOUNDS


def test_slices_that_were_not_taken_are_absent_and_no_problem(country: Country) -> None:
    repository = country.repository()
    files = {name: data for name, data in repository.files.items() if "310000/common" not in name}
    repository.published = {repository.current[name]: data for name, data in files.items()}
    registry = repository.load()
    assert "310000" not in registry.regions
    assert not registry.problems


def test_the_registry_tells_its_version_and_when_it_was_issued(country: Country) -> None:
    repository = country.repository()
    repository.now += DAY
    repository.publish()
    registry = repository.load()
    assert (registry.version, registry.issued_at) == (2, country.now + DAY)


def test_a_repository_of_nobody_but_the_nation_is_a_registry(country: Country) -> None:
    repository = Repository(country.now)
    repository.set_nation(country.certificates["root"].der)
    repository.publish()
    assert not repository.load().regions
