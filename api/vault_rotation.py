"""What a ledger has encrypted with its key, encrypted anew after the key was rotated.

Records and files are not touched: they have keys of their own, and only those are encrypted with the ledger's. A block
is one transaction, and a row says by its own first bytes which key version it is under: whoever was killed begins
again, and finds what is left to do. Others may write meanwhile: a row that they changed is left to the next run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import Column, Table, and_, func, select, tuple_, update

from api.at_rest import key_place
from api.audit import AuditBook
from api.batches.rows import batch_name
from api.service_schema import batches, consents, data_keys, drafts, holder_sessions, idempotency, proposals
from ecert.errors import MalformedError, RejectedError
from ecert.sm2 import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row

    from api.database import Database
    from ecert.sm2 import Vault

SEALED: Final[dict[Column[bytes], Callable[[str], Place]]] = {
    data_keys.c.key: key_place,
    batches.c.secret: lambda row: key_place(batch_name(row)),
    drafts.c.application: lambda row: Place("drafts", row, "application"),
    idempotency.c.answer: lambda row: Place("idempotency", row, "answer"),
    consents.c.content: lambda row: Place("consents", row, "content"),
    holder_sessions.c.content: lambda row: Place("holder_sessions", row, "content"),
    proposals.c.content: lambda row: Place("proposals", row, "content"),
}
"""The columns whose values `Vault` encrypts, and for which place; a row is its primary key, parted by `/`."""
BLOCK: Final = 500
"""Rows encrypted in one transaction."""

_HEAD: Final = 3
_VERSION: Final = 1


def versions(database: Database) -> dict[int, int]:
    """Return how many values there are under each key version."""
    found: dict[int, int] = {}
    for column in SEALED:
        head = func.substr(column, 1, _HEAD)
        query = select(head, func.count()).where(func.length(column) >= _HEAD).group_by(head)
        counted: list[Any] = list(database.run(query))
        for start, count in counted:
            version = int.from_bytes(bytes(start)[_VERSION:], "big")
            found[version] = found.get(version, 0) + count
    return found


def rotate(database: Database, vault: Vault, now: Callable[[], datetime], told: Callable[[int], None]) -> list[str]:
    """Encrypt everything with the current key version that is under another.

    Args:
        database: The ledger's.
        vault: Its key; holds the versions in use and the current one.
        now: The clock.
        told: Is told how many values were encrypted, after each block.

    Returns:
        What could not be opened, and so was left: `table/row`.

    Raises:
        CustodyError: VAULT_KEY_MISSING; a key version is not held.
    """
    bad: list[str] = []
    done = 0
    for column in SEALED:
        for rows in _blocks(database, column, vault):
            with database.transaction():
                renewed, left = _renew(database, column, rows, vault)
                details = {"version": vault.current, "values": renewed}
                AuditBook(database).record("vault.rotate", column.table.name, now(), details=details)
            bad += left
            done += renewed
            told(done)
    return bad


def _blocks(database: Database, column: Column[bytes], vault: Vault) -> Iterator[list[Row[Any]]]:
    """Yield rows that are not under the current version, in the order of their primary keys."""
    key = list(_table(column).primary_key)
    old = and_(func.length(column) > 0, func.substr(column, 1, _HEAD) != vault.head)
    query = select(*key, column.label("sealed")).where(old).order_by(*key).limit(BLOCK)
    rows = database.run(query).all()
    while rows:
        yield list(rows)
        rows = database.run(query.where(tuple_(*key) > tuple_(*rows[-1][:-1]))).all()


def _renew(database: Database, column: Column[bytes], rows: list[Row[Any]], vault: Vault) -> tuple[int, list[str]]:
    done, bad = 0, []
    for row in rows:
        *key, sealed = cast("tuple[Any, ...]", row)
        name = "/".join(key)
        place = SEALED[column](name)
        try:
            plain = vault.decrypt(sealed, place)
        except (RejectedError, MalformedError):
            bad.append(f"{_table(column).name}/{name}")
            continue
        unchanged = and_(*_is(column, key), column == sealed)
        change = update(_table(column)).where(unchanged).values({column: vault.encrypt(plain, place)})
        done += database.run(change).rowcount
    return done, bad


def _is(column: Column[bytes], key: list[Any]) -> list[ColumnElement[bool]]:
    return [part == value for part, value in zip(_table(column).primary_key, key, strict=True)]


def _table(column: Column[bytes]) -> Table:
    table = column.table
    assert isinstance(table, Table)  # noqa: S101  (its columns are those of tables)
    return table
