"""Slices and the policy: written and read back, strict to the last member, and described by the schema in the docs."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ecert.errors import MalformedError, Reason, RejectedError
from ecert.licence.codes import area_prefix
from ecert.trust import Budget, EntryState, Grant, Member, Policy, Role, StateChange
from ecert.trust.places import Place, Usage, within_role
from ecert.trust.policy import encode_policy, parse_policy
from ecert.trust.slices import Authority, encode_authority, encode_members, parse_authority, parse_members
from tests.trust.country import BIRTH, GUANGDONG, ID_CARD, MINISTRY, PERMIT, POLICE, Country
from tests.trust.repository import DAY

SCHEMA = Path(__file__).parents[2] / "docs" / "registry.schema.json"
PLACE = Place("440000", "common", Usage.ISSUERS)
NATIONAL = Place("000000", MINISTRY, Usage.ISSUERS)
FULL = Member(
    Role.ISSUER,
    GUANGDONG,
    "样例机构",
    "Sample",
    (b"certificate", b"older certificate"),
    (
        Grant(PERMIT, ("4401", "440306"), ("310000", "330000"), BIRTH, BIRTH + DAY),
        Grant(ID_CARD, ("44",), ("*",), BIRTH),
    ),
    (StateChange(EntryState.ACTIVE, BIRTH), StateChange(EntryState.SUSPENDED, BIRTH + DAY, "审查中")),
    {"status": "https://status.example/440000/", "service": "http://10.0.0.1:8080/"},
    (b"seal certificate",),
    "440106",
)
COUNTRY = Country(BIRTH + 100 * DAY)
CA, CRL = COUNTRY.certificates["440000"].der, COUNTRY.crl("440000")
PLAIN = Member(Role.ISSUER, GUANGDONG, "样例机构", "Sample", (b"certificate",))


def read(place: Place, *members: Member) -> tuple[Member, ...]:
    return parse_members(place, encode_members(place, members))


@pytest.mark.parametrize(("certificate", "crl"), [(b"junk", None), (CA, b"junk")])
def test_an_authority_whose_certificate_or_list_cannot_be_read_is_malformed(
    certificate: bytes, crl: bytes | None
) -> None:
    with pytest.raises(MalformedError) as caught:
        encode_authority(Place("440000", "common", Usage.AUTHORITY), Authority("广东省", "Guangdong", certificate, crl))
    assert caught.value.reason is Reason.REGISTRY_MALFORMED


def test_entries_are_read_back_as_they_were_written() -> None:
    assert read(PLACE, FULL, PLAIN) == (FULL, replace(PLAIN, region="440000"))
    assert read(PLACE) == ()


def test_an_authority_is_read_back_as_it_was_written() -> None:
    for code, domain in (("440000", "common"), ("000000", "common"), ("000000", MINISTRY)):
        place = Place(code, domain, Usage.AUTHORITY)
        for authority in (Authority("广东省", "Guangdong", CA, CRL), Authority("广东省", "Guangdong", CA)):
            assert parse_authority(place, encode_authority(place, authority)) == authority


def test_a_path_is_read_as_a_place_and_anything_else_passed_over() -> None:
    assert Place.parse("registry/440000/common/issuers.json") == PLACE
    assert Place.parse(NATIONAL.path) == NATIONAL
    assert (PLACE.owner, NATIONAL.owner, Place("000000", "common", Usage.POLICY).owner) == (
        "440000",
        MINISTRY,
        "000000",
    )
    for path in (
        "registry/440000/common/holidays.json",
        "registry/44/common/issuers.json",
        "registry/440000/issuers.json",
        "registry/440000/common/issuers.json/",
        "registry/440000/../issuers.json",
        "registry/440000/common/issuers.json\n",
    ):
        assert Place.parse(path) is None


@pytest.mark.parametrize(
    ("role", "inside", "outside"),
    [
        ("440000", ["440000", "440100", "440106"], ["310000", "000000", "450000"]),
        ("440100", ["440100", "440106"], ["440000", "440300"]),
        ("440106", ["440106"], ["440100", "440107"]),
        ("000000", [], ["000000", "440000"]),
        ("100000", [], ["100000", "440000"]),
        ("targets", [], ["440000"]),
    ],
)
def test_a_role_named_after_a_region_speaks_for_what_lies_inside_it(
    role: str, inside: list[str], outside: list[str]
) -> None:
    assert all(within_role(role, f"registry/{code}/common/issuers.json") for code in inside)
    assert not any(within_role(role, f"registry/{code}/common/issuers.json") for code in outside)
    assert not within_role(role, f"registry/000000/{MINISTRY}/issuers.json")


def test_a_ministrys_role_speaks_for_national_slices_of_its_own_types() -> None:
    assert within_role(MINISTRY, NATIONAL.path)
    assert not within_role(MINISTRY, f"registry/000000/{POLICE}/issuers.json")
    assert not within_role(MINISTRY, f"registry/440000/{MINISTRY}/issuers.json")
    assert not within_role(MINISTRY, "registry/000000/common/issuers.json")


@pytest.mark.parametrize(
    ("place", "member"),
    [
        (PLACE, replace(PLAIN, region="310000")),
        (PLACE, replace(PLAIN, role=Role.TSA)),
        (Place("440000", "common", Usage.TSA), replace(FULL, role=Role.TSA)),
        (PLACE, replace(PLAIN, grants=(Grant(PERMIT, ("31",), ("*",), BIRTH),))),
        (PLACE, replace(PLAIN, grants=(Grant(PERMIT, ("*",), ("*",), BIRTH),))),
        (Place("440100", "common", Usage.ISSUERS), replace(PLAIN, grants=(Grant(PERMIT, ("44",), ("*",), BIRTH),))),
        (NATIONAL, replace(PLAIN, grants=(Grant(PERMIT, ("*",), ("*",), BIRTH),))),
        (Place("440000", MINISTRY, Usage.ISSUERS), replace(PLAIN, grants=(Grant(PERMIT, ("44",), ("*",), BIRTH),))),
    ],
)
def test_an_entry_that_its_place_does_not_allow_is_out_of_bounds(place: Place, member: Member) -> None:
    with pytest.raises(RejectedError) as caught:
        encode_members(place, [member])
    assert caught.value.reason is Reason.REGISTRY_OUT_OF_BOUNDS


def test_a_regions_authority_stands_in_one_place_only() -> None:
    with pytest.raises(RejectedError):
        encode_authority(Place("440000", MINISTRY, Usage.AUTHORITY), Authority("广东省", "Guangdong", CA))


@pytest.mark.parametrize(
    "member",
    [
        replace(PLAIN, code="11440000DEMG100224"),
        replace(PLAIN, name=""),
        replace(PLAIN, name_en="Sample\u202e"),
        replace(PLAIN, certificates=()),
        replace(PLAIN, region="44"),
        replace(PLAIN, endpoints={"status": "ftp://example/"}),
        replace(PLAIN, endpoints={"other": "https://example/"}),
        replace(PLAIN, history=(StateChange(EntryState.ACTIVE, BIRTH), StateChange(EntryState.ENDED, BIRTH))),
        replace(PLAIN, history=(StateChange(EntryState.ACTIVE, BIRTH, "a\nb"),)),
        replace(PLAIN, grants=(Grant("1" * 21, ("44",), ("*",), BIRTH),)),
        replace(PLAIN, grants=(Grant(PERMIT, (), ("*",), BIRTH),)),
        replace(PLAIN, grants=(Grant(PERMIT, ("440000",), ("*",), BIRTH),)),
        replace(PLAIN, grants=(Grant(PERMIT, ("440",), ("*",), BIRTH),)),
        replace(PLAIN, grants=(Grant(PERMIT, ("",), ("*",), BIRTH),)),
        replace(PLAIN, grants=(Grant(PERMIT, ("44",), ("广东",), BIRTH),)),
        replace(PLAIN, grants=(Grant(PERMIT, ("44",), ("*",), BIRTH, BIRTH),)),
    ],
)
def test_an_entry_that_cannot_be_true_is_malformed(member: Member) -> None:
    with pytest.raises(MalformedError) as caught:
        encode_members(PLACE, [member])
    assert caught.value.reason is Reason.REGISTRY_MALFORMED


def test_only_a_status_signer_may_stand_under_its_regions_code() -> None:
    signer = replace(PLAIN, role=Role.STATUS, code="440000")
    assert read(Place("440000", "common", Usage.STATUS), signer)[0].code == "440000"
    with pytest.raises(MalformedError):
        encode_members(Place("310000", "common", Usage.STATUS), [signer])


def changed(data: bytes, way: list[Any], value: Any) -> bytes:
    content = json.loads(data)
    target = content
    for part in way[:-1]:
        target = target[part]
    target[way[-1]] = value
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    ("way", "value"),
    [
        (["entries"], {}),
        (["note"], 1),
        (["entries", 0], []),
        (["entries", 0, "note"], 1),
        (["entries", 0, "uscc"], 1),
        (["entries", 0, "role"], "king"),
        (["entries", 0, "role"], ["issuer"]),
        (["entries", 0, "name"], "样例机构"),
        (["entries", 0, "name", "fr"], "exemple"),
        (["entries", 0, "certificates", 0], "Y2VydGlmaWNhdGU"),
        (["entries", 0, "certificates", 0], "Y2VydGlm\naWNhdGU="),
        (["entries", 0, "certificates", 0], 7),
        (["entries", 0, "certificates"], "Y2VydGlmaWNhdGU="),
        (["entries", 0, "grants", 0, "from"], "2024-01-01T00:00:00+00:00"),
        (["entries", 0, "grants", 0, "from"], "2024-02-30T00:00:00Z"),
        (["entries", 0, "grants", 0, "until"], False),
        (["entries", 0, "grants", 0, "areas"], "44"),
        (["entries", 0, "endpoints"], []),
        (["entries", 0, "history", 0, "state"], "asleep"),
    ],
)
def test_a_value_of_another_form_is_malformed(way: list[Any], value: Any) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_members(PLACE, changed(encode_members(PLACE, [FULL]), way, value))
    assert caught.value.reason is Reason.REGISTRY_MALFORMED


def test_nothing_may_be_left_out_of_an_entry() -> None:
    content = json.loads(encode_members(PLACE, [FULL]))
    for name in content["entries"][0]:
        entry = {key: value for key, value in content["entries"][0].items() if key != name}
        with pytest.raises(MalformedError):
            parse_members(PLACE, json.dumps({"entries": [entry]}).encode())


@pytest.mark.parametrize(
    "data", [b"", b"null", b"\xff", b"[" * 100_000, b'{"entries":[1e9]}', b'{"entries":[' + b"1" * 5000 + b"]}"]
)
def test_what_is_not_json_as_it_is_written_here_is_malformed(data: bytes) -> None:
    for parse in (parse_members, parse_authority):
        with pytest.raises(MalformedError):
            parse(PLACE, data)


def test_a_policy_is_read_back_and_the_strictest_of_what_applies_counts() -> None:
    hour, day = timedelta(hours=1), timedelta(days=1)
    policy = Policy(
        Budget(day, None), {PERMIT: Budget(None, hour), ID_CARD: Budget(7 * day, day)}, {"440101-1": Budget(hour, day)}
    )
    policy = parse_policy(encode_policy(policy))
    assert policy.budget("unknown") == Budget(day, None)
    assert policy.budget(PERMIT) == Budget(day, hour)
    assert policy.budget(ID_CARD, "440101-1") == Budget(hour, day)
    assert policy.budget(ID_CARD, "unknown") == Budget(day, day)
    assert Policy().budget(PERMIT) == Budget(None, None)


@pytest.mark.parametrize(
    ("way", "value"),
    [
        (["default"], None),
        (["default", "registryMaxAge"], 0),
        (["default", "registryMaxAge"], -1),
        (["default", "statusMaxAge"], True),
        (["default", "statusMaxAge"], "60"),
        (["default", "statusMaxAge"], 10**12),
        (["default", "note"], 1),
        (["types", "x"], {"registryMaxAge": 1, "statusMaxAge": 1}),
        (["matters", ""], {"registryMaxAge": 1, "statusMaxAge": 1}),
        (["types"], []),
        (["note"], 1),
    ],
)
def test_a_policy_of_another_form_is_malformed(way: list[Any], value: Any) -> None:
    with pytest.raises(MalformedError):
        parse_policy(changed(encode_policy(Policy()), way, value))


def test_a_region_begins_with_the_digits_that_everything_inside_it_begins_with() -> None:
    codes = {"440000": "44", "440100": "4401", "440106": "440106", "469000": "4690", "000000": "", "100000": ""}
    assert {code: area_prefix(code) for code in codes} == codes


# The schema in the docs


def keys_match(schema: dict[str, Any], value: Any, definitions: dict[str, Any]) -> None:
    """Require that objects have exactly the members the schema requires and knows, all the way down."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if isinstance(value, dict) and "properties" in schema:
        assert schema["additionalProperties"] is False
        assert set(schema.get("required", [])) <= value.keys() <= schema["properties"].keys()
        for name, inner in value.items():
            keys_match(schema["properties"][name], inner, definitions)
    if isinstance(value, list):
        for inner in value:
            keys_match(schema["items"], inner, definitions)


def test_the_schema_in_the_docs_names_what_is_written() -> None:
    definitions = json.loads(SCHEMA.read_text("utf-8"))["$defs"]
    place = Place("440000", "common", Usage.AUTHORITY)
    policy = Policy(types={PERMIT: Budget()})
    for name, data in (
        ("slice", encode_members(PLACE, [FULL])),
        ("authority", encode_authority(place, Authority("广东省", "Guangdong", CA))),
        ("policy", encode_policy(policy)),
    ):
        keys_match(definitions[name], json.loads(data), definitions)
    entry = definitions["entry"]
    assert (
        set(entry["required"])
        == entry["properties"].keys()
        == json.loads(encode_members(PLACE, [FULL]))["entries"][0].keys()
    )


def test_no_changed_byte_of_a_slice_ends_in_anything_but_an_entry_or_a_refusal() -> None:
    data = encode_members(PLACE, [FULL])
    for index in range(len(data)):
        for byte in (0x00, 0x22, 0x2C, 0x5B, 0x7B, 0xFF, data[index] ^ 1):
            with suppress(MalformedError, RejectedError):
                parse_members(PLACE, data[:index] + bytes([byte]) + data[index + 1 :])
