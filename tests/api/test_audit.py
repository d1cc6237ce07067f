"""The audit log of a ledger: nothing is done without it, and nothing in it can be altered unnoticed."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.audit import AuditBook
from api.ledger import SqlLedger
from api.seals import SealBook
from ecert.audit import AuditEntry
from ecert.errors import EcertError, IssuanceError, Reason, RejectedError, UndeterminedError
from ecert.revocation.seal_list import SealEvent, SealState
from ecert.sm2 import sm3
from tests.api.test_commands import api, signed

if TYPE_CHECKING:
    from tests.api.province import Provinces

ROOT_ONLY = "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete;"
"""What only somebody who owns the file can do."""


def entries(provinces: Provinces) -> list[AuditEntry]:
    with SqlLedger(provinces.ledger(), create=False) as book:
        return [AuditEntry.decode(data) for data in AuditBook(book.database).entries()]


def verify(provinces: Provinces, code: int = 0) -> dict[str, object]:
    out, _ = api(
        "audit", "verify", "--ledger", provinces.ledger(), "--bundle", provinces.published, "--json", code=code
    )
    found: dict[str, object] = json.loads(out) if out else {}
    return found


def tamper(provinces: Provinces, script: str, *arguments: object) -> None:
    with sqlite3.connect(provinces.ledger()) as db:
        db.executescript(ROOT_ONLY)
        db.execute(script, arguments)
    db.close()


def test_whatever_is_done_is_written_down_with_who_did_it(provinces: Provinces) -> None:
    licence = provinces.issue()
    identifier = licence.identifier.text
    options = ("--ledger", provinces.ledger(), "--bundle", provinces.published)
    api("revoke", identifier, "--reason", "样例", "--reason-code", "unlawful-act", *options)
    with SqlLedger(provinces.ledger()) as book:
        filed = SealEvent(SealState.ACTIVE, provinces.now, provinces.now, "样例")
        SealBook(book.database).decide("44010600000001", filed)
    api("seal", "suspend", "44010600000001", "--reason", "样例", "--ledger", provinces.ledger())
    api("windows", "add", "浦东3号窗口", "--ledger", provinces.ledger())
    api("export", identifier, "--ledger", provinces.ledger(), "--out", provinces.folder / "again")
    found = entries(provinces)
    assert [(one.number, one.action, one.object) for one in found] == [
        (1, "licence.issue", identifier),
        (2, "licence.decide", identifier),
        (3, "seal.decide", "44010600000001"),
        (4, "seal.decide", "44010600000001"),
        (5, "window.register", "浦东3号窗口"),
        (6, "licence.export", identifier),
    ]
    assert found[1].details == {"state": "revoked", "reason": "unlawful-act"}
    assert all(one.who.startswith("user:") for one in found[1:])


def test_what_was_not_done_is_not_written_down(provinces: Provinces) -> None:
    licence = provinces.issue()
    with SqlLedger(provinces.ledger()) as book:
        with pytest.raises(IssuanceError):
            book.complete(licence.identifier, record=licence.record, face=licence.face, at=provinces.now)
        seals = SealBook(book.database)
        gone = SealEvent(SealState.CANCELLED, provinces.now, provinces.now, "样例")
        seals.decide("44010600000001", gone)
        with pytest.raises(IssuanceError):
            seals.decide("44010600000001", replace(gone, state=SealState.ACTIVE))
        with pytest.raises(EcertError):
            seals.decide("", gone)
    assert [one.action for one in entries(provinces)] == ["licence.issue", "seal.decide"]


def test_a_publication_signs_how_far_the_log_has_come(provinces: Provinces) -> None:
    provinces.issue()
    assert verify(provinces)["signed"] == 0
    api("publish", *signed(provinces))
    assert verify(provinces) == {"entries": 1, "signed": 1, "sm3": verify(provinces)["sm3"]}
    provinces.issue()
    assert (verify(provinces)["entries"], verify(provinces)["signed"]) == (2, 1)
    api("publish", *signed(provinces))
    assert verify(provinces)["signed"] == 2


@pytest.mark.parametrize("statement", ["UPDATE audit SET number = 9", "DELETE FROM audit", "DELETE FROM audit_heads"])
def test_the_tables_take_no_change(provinces: Provinces, statement: str) -> None:
    provinces.issue()
    api("publish", *signed(provinces))
    with SqlLedger(provinces.ledger()) as book, pytest.raises(SQLAlchemyError, match="append-only"):
        book.database.run(text(statement))


def test_an_entry_written_anew_by_the_owner_of_the_file_shows(provinces: Provinces) -> None:
    provinces.issue()
    api("publish", *signed(provinces))
    forged = replace(entries(provinces)[0], object="1.2.156.3005.2.another").encode()
    tamper(provinces, "UPDATE audit SET entry = ? WHERE number = 1", forged)
    assert verify(provinces, code=1) == {}


def test_a_log_cut_off_behind_a_signed_head_shows(provinces: Provinces) -> None:
    provinces.issue()
    provinces.issue()
    api("publish", *signed(provinces))
    tamper(provinces, "DELETE FROM audit WHERE number = 2")
    with SqlLedger(provinces.ledger()) as book, pytest.raises(RejectedError) as caught:
        AuditBook(book.database).verify(provinces.registry)
    assert caught.value.reason is Reason.AUDIT_BROKEN


def test_a_head_of_a_stranger_is_not_believed(provinces: Provinces) -> None:
    provinces.issue()
    with SqlLedger(provinces.ledger()) as book:
        AuditBook(book.database).commit("api/440000", provinces.country.keys["root"], at=provinces.now)
        with pytest.raises(UndeterminedError):
            AuditBook(book.database).verify(provinces.registry)


def test_a_clock_that_goes_back_does_not_take_the_log_along(provinces: Provinces) -> None:
    with SqlLedger(provinces.ledger()) as book, book.database.transaction():
        audit = AuditBook(book.database)
        audit.record("licence.export", "a", provinces.now)
        audit.record("licence.export", "b", provinces.now.replace(year=2020))
    first, second = entries(provinces)
    assert second.at == first.at
    assert second.previous == sm3(first.encode())


def test_the_log_is_shown_from_where_one_wants(provinces: Provinces) -> None:
    provinces.issue()
    provinces.issue()
    out, _ = api("audit", "show", "--ledger", provinces.ledger(), "--after", 1, "--json")
    assert [json.loads(line)["number"] for line in out.splitlines()] == [2]
