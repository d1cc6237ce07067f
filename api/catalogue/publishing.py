"""The catalogue as a signed list in the published folder, with the definitions and layouts that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from api.catalogue.sharing import Sharing
from api.catalogue.states import EVERYBODYS, TypeState
from api.service_schema import type_history, types
from api.signed_list import SignedList, Times
from ecert.revocation.type_list import (
    ListedBudget,
    ListedState,
    ListedType,
    TypeList,
    load_type_list,
    seal_type_list,
)
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from api.database import Database
    from api.folder import StatusFolder
    from ecert.revocation import RegionStatus
    from ecert.sm2 import Signer
    from ecert.trust import Registry


class SignedCatalogue(SignedList):
    """Every version that was ever published, and whether licences may be issued of it."""

    NAME = "types.bin"

    def __init__(self, database: Database, folder: StatusFolder, signer: Signer) -> None:
        """Sign with the region's status key."""
        super().__init__(folder, signer)
        self._db = database

    def is_due(self, at: datetime) -> bool:
        """Tell whether another list is to be signed; a ledger without a catalogue has none."""
        return self._newest() > 0 and super().is_due(at)

    def _newest(self) -> int:
        settled = type_history.c.state.in_(EVERYBODYS)
        return self._db.number(select(func.max(type_history.c.number)).where(settled))

    def _read(self, data: bytes, registry: Registry, now: datetime) -> Times | None:
        held = load_type_list(data, registry, now=now)
        said = tuple(map(_listed, self._versions()))
        there = all(self._folder.has_type_file(file) for one in held.types for file in (one.definition, one.layout))
        return (held.issued_at, held.fresh_until) if held.types == said and there else None

    def _seal(self, status: RegionStatus, times: Times) -> bytes:
        rows = self._versions()
        for file in (file for row in rows for file in (row.definition, row.layout)):
            if not self._folder.has_type_file(sm3(file)):
                self._folder.put_type_file(sm3(file), file)
        return seal_type_list(TypeList(status.region, status.sequence, *times, tuple(map(_listed, rows))), self._signer)

    def _versions(self) -> list[Row[Any]]:
        query = select(types).where(types.c.state.in_(EVERYBODYS)).order_by(types.c.code, types.c.version)
        return list(self._db.run(query))


def _listed(row: Row[Any]) -> ListedType:
    sharing = Sharing.model_validate_json(row.sharing)
    return ListedType(
        code=row.code,
        version=row.version,
        state=ListedState[TypeState(row.state).name],
        since=row.changed_at.replace(microsecond=0),
        definition=sm3(row.definition),
        layout=sm3(row.layout),
        regions=tuple(sharing.regions),
        budgets=tuple(ListedBudget(one.matter, one.registry_max_age, one.status_max_age) for one in sharing.budgets),
    )
