"""`python -m api backup`: while a ledger is written to, and what becomes of the copy."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.ledger import SqlLedger
from tests.api.test_commands import api

if TYPE_CHECKING:
    from tests.api.province import Provinces


def test_a_backup_made_while_licences_are_issued_is_one_moment_of_the_ledger(provinces: Provinces) -> None:
    provinces.issue()
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            provinces.issue()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        copies = [provinces.folder / f"backup-{number}.db" for number in range(5)]
        told = [json.loads(api("backup", "--ledger", provinces.ledger(), "--out", out, "--json")[0]) for out in copies]
    finally:
        stop.set()
        writer.join()
    for out, said in zip(copies, told, strict=True):
        assert out.stat().st_mode & 0o777 == 0o600
        with sqlite3.connect(out) as copy:
            intents = copy.execute("SELECT count(*) FROM intents").fetchone()[0]
            issued = copy.execute("SELECT count(*) FROM completions").fetchone()[0]
            assert copy.execute("SELECT max(number) FROM audit").fetchone()[0] == said["audited"]
        assert issued == said["licences"]
        assert issued <= intents <= issued + 1
    assert told[0]["licences"] >= 1
    assert sorted(path.name for path in provinces.folder.glob(".*")) == []


def test_what_is_restored_opens_with_its_key_and_the_log_verifies(provinces: Provinces, tmp_path: Path) -> None:
    licence = provinces.issue()
    provinces.publish()
    elsewhere = tmp_path / "safe"
    elsewhere.mkdir()
    out, key = provinces.folder / "backup.db", elsewhere / "ledger.key"
    _, err = api("backup", "--ledger", provinces.ledger(), "--out", out, "--key-out", key)
    assert err == ""
    assert key.stat().st_mode & 0o777 == 0o600
    restored = tmp_path / "restored.db"
    shutil.copy(out, restored)
    shutil.copy(key, f"{restored}.key")
    api("audit", "verify", "--ledger", restored, "--bundle", provinces.published)
    with SqlLedger(restored, create=False) as book:
        assert book.find(licence.identifier).record == licence.record


def test_whoever_backs_up_without_the_key_is_told_where_it_is(provinces: Provinces) -> None:
    provinces.issue()
    _, err = api("backup", "--ledger", provinces.ledger(), "--out", provinces.folder / "backup.db")
    assert f"{provinces.ledger()}.key" in err


def test_a_key_that_opens_nothing_in_the_ledger_is_no_backup_of_its_key(provinces: Provinces, tmp_path: Path) -> None:
    provinces.issue()
    Path(f"{provinces.ledger()}.key").write_bytes(b"k" * 48)
    (tmp_path / "safe").mkdir()
    to = ("--out", provinces.folder / "backup.db", "--key-out", tmp_path / "safe" / "key")
    _, err = api("backup", "--ledger", provinces.ledger(), *to, code=1)
    assert "ciphertext-bad" in err
    assert list((tmp_path / "safe").iterdir()) == []


def test_a_backup_takes_nothings_place_and_keeps_its_key_apart(provinces: Provinces) -> None:
    provinces.issue()
    out = provinces.folder / "backup.db"
    out.write_bytes(b"last week's")
    _, err = api("backup", "--ledger", provinces.ledger(), "--out", out, code=2)
    assert "is there already" in err
    assert out.read_bytes() == b"last week's"
    beside = ("--out", provinces.folder / "new.db", "--key-out", provinces.folder / "new.key")
    _, err = api("backup", "--ledger", provinces.ledger(), *beside, code=2)
    assert "protects nothing" in err
    assert not (provinces.folder / "new.db").exists()


@pytest.mark.parametrize("content", [b"", b"not a database at all, but long enough to be one" * 100])
def test_what_is_no_ledger_is_not_backed_up(content: bytes, tmp_path: Path) -> None:
    ledger, out = tmp_path / "ledger.db", tmp_path / "backup.db"
    ledger.write_bytes(content)
    _, err = api("backup", "--ledger", ledger, "--out", out, code=1)
    assert "data-malformed" in err
    assert not out.exists()
    api("backup", "--ledger", tmp_path / "none.db", "--out", out, code=2)
    api("backup", "--ledger", "postgresql://ecert@db/gd", "--out", out, code=2)


def test_a_damaged_ledger_is_not_taken_for_a_backup(provinces: Provinces) -> None:
    for _ in range(5):
        provinces.issue()
    with sqlite3.connect(provinces.ledger()) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'completions'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with Path(provinces.ledger()).open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * 64)
    _, err = api("backup", "--ledger", provinces.ledger(), "--out", provinces.folder / "backup.db", code=1)
    assert "data-malformed" in err
    assert not (provinces.folder / "backup.db").exists()
