"""A ledger made ready for the issuing service of a region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.catalogue.book import TypeBook
from api.chain import ChainBook

if TYPE_CHECKING:
    from datetime import datetime

    from api.ledger import SqlLedger


def prepare(ledger: SqlLedger, region: str, now: datetime) -> None:
    """Bind a ledger to its region, and take in the types shipped with this program where it has none.

    Raises:
        EcertError: it is another region's.
    """
    ChainBook(ledger.database).bind(region)
    TypeBook(ledger.database).seed(now)
