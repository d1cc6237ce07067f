"""What comes of a batch, row by row, as CSV: what is wrong, and what was issued. Read in steps: never whole."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from api.batches.book import BatchBook
from api.batches.rows import open_errors
from api.batches.states import RowState
from api.service_schema import batch_rows, licences
from api.tables import ErrorReport

if TYPE_CHECKING:
    from api.batches.rows import Explained
    from api.ledger import SqlLedger

BOM: Final = "\ufeff"
"""Without which a spreadsheet takes the file for GBK."""
RESULT: Final = ("行号 Row", "结果 Result", "证照标识 Identifier", "键 Key")
STEP: Final = 1000
"""How many rows are read at a time."""
_WORDS: Final = {
    RowState.GOOD: "未制发 not issued",
    RowState.WRONG: "有误 wrong",
    RowState.ISSUED: "已制发 issued",
    RowState.FAILED: "制发失败 failed",
}
_WRONG: Final = (RowState.WRONG, RowState.FAILED)


def read_errors(ledger: SqlLedger, batch: str, after: int, limit: int = STEP) -> list[tuple[int, list[Explained]]]:
    """Return rows that cannot be issued, with why, from the one that follows row `after`."""
    rows = batch_rows.c
    query = select(rows.row, rows.errors).where(rows.batch == batch, rows.state.in_(_WRONG), rows.row > after)
    found = ledger.database.run(query.order_by(rows.row).limit(limit)).all()
    lock = BatchBook(ledger).lock(batch)
    return [(row.row, open_errors(lock, row.row, bytes(row.errors))) for row in found]


def errors_step(ledger: SqlLedger, batch: str, after: int) -> tuple[str, int | None]:
    """Return the lines of the error report for some rows that follow row `after`, and the last of them; None: no more.

    The report begins with its heading: `after` is 0 there.
    """
    found = read_errors(ledger, batch, after)
    out = io.StringIO(newline="")
    report = ErrorReport(out)
    for row, explained in found:
        report.add(row, explained)
    text = out.getvalue()
    return BOM + text if after == 0 else text.partition("\r\n")[2], found[-1][0] if found else None


def result_step(ledger: SqlLedger, batch: str, after: int) -> tuple[str, int | None]:
    """Return the lines of the result for some rows that follow row `after`, and the last of them; None: no more."""
    rows = batch_rows.c
    query = (
        select(rows.row, rows.state, rows.identifier, licences.c.key)
        .outerjoin(licences, licences.c.identifier == rows.identifier)
        .where(rows.batch == batch, rows.row > after)
    )
    found = ledger.database.run(query.order_by(rows.row).limit(STEP)).all()
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    if after == 0:
        writer.writerow(RESULT)
    writer.writerows((row.row, _WORDS[RowState(row.state)], row.identifier or "", row.key or "") for row in found)
    return (BOM if after == 0 else "") + out.getvalue(), found[-1].row if found else None
