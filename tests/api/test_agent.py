"""Issuing, publishing and encryption at rest with every key in the keeping of a signing agent."""

from __future__ import annotations

import json
import signal
import threading
from base64 import b64decode
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from api.access.permissions import Scope
from api.access.principals import Role
from api.batches.book import BatchBook, Order
from api.batches.desk import new_lock
from api.batches.parts import Intake
from api.idempotency import Answer, Attempt
from api.ledger import SqlLedger
from api.licences.drafts import DraftBook
from api.lifecycle.proposals import NewProposal, ProposalBook
from api.office import open_office
from api.options import open_signer, open_vault
from api.service_schema import drafts
from api.settings import DepartmentSettings
from api.vault_rotation import rotate, versions
from ecert.errors import CustodyError, EcertError, Reason
from ecert.licence.identifier import parse_identifier
from ecert.revocation import State
from ecert.sm2 import Place
from keys.vault_file import new_keys, write_vault_file
from tests.agency import PASSPHRASE, Agency, until
from tests.api.office import DEPARTMENT, SEAL, Region, serving
from tests.api.province import DEMO, GUANGDONG, now
from tests.api.test_commands import api
from tests.trust.country import ISSUERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx2

    from api.office import Office
    from tests.api.province import Provinces

STATUS_KINDS = [
    "status-snapshot",
    "status-delta",
    "status-page",
    "seal-status",
    "issued-head",
    "audit-head",
    "type-list",
    "token-list",
]


def vault_passphrase() -> bytes:
    return PASSPHRASE.encode()


@pytest.fixture
def agency(provinces: Provinces) -> Iterator[Agency]:
    """An agent with Guangdong's keys, and that of its ledger."""
    agency = Agency(provinces.folder / "agent")
    issuing = ["record", "face", "sealing"]
    agency.add("market", provinces.country.keys[ISSUERS[GUANGDONG]], kinds=issuing)
    agency.add("tokens", kinds=["access-token"])
    agency.add("status", provinces.status_key(), kinds=STATUS_KINDS)
    write_vault_file(agency.folder / "ledger.vault", new_keys(), vault_passphrase(), replacing=False)
    agency.tables["vaults.ledger"] = {"file": "ledger.vault", "clients": ["api"], "per_day": 100}
    agency.start()
    yield agency
    agency.stop()


def applications(provinces: Provinces, count: int = 1) -> Path:
    rows = json.loads((DEMO / "business-licence.json").read_text("utf-8"))
    file = provinces.folder / "applications.json"
    row = next(row for row in rows if row["certificateAreaCode"].startswith("44"))
    file.write_text(json.dumps([row] * count), "utf-8")
    return file


def test_a_licence_is_issued_and_published_by_commands_that_hold_no_key(provinces: Provinces, agency: Agency) -> None:
    places = ("--ledger", provinces.ledger(), "--bundle", provinces.published)
    issue = ("issue", applications(provinces), "--signer", agency.uri("market"), "--vault", agency.uri("ledger"))
    out, _ = api(*issue, *places, "--out", provinces.folder / "out", "--json")
    identifier = json.loads(out)["identifier"]
    api("publish", *places, "--signer", agency.uri("status"))
    provinces.now = now()
    with SqlLedger(provinces.ledger()) as book:
        intent = book.issued(parse_identifier(identifier))
    assert provinces.window().mark(intent.key_id, intent.status).state is State.VALID
    export = ("export", identifier, "--ledger", provinces.ledger(), "--out", provinces.folder / "again")
    api(*export, "--vault", agency.uri("ledger"))
    assert not (provinces.folder / f"{provinces.ledger()}.key").exists()
    shown = agency.command("audit", "show", "--policy", agency.policy).stdout
    assert "'record': 1" in shown
    assert "vault\tledger\tok" in shown


def test_the_key_of_a_department_signs_no_status_list(provinces: Provinces, agency: Agency) -> None:
    agency.tables["keys.status"]["kinds"] = ["record"]
    agency.restart()
    provinces.issue()
    places = ("--ledger", provinces.ledger(), "--bundle", provinces.published)
    _, err = api("publish", *places, "--signer", agency.uri("status"), code=1)
    assert "agent-kind-refused" in err


class Kept(Region):
    """A region whose service holds no key: `agent` has them all."""

    agent: Agency

    def open(self, **changes: Any) -> Office:
        department = DepartmentSettings(code=DEPARTMENT, signer=self.agent.uri("market"), seal=SEAL)
        return open_office(
            self.settings(departments=(department,), token_key=self.agent.uri("tokens"), **changes),
            lambda: datetime.now(UTC),
            signer=lambda uri: open_signer(uri, None),
            vault=open_vault(self.agent.uri("ledger"), None),
        )


def test_the_service_goes_on_issuing_while_its_agent_is_killed_and_started_again(
    provinces: Provinces, agency: Agency
) -> None:
    region = Kept(provinces)
    region.agent = agency
    region.add_system("clerk", Role.ISSUER_CLERK)
    answers: list[httpx2.Response] = []
    with serving(region) as site:

        def work() -> None:
            for _ in range(6):
                answer = site.post("clerk", "/api/v1/licences", {"application": region.application()})
                answers.append(answer)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for done in (2, 6):
            until(lambda done=done: len(answers) >= done)
            agency.restart(signal.SIGKILL)
        for thread in threads:
            thread.join()
        assert [one.status_code for one in answers] == [201] * 12, [one.text for one in answers]
        found = site.call("clerk", "GET", answers[0].json()["files"]["record"])
    assert found.content == b64decode(answers[0].json()["record"])
    agency.stop()
    shown = agency.command("audit", "show", "--policy", agency.policy, "--json").stdout
    assert shown.count('"sealing": 1') >= 12


ATTEMPT = Attempt.of("clerk", "a-key-of-mine", "POST", "/", b"")


def fill(ledger: SqlLedger, at: datetime) -> tuple[str, str, str]:
    """Keep one value of every sort that is encrypted with the ledger's key itself, and an answer; return their keys."""
    draft = DraftBook(ledger, "clerk").keep({"certificateTypeCode": "1"}, "", at)
    ATTEMPT.begin(ledger, at)
    ATTEMPT.finish(ledger, Answer(200, b"personal"))
    with ledger.database.transaction():
        proposed = ProposalBook(ledger).propose(
            NewProposal(DEPARTMENT, "seal-use", b"personal", "x", "clerk", batch="x"), at
        )
    batch, secret, lock = new_lock(ledger)
    with Intake(lock) as intake:
        intake.take(b"a table")
        digests = intake.finish()
        BatchBook(ledger).hand_in(batch, secret, Order(DEPARTMENT, None, "x", files=False), intake, digests, now=at)
    return draft, proposed.key, batch


def require_all(ledger: SqlLedger, keys: tuple[str, str, str], at: datetime) -> None:
    """Require that everything kept by `fill` still opens."""
    draft, proposed, batch = keys
    assert DraftBook(ledger, "clerk").find(draft).type_code == "1"
    assert ATTEMPT.begin(ledger, at) == Answer(200, b"personal")
    assert ProposalBook(ledger).find(Scope(GUANGDONG, None), proposed).content == b"personal"
    BatchBook(ledger).lock(batch)


@pytest.mark.parametrize("provinces", ["sqlite", "postgres"], indirect=True)
def test_after_a_rotation_everything_is_encrypted_anew_and_the_old_version_can_go(
    provinces: Provinces, agency: Agency
) -> None:
    places = ("--ledger", provinces.ledger(), "--vault", agency.uri("ledger"))
    issue = ("issue", applications(provinces, 3), "--signer", agency.uri("market"), "--bundle", provinces.published)
    out, _ = api(*issue, *places, "--out", provinces.folder / "out", "--json")
    identifiers = [json.loads(line)["identifier"] for line in out.splitlines()]
    file = agency.folder / "ledger.vault"
    running = agency.vault()
    with SqlLedger(provinces.ledger(), vault=running) as ledger:
        kept = fill(ledger, provinces.now)
        agency.stop()
        assert agency.command("vault", "rotate", file).stdout.endswith("\t2\t1,2\n")
        agency.start()
        out, _ = api("vault", "rotate", *places)
        assert out == "2\t7\n"
        assert json.loads(api("vault", "show", *places[:2], "--json")[0]) == {"2": 7}
        agency.stop()
        agency.command("vault", "retire", file, "--version", "1")
        agency.start()
        assert ledger.find(parse_identifier(identifiers[0])).record is not None
        assert running.versions == (2,)
        require_all(ledger, kept, provinces.now)
    for one in identifiers:
        api("export", one, *places, "--out", provinces.folder / one)
    api("audit", "verify", "--ledger", provinces.ledger(), "--bundle", provinces.published)


def test_a_rotation_that_was_cut_short_goes_on_where_it_was(provinces: Provinces) -> None:
    keys = new_keys()
    rotated = keys.rotated().vault
    with SqlLedger(provinces.ledger(), vault=keys.vault) as ledger:
        book = DraftBook(ledger, "clerk")
        with ledger.database.transaction():
            places = [book.keep({"certificateTypeCode": "1"}, "", provinces.now) for _ in range(1200)]

        def killed(done: int) -> None:
            raise KeyboardInterrupt(done)

        with pytest.raises(KeyboardInterrupt):
            rotate(ledger.database, rotated, now, killed)
        assert versions(ledger.database) == {1: 700, 2: 500}
        done: list[int] = []
        assert rotate(ledger.database, rotated, now, done.append) == []
        assert done == [500, 700]
        assert versions(ledger.database) == {2: 1200}
        assert rotate(ledger.database, rotated, now, done.append) == []
        assert done == [500, 700]
    with SqlLedger(provinces.ledger(), vault=keys.rotated().vault) as other, pytest.raises(EcertError):
        DraftBook(other, "clerk").find(places[0])
    with SqlLedger(provinces.ledger(), vault=rotated) as same:
        assert DraftBook(same, "clerk").find(places[-1]).type_code == "1"


def test_a_value_that_does_not_open_is_named_and_stops_no_other(provinces: Provinces) -> None:
    keys = new_keys()
    with SqlLedger(provinces.ledger(), vault=keys.vault) as ledger:
        names = [DraftBook(ledger, "clerk").keep({"certificateTypeCode": "1"}, "", provinces.now) for _ in range(3)]
        mine = drafts.c.key == names[1]
        sealed = ledger.database.run(select(drafts.c.application).where(mine)).scalar_one()
        altered = sealed[:-1] + bytes([sealed[-1] ^ 1])
        ledger.database.run(update(drafts).where(mine).values(application=altered))
        bad = rotate(ledger.database, keys.rotated().vault, now, lambda _: None)
        assert bad == [f"drafts/{names[1]}"]
        assert versions(ledger.database) == {1: 1, 2: 2}


def test_the_key_beside_a_ledger_is_handed_over_to_an_agent(provinces: Provinces, agency: Agency) -> None:
    licence = provinces.issue()
    agency.stop()
    (agency.folder / "ledger.vault").unlink()
    local = f"{provinces.ledger()}.key"
    told = agency.command("vault", "new", agency.folder / "ledger.vault", "--local", local)
    assert told.returncode == 0, told.stderr
    agency.start()
    with SqlLedger(provinces.ledger(), vault=agency.vault()) as ledger:
        assert ledger.find(licence.identifier).record == licence.record


def test_a_ledgers_key_is_not_handed_out_to_others_nor_too_often(provinces: Provinces, agency: Agency) -> None:
    agency.tables["vaults.ledger"] |= {"per_day": 2}
    agency.tables["vaults.other"] = {"file": "ledger.vault", "clients": ["nobody"], "per_day": 2}
    agency.restart()
    vault = agency.vault()
    sealed = vault.encrypt(b"x", Place("a", "b", "c"))
    assert agency.vault().decrypt(sealed, Place("a", "b", "c")) == b"x"
    for name, reason in (("ledger", Reason.AGENT_RATE_EXCEEDED), ("other", Reason.AGENT_CALLER_REFUSED)):
        with pytest.raises(CustodyError) as caught:
            agency.vault(name)
        assert caught.value.reason is reason
    agency.restart(signal.SIGKILL)
    with pytest.raises(CustodyError):
        agency.vault()
    assert provinces.folder
