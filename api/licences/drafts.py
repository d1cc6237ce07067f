"""Applications on their way to a seal, kept for the one operator who wrote them, encrypted, for a day."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, select

from api.service_schema import drafts
from ecert.errors import IssuanceError, NotFoundError, Reason
from ecert.licence.application import TYPE_CODE
from ecert.sm2 import Place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from api.ledger import SqlLedger

KEPT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class KeptDraft:
    """An application as its writer left it.

    Attributes:
        key: Names it in addresses.
        application: By the keys of an application in JSON.
        paper_serial: 纸质证照印制号; empty where there is no paper.
    """

    key: str
    application: Mapping[str, Any]
    paper_serial: str

    @property
    def type_code(self) -> str:
        """证照类型代码."""
        return str(self.application[TYPE_CODE])


class DraftBook:
    """The drafts of one operator."""

    def __init__(self, ledger: SqlLedger, caller: str) -> None:
        """Keep them for `caller`."""
        self._ledger, self._caller = ledger, caller

    def keep(self, application: Mapping[Any, Any], paper_serial: str, now: datetime) -> str:
        """Keep an application; return the draft's key. What was kept too long goes."""
        key = secrets.token_urlsafe(16)
        plain = json.dumps([dict(application), paper_serial], ensure_ascii=False).encode()
        row = {"key": key, "caller": self._caller, "type_code": application[TYPE_CODE], "at": now}
        sealed = self._ledger.at_rest.vault.encrypt(plain, _place(key))
        with self._ledger.database.transaction():
            self._ledger.database.run(delete(drafts).where(drafts.c.at < now - KEPT))
            self._ledger.database.run(insert(drafts).values(**row, application=sealed))
        return key

    def find(self, key: str) -> KeptDraft:
        """Return a draft.

        Raises:
            NotFoundError: LICENCE_NOT_FOUND; there is none, or it is somebody else's.
        """
        row = self._ledger.database.row(select(drafts).where(drafts.c.key == key, drafts.c.caller == self._caller))
        if row is None:
            raise NotFoundError(Reason.LICENCE_NOT_FOUND, "no such draft of yours: it was sealed, or is too old")
        application, paper_serial = json.loads(self._ledger.at_rest.vault.decrypt(row.application, _place(key)))
        return KeptDraft(key, application, paper_serial)

    def use_up(self, key: str) -> None:
        """Forget a draft, in the transaction of what becomes of it.

        Raises:
            IssuanceError: LEDGER_CONFLICT; something became of it before.
        """
        mine = delete(drafts).where(drafts.c.key == key, drafts.c.caller == self._caller)
        if self._ledger.database.run(mine).rowcount != 1:
            raise IssuanceError(Reason.LEDGER_CONFLICT, "this draft was sealed before, from another page")


def _place(key: str) -> Place:
    return Place("drafts", key, "application")
