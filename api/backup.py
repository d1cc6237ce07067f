"""A ledger's file copied while others write to it: one moment of it, whole, in a file of its own.

The copy is made by SQLite's backup interface in one step, which holds a moment of the ledger and no writer up. It is
read through before it gets its name. The key that licences are encrypted with is not in it (`docs/operations.md`).
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.at_rest import AtRest
from ecert.cli.files import write_atomic
from ecert.errors import EcertError, MalformedError, Reason
from keys.local_vault import open_local_vault

_PATIENCE: Final = 30
"""Seconds to wait for a lock."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What a ledger's file holds.

    Attributes:
        schema: Its schema.
        licences: How many licences were issued.
        decisions: How many decisions were made about them.
        audited: The number of the last entry of the audit log.
        sequence: The sequence number of the last status published; 0 before there was one.
    """

    schema: str
    licences: int
    decisions: int
    audited: int
    sequence: int


def back_up(ledger: Path, out: Path) -> Holding:
    """Copy a ledger, of whatever schema; readable by its owner alone.

    Args:
        ledger: The ledger's file.
        out: Where the copy is put; nothing may be there yet.

    Raises:
        EcertError: USAGE; something is there.
        MalformedError: DATA_MALFORMED; the file is no ledger, or is damaged.
        OSError: the ledger is not there, or the copy cannot be written.
    """
    ledger.stat()
    if out.exists():
        raise EcertError(Reason.USAGE, f"{out} is there already: a backup never takes the place of another")
    handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    os.close(handle)
    new = Path(name)
    try:
        holding = _copy(ledger, new)
        _settle(new)
        _name(new, out)
    except sqlite3.Error as error:
        raise MalformedError(Reason.DATA_MALFORMED, f"{ledger} cannot be copied as a ledger: {error}") from error
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(name + suffix).unlink(missing_ok=True)
    return holding


def _copy(ledger: Path, new: Path) -> Holding:
    with closing(_open(ledger)) as source, closing(_open(new)) as target:
        _hold(source)  # refuses what is no ledger, before it is copied
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")
        (found,) = target.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise MalformedError(Reason.DATA_MALFORMED, f"{ledger} is damaged ({found}): keep it, and restore a backup")
        return _hold(target)


def _open(file: Path) -> sqlite3.Connection:
    """Open a file that is there; for writing too, since a ledger that nobody has open is read by its log's files."""
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", uri=True, timeout=_PATIENCE)


def _hold(connection: sqlite3.Connection) -> Holding:
    def one(query: str) -> int:
        return int(connection.execute(query).fetchone()[0] or 0)

    (schema,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return Holding(
        schema=str(schema),
        licences=one("SELECT count(*) FROM completions"),
        decisions=one("SELECT count(*) FROM decisions"),
        audited=one("SELECT max(number) FROM audit"),
        sequence=one("SELECT max(sequence) FROM publications"),
    )


def back_up_key(ledger: Path, out: Path) -> None:
    """Copy the key beside a ledger, once it has opened something that is in the ledger.

    Args:
        ledger: The ledger's file.
        out: Where the key is put; nothing may be there yet.

    Raises:
        EcertError: USAGE, something is there; or the key is not the ledger's.
        CustodyError: VAULT_KEY_UNUSABLE; there is none.
    """
    key = key_beside(ledger)
    vault = open_local_vault(key, create=False)
    with closing(_open(ledger)) as source:
        some = source.execute("SELECT identifier, key FROM data_keys LIMIT 1").fetchone()
    if some is not None:
        AtRest(vault).unlock(*some)
    if out.exists():
        raise EcertError(Reason.USAGE, f"{out} is there already: a key never takes the place of another")
    write_atomic(out, key.read_bytes(), mode=0o600)


def key_beside(ledger: Path) -> Path:
    """Return where the key of an embedded ledger lies, if it has one."""
    return ledger.with_name(f"{ledger.name}.key")


def _settle(file: Path) -> None:
    """Wait until the file is on the disk."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name(new: Path, out: Path) -> None:
    """Give the copy its name, unless somebody else took it meanwhile."""
    try:
        os.link(new, out)
    except FileExistsError:
        raise EcertError(Reason.USAGE, f"{out} was made by somebody else meanwhile") from None
    _settle(out.parent)
