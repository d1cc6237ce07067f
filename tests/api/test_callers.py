"""Who may call: registered by the region's operators, over HTTP, in the console and by command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from api.access.callers import CallerBook
from api.audit import AuditBook
from ecert.audit import AuditEntry
from ecert.sm2 import PrivateKey
from ecert.x509 import pem
from tests.api.office import DEPARTMENT, Region
from tests.api.province import GUANGDONG
from tests.api.test_commands import api
from tests.api.test_service import problem

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.office import Site

PATH = "/api/v1/callers"
OPERATOR = "region-operator"


def public(key: PrivateKey) -> str:
    return pem.encode(key.public_key.spki, "PUBLIC KEY").decode()


def system(key: PrivateKey, **changes: Any) -> dict[str, Any]:
    body = {"name": "样例业务系统", "department": DEPARTMENT, "roles": ["issuer-clerk"], "public_key": public(key)}
    return body | changes


def test_a_system_calls_once_it_is_registered_and_no_longer_once_it_was_ended(site: Site) -> None:
    key = site.region.keys["new"] = PrivateKey.generate()
    problem(site.call("new", "GET", "/api/v1/overview"), 401, "request-key-unknown")
    made = site.post(OPERATOR, f"{PATH}/systems", system(key))
    assert made.status_code == 201
    assert made.json()["key_id"] == key.public_key.key_id.hex()
    assert site.call("new", "GET", "/api/v1/overview").status_code == 200
    name = made.json()["id"]
    for _ in range(2):
        assert site.call(OPERATOR, "POST", f"{PATH}/{name}/end").status_code == 204
    problem(site.call("new", "GET", "/api/v1/overview"), 401, "request-key-unknown")
    again = site.post(OPERATOR, f"{PATH}/systems", system(key))
    assert again.status_code == 422, "a key that was somebody's is never another's"
    with site.region.ledger() as ledger:
        entries = [AuditEntry.decode(one) for one in AuditBook(ledger.database).entries()]
        who = CallerBook(ledger.database, GUANGDONG).by_key(site.region.keys[OPERATOR].public_key.key_id.hex())
    assert who is not None
    about = [(one.who, one.action) for one in entries if one.object == name]
    assert about == [(who.principal.id, "caller.register"), (who.principal.id, "caller.end")]


def test_a_person_is_registered_by_who_they_are_at_the_provider(site: Site) -> None:
    person = {"name": "王示例", "roles": ["auditor"], "issuer": "https://id.example", "subject": "4f1c"}
    made = site.post(OPERATOR, f"{PATH}/operators", person)
    assert (made.status_code, made.json()["kind"], made.json()["department"]) == (201, "operator", None)
    assert site.post(OPERATOR, f"{PATH}/operators", person).status_code == 422
    with site.region.ledger() as ledger:
        found = CallerBook(ledger.database, GUANGDONG).by_identity("https://id.example", "4f1c")
    assert found is not None
    assert found.principal.id == made.json()["id"]


def test_callers_are_listed_page_by_page(site: Site) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = site.call(OPERATOR, "GET", f"{PATH}?limit=4&cursor={cursor}").json()
        seen += [one["id"] for one in page["callers"]]
        cursor = page["next"]
        if not cursor:
            break
        assert len(page["callers"]) == 4
    assert len(set(seen)) == len(seen) == 24
    for wrong in ("limit=0", "limit=201", "limit=x", "cursor=%27", "cursor=" + "a" * 40):
        problem(site.call(OPERATOR, "GET", f"{PATH}?{wrong}"), 422, "request-invalid")


WRONG: tuple[dict[str, Any], ...] = (
    {"name": ""},
    {"name": "a\x00b"},
    {"name": "样" * 65},
    {"roles": []},
    {"roles": ["king"]},
    {"roles": ["auditor", "auditor"]},
    {"roles": ["region-operator"]},
    {"department": None},
    {"department": "11440000DEMX00001Y"},
    {"department": "' OR 1=1 --"},
    {"public_key": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"},
    {"public_key": ""},
    {"rate": 0},
    {"rate": "600"},
    {"id": "system-1"},
)


def test_what_makes_no_sense_is_refused(site: Site) -> None:
    for wrong in WRONG:
        answer = site.post(OPERATOR, f"{PATH}/systems", system(PrivateKey.generate(), **wrong))
        assert answer.status_code == 422, wrong
    assert len(site.call(OPERATOR, "GET", PATH).json()["callers"]) == 24


def test_the_page_lists_them_and_ends_one(site: Site) -> None:
    desk, name = site.console(OPERATOR), site.region.operators["reviewer"]
    page = desk.get("/console/callers").text
    for shown in ("other-issuer-clerk", site.region.keys["auditor"].public_key.key_id.hex(), f"{name}/end"):
        assert shown in page
    assert desk.post(f"/console/callers/{name}/end").status_code == 303
    page = desk.get("/console/callers").text
    assert f"{name}/end" not in page
    assert "已停用" in page
    assert desk.post("/console/callers/nobody/end").status_code == 404


@pytest.mark.parametrize("provinces", ["sqlite", "postgresql"], indirect=True)
def test_commands_register_list_and_end(region: Region, tmp_path: Path) -> None:
    key, at = PrivateKey.generate(), ("--ledger", region.provinces.ledger(), "--region", GUANGDONG)
    (tmp_path / "key.pem").write_text(public(key))
    common = (*at, "--department", DEPARTMENT, "--role", "issuer-clerk", "--role", "auditor", "--json")
    made = json.loads(api("callers", "add-system", "样例系统", "--key", tmp_path / "key.pem", *common)[0])
    assert (made["key_id"], made["roles"]) == (key.public_key.key_id.hex(), ["auditor", "issuer-clerk"])
    person = json.loads(
        api("callers", "add-operator", "李样例", "--issuer", "https://id.example", "--subject", "li", *common)[0]
    )
    listed = [json.loads(line) for line in api("callers", "list", *at, "--json")[0].splitlines()]
    assert [one["id"] for one in listed][-2:] == [made["id"], person["id"]]
    api("callers", "end", made["id"], *at)
    assert made["id"] in api("callers", "list", *at)[0]
    api("callers", "end", "nobody", *at, code=1)
    _, said = api("callers", "list", "--ledger", region.provinces.ledger(), "--region", "310000", code=1)
    assert "440000" in said
