"""Every use of a licence, kept for its holder to read, encrypted with the licence's own key.

So what a licence was used for is forgotten with the licence itself.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from api.at_rest import USE
from api.audit import AuditBook, Deed
from api.cursors import read_cursor, write_cursor
from api.service_schema import data_keys, uses
from ecert.presentation import use_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api.ledger import SqlLedger
    from ecert.licence.identifier import Identifier
    from ecert.presentation import LicenceUse

PAGE: Final = 100
"""How many uses a page has."""
_CURSOR: Final = re.compile(r"([0-9]{1,18})")


class UseBook:
    """The uses of one region's licences."""

    def __init__(self, ledger: SqlLedger) -> None:
        """Read and write in `ledger`."""
        self._ledger = ledger

    def record(self, found: Iterable[LicenceUse]) -> None:
        """Write uses down, and that there were some to the audit log.

        Raises:
            NotFoundError: LICENCE_ERASED; one is of a licence that was erased.
        """
        used = list(found)
        rows = [self._row(one) for one in used]
        deeds = [_deed(one) for one in used]
        with self._ledger.database.transaction():
            self._ledger.database.add(uses, rows)
            AuditBook(self._ledger.database).record_all(deeds)

    def _row(self, one: LicenceUse) -> dict[str, Any]:
        content = json.dumps(use_json(one), ensure_ascii=False).encode()
        sealed = self._ledger.unlock(one.licence).seal(USE, content)
        return {"identifier": one.licence.text, "at": one.at, "content": sealed}

    def of(self, identifiers: Iterable[Identifier], cursor: str = "") -> tuple[list[dict[str, Any]], str]:
        """Return a page of the uses of licences, the newest first, as `use_json`, and the cursor of the next.

        Raises:
            EcertError: USAGE; the cursor is none.
        """
        texts = [one.text for one in identifiers]
        query = select(uses, data_keys.c.key.label("data_key")).join(
            data_keys, data_keys.c.identifier == uses.c.identifier
        )
        if cursor:
            query = query.where(uses.c.number < int(read_cursor(cursor, _CURSOR)[1]))
        rows = self._ledger.database.run(
            query.where(uses.c.identifier.in_(texts)).order_by(uses.c.number.desc()).limit(PAGE + 1)
        ).all()
        following = write_cursor(rows[PAGE - 1].number) if len(rows) > PAGE else ""
        at_rest = self._ledger.at_rest
        locked = ((at_rest.unlock(row.identifier, row.data_key), row.content) for row in rows[:PAGE])
        return [json.loads(lock.open(USE, content)) for lock, content in locked], following


def _deed(one: LicenceUse) -> Deed:
    return Deed("licence.use", one.licence.text, one.at, one.outcome.value, {"way": one.way.value})
