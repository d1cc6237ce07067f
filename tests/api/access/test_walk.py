"""The table of permissions, walked: each operation × each role × own and other department × another region.

What a department has is for another as if it were not there: the same answer, to the byte, for the same work.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, event

from api.access.callers import Application, CallerBook
from api.access.permissions import OF_HOLDERS, OF_WINDOWS, PERMISSIONS, PUBLIC, Reach
from api.access.principals import Role
from api.access.tokens import Tokens
from api.ledger import SqlLedger
from api.lifecycle.actions import Action
from api.pool import THREADS
from api.routes.office import add_office
from api.showing.holders import Holder
from ecert.sm2 import PrivateKey
from tests.api.batches.tables import hand_in, table
from tests.api.catalogue.writing import CODE, content, drafted
from tests.api.lifecycle.motions import body, decide, issue
from tests.api.office import OTHER, SEAL
from tests.api.province import SHANGHAI
from tests.api.showing.counter import ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.api.office import Site

ROLES = {role.value: role for role in Role}
OF_REGION = (Role.REGION_OPERATOR, Role.PORTAL)
CALLERS = (*ROLES, *(f"other-{name}" for name, role in ROLES.items() if role not in OF_REGION))
METHODS = {"get", "post", "put", "patch", "delete"}


@dataclass(frozen=True)
class Operation:
    """One route, as the OpenAPI has it, and what is sent to it."""

    name: str
    method: str
    path: str

    def call(self, site: Site, who: str, names: dict[str, str] | None = None, **more: Any) -> httpx2.Response:
        """Call it about things of these names, by default about things that are not there."""
        path = self.path.format(
            **{"key": "k" * 32, "code": "11440000DEMX00001X999", "name": "record.bin"} | (names or {})
        )
        sent = {"json": BODIES.get(self.name, {})} if self.method != "GET" else {}
        if self.name == "changeLicence":
            sent = {"json": body(Action.CHANGE, application=site.region.application())}
        if self.name == "createBatch":
            sent = {"content": b"a,b\n1,2\n"}
            more["headers"] = {"Content-Type": "text/csv"} | more.get("headers", {})
        headers = {"If-Match": '"0"'} | more.pop("headers", {})
        return site.call(who, self.method, path, key="0123456789abcdef", headers=headers, **sent, **more)


BODIES: dict[str, Any] = {
    "decideLicence": body(Action.REVOKE),
    "saveType": content(),
    "approveProposal": {"note": "同意"},
    "rejectProposal": {"note": "不同意"},
    "pullLicences": {"window": "浦东3号窗口", "operator": "clerk-7"},
}


def operations(site: Site) -> list[Operation]:
    app = FastAPI()
    add_office(app, site.office)
    return [
        Operation(said["operationId"], method.upper(), path)
        for path, methods in app.openapi()["paths"].items()
        for method, said in methods.items()
    ]


def test_every_route_has_a_row_and_every_row_a_route(site: Site) -> None:
    published = site.client.get("/api/v1/openapi.json").json()["paths"]
    routes = [said["operationId"] for methods in published.values() for said in methods.values()]
    assert len(routes) == len(set(routes))
    assert set(routes) == {*PERMISSIONS, *PUBLIC, *OF_WINDOWS, *OF_HOLDERS}
    assert not PERMISSIONS.keys() & (PUBLIC | OF_WINDOWS | OF_HOLDERS)
    assert all(methods.keys() <= METHODS for methods in published.values())


def test_each_role_may_do_what_its_row_says_and_nothing_else(site: Site) -> None:
    wrong = []
    for one in operations(site):
        if one.name in PUBLIC:
            continue
        for who in CALLERS:
            answer = one.call(site, who)
            refused = answer.status_code == 403 and answer.json()["code"] == "forbidden"
            allowed = ROLES[who.removeprefix("other-")] in PERMISSIONS[one.name]
            if refused is allowed or answer.status_code in (401, 429) or answer.status_code >= 500:
                wrong.append((one.name, who, answer.status_code, answer.text[:200]))
    assert not wrong


def test_nobody_and_nobody_of_another_region_may_do_anything(site: Site) -> None:
    region = site.region
    stranger = region.keys["stranger"] = PrivateKey.generate()
    with SqlLedger(region.provinces.ledger(SHANGHAI)) as ledger:
        new = Application("上海样例系统", None, frozenset({Role.REGION_OPERATOR, Role.AUDITOR}), 600)
        made = CallerBook(ledger.database, SHANGHAI).register_system(new, stranger.public_key, region.provinces.now)
    theirs = Tokens(PrivateKey.generate(), "http://shanghai.example", site.office.clock)
    token = theirs.issue(made.principal, made.principal.roles)
    for one in operations(site):
        if one.name in PUBLIC:
            continue
        answers = (
            one.call(site, ""),
            one.call(site, "stranger"),
            one.call(site, "", headers={"Authorization": f"Bearer {token}"}),
        )
        codes = [(answer.status_code, answer.json()["code"]) for answer in answers]
        assert codes == [(401, "unauthenticated"), (401, "request-key-unknown"), (401, "token-key-unknown")], one


@dataclass
class Things:
    """What a department has: one of everything, by the names that stand in addresses."""

    site: Site
    licence: str = ""
    number: str = ""
    proposal: str = ""
    batch: str = ""
    consent: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        made = issue(self.site)
        self.licence, self.number = made["key"], self.site.region.application()["certificateNumber"]
        proposed = decide(self.site, self.licence, Action.REVOKE)
        assert proposed.status_code == 202, proposed.text
        self.proposal = proposed.json()["proposal"]
        handed = hand_in(self.site, table(2))
        assert handed.status_code == 202, handed.text
        self.batch = handed.json()["key"]
        drafted(self.site)
        asked = ask(self.site, Holder("001", self.number, "广州示例样品云图"))
        assert asked.status_code == 201, asked.text
        self.consent = asked.json()["id"]

    def names(self, path: str) -> dict[str, str]:
        """Return the names of these things in an address."""
        found = {"licences": self.licence, "proposals": self.proposal, "batches": self.batch, "consents": self.consent}
        for beginning, key in found.items():
            if path.startswith(f"/api/v1/{beginning}/"):
                return {"key": key}
        return {"code": SEAL if path.startswith("/api/v1/seals/") else CODE}


def absent(names: dict[str, str]) -> dict[str, str]:
    """Return names of the same form that nothing has."""
    return {name: value[:-1] + ("2" if value[-1] != "2" else "3") for name, value in names.items()}


@contextmanager
def work() -> Iterator[list[str]]:
    """Yield the statements that the whole process sends to its databases."""
    sent: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def shown(answer: httpx2.Response, names: dict[str, str]) -> tuple[int, dict[str, str], str]:
    """Return all that somebody learns from an answer, but for what they asked and the trace id."""
    text = answer.text
    for name in names.values():
        text = text.replace(name, "NAME")
    if answer.headers["content-type"].endswith("json"):
        told = json.loads(text)
        told.pop("trace_id", None)
        text = json.dumps(told)
    headers = {name: value for name, value in answer.headers.items() if name not in ("date", "content-length")}
    return answer.status_code, headers, text


def own(site: Site) -> list[Operation]:
    """Return the operations about one thing of a department."""
    reaching = {name for name, row in PERMISSIONS.items() if Reach.OWN in row.values()} | {"readType", "previewType"}
    return [one for one in operations(site) if "{" in one.path and one.name in reaching]


def settled(site: Site) -> None:
    """Wait until nothing but requests asks the ledger, by connections that are all open."""
    together = threading.Barrier(THREADS)

    async def open_all() -> None:
        await asyncio.gather(*(site.office.pool.ask(lambda _: together.wait(30)) for _ in range(THREADS)))

    asyncio.run(open_all())
    until = time.monotonic() + 30
    while site.office.audit.last.at is None and time.monotonic() < until:
        time.sleep(0.02)


@pytest.mark.parametrize("provinces", ["sqlite", "postgresql"], indirect=True)
def test_what_another_department_has_is_as_if_it_were_not_there(site: Site) -> None:
    things = Things(site)
    settled(site)
    assert len(own(site)) >= 18
    for one in own(site):
        for role, reach in PERMISSIONS[one.name].items():
            if role is Role.REGION_OPERATOR or (reach is Reach.REGION and "Type" not in one.name):
                continue
            who, names = f"other-{role.value}", things.names(one.path)
            nothing = absent(names)
            one.call(site, who, nothing)
            with work() as theirs:
                hidden = one.call(site, who, names)
            with work() as missing:
                empty = one.call(site, who, nothing)
            assert hidden.status_code == 404, (one.name, who, hidden.text)
            assert shown(hidden, names) == shown(empty, nothing), (one.name, who)
            assert theirs == missing, (one.name, who)


def test_the_same_things_are_there_for_their_own_department(site: Site) -> None:
    things = Things(site)
    for one in own(site):
        if one.method == "GET" and not one.path.endswith((".csv", "/events")):
            role = next(iter(PERMISSIONS[one.name]))
            assert one.call(site, role.value, things.names(one.path)).status_code == 200, one.name


def test_no_list_search_or_count_tells_of_another_departments_things(site: Site) -> None:
    things = Things(site)
    settled(site)
    clerk = "other-issuer-clerk"
    for path, name in (("batches", "batches"), ("proposals", "proposals"), ("seals", "seals")):
        assert site.call(clerk, "GET", f"/api/v1/{path}").json()[name] == []
    assert site.call(clerk, "GET", "/api/v1/overview").json()["licences"] == 0
    for question in ({"number": things.number}, {"holder_code": things.number}, {}):
        site.call(clerk, "POST", "/api/v1/licences/search", json={"number": "nothing"})
        with work() as theirs:
            found = site.call(clerk, "POST", "/api/v1/licences/search", json=question)
        other = dict.fromkeys(question, "91440106DEMX000000")
        with work() as missing:
            none = site.call(clerk, "POST", "/api/v1/licences/search", json=other)
        assert found.json() == none.json() == {"licences": [], "next": ""}
        assert theirs == missing
    said = json.dumps([site.call(f"other-{name}", "GET", "/api/v1/audit").json() for name in ("auditor",)])
    for name in (things.licence, things.proposal, things.batch, things.number):
        assert name not in said
    assert OTHER in said or "caller.register" in said
