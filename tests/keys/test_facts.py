"""Names of keys, and the public facts beside them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecert.errors import EcertError, MalformedError
from ecert.licence.codes import area_prefix
from keys.facts import Facts, RegionFacts, decode_facts, department_facts, encode_facts
from keys.names import KeyName, Kind
from tests.keys.conftest import DEPARTMENT_CODE, GUANGDONG, HOUSING, MAKER, TYPE


@pytest.mark.parametrize(
    "text",
    [
        "national-root",
        "region-440000",
        "status-440000",
        f"department-{DEPARTMENT_CODE}",
        f"seal-maker-{DEPARTMENT_CODE}.1a2b",
    ],
)
def test_a_name_reads_back_as_it_was_written(text: str) -> None:
    name = KeyName.parse(text)
    assert str(name) == text
    assert name.certificate == f"{text}.pem"
    assert name.key == f"{text}.key.pem"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "national-root-440000",
        "region-44000",
        "region-٤٤٠٠٠٠",
        "department-440000",
        "region-440000.pem",
        "../region-440000",
        "region-440000/../x",
        "region-440000\n",
        f"department-{DEPARTMENT_CODE}.",
        f"department-{DEPARTMENT_CODE}.{'a' * 41}",
    ],
)
def test_anything_else_is_no_name(text: str) -> None:
    with pytest.raises(EcertError, match="is not a name"):
        KeyName.parse(text)


def test_facts_belong_to_the_body_not_to_one_key() -> None:
    assert KeyName.parse(f"department-{DEPARTMENT_CODE}.1a").facts == f"department-{DEPARTMENT_CODE}.json"


@pytest.mark.parametrize(
    ("code", "prefix"),
    [("440000", "44"), ("440100", "4401"), ("440106", "440106"), ("000000", ""), ("100000", ""), ("441000", "4410")],
)
def test_an_area_is_known_by_its_leading_digits(code: str, prefix: str) -> None:
    assert area_prefix(code) == prefix


@pytest.mark.parametrize(
    ("kind", "facts"), [(Kind.REGION, GUANGDONG), (Kind.DEPARTMENT, HOUSING), (Kind.SEAL_MAKER, MAKER)]
)
def test_facts_read_back_as_they_were_written(kind: Kind, facts: Facts) -> None:
    assert decode_facts(kind, encode_facts(facts)) == facts


def test_the_file_of_a_department_is_json_with_these_members() -> None:
    assert json.loads(encode_facts(HOUSING)) == {
        "region": "440000",
        "code": DEPARTMENT_CODE,
        "name": "省住房和城乡建设厅",
        "nameEn": "Housing",
        "types": [TYPE],
        "areas": ["44"],
    }


def department(**changes: Any) -> Facts:
    values: dict[str, Any] = {
        "region": "440000",
        "code": DEPARTMENT_CODE,
        "name": "厅",
        "name_en": "Office",
        "types": [TYPE],
        "areas": (),
    }
    return department_facts(**{**values, **changes})


def test_areas_given_as_region_codes_become_prefixes_once_each() -> None:
    facts = department(areas=["440100", "4401", "440306"])
    assert facts.as_json()["areas"] == ["4401", "440306"]


def test_a_ministry_may_issue_for_the_whole_country() -> None:
    assert department(region="000000").as_json()["areas"] == [""]


@pytest.mark.parametrize(
    "changes",
    [
        {"region": "990000"},
        {"code": "11430000006122244M"},
        {"code": "91500102563638729E"},
        {"name": ""},
        {"name": " 厅"},
        {"name": "厅" * 47},
        {"name_en": "a\nb"},
        {"name_en": "a" * 129},
        {"types": []},
        {"types": ["11100000000013338W01"]},
        {"types": [TYPE, "11100000000013338X011"]},
        {"areas": ["110000"]},
        {"areas": ["4"]},
        {"areas": ["441"]},
        {"areas": ["44010600"]},
        {"areas": ["44abcd"]},
    ],
)
def test_an_unsound_fact_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError, match="field-invalid"):
        department(**changes)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"1", b"null", b"\xff", b"[" * 100_000])
def test_a_facts_file_that_is_not_a_json_object_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError, match="data-malformed"):
        decode_facts(Kind.REGION, data)


@pytest.mark.parametrize("member", ["region", "code", "name", "nameEn", "types", "areas"])
@pytest.mark.parametrize("value", [None, 1, {}, [1], "absent"])
def test_a_facts_file_with_a_member_missing_or_of_another_type_is_malformed(member: str, value: object) -> None:
    content = HOUSING.as_json()
    if value == "absent":
        del content[member]
    else:
        content[member] = value
    with pytest.raises(MalformedError):
        decode_facts(Kind.DEPARTMENT, json.dumps(content).encode())


def test_a_facts_file_with_an_unknown_member_is_malformed() -> None:
    content = {**GUANGDONG.as_json(), "areas": ["44"]}
    with pytest.raises(MalformedError, match="unknown members"):
        decode_facts(Kind.REGION, json.dumps(content).encode())


def test_a_regions_facts_are_checked_too() -> None:
    with pytest.raises(MalformedError, match="field-invalid"):
        RegionFacts(region="44", name="广东省", name_en="Guangdong")
