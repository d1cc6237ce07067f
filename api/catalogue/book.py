"""The types of a region as its ledger keeps them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from api.audit import AuditBook
from api.catalogue.states import EVERYBODYS
from api.service_schema import type_history, types
from ecert.errors import NotFoundError, Reason
from ecert.licence.codes import Phrase
from ecert.licence.types import TypeDefinition, load_catalogue
from ecert.ofd.layout import Layout, read_layout

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from api.database import Database

DRAFT: Final = "draft"
PUBLISHED: Final = "published"
_SHIPPED: Final = json.dumps({"regions": [], "budgets": [], "retention_days": None})


@dataclass(frozen=True, slots=True)
class PublishedType:
    """A type that licences may be issued of.

    Attributes:
        definition: Its definition.
        layout: Its page.
    """

    definition: TypeDefinition
    layout: Layout


@lru_cache(maxsize=256)
def _read(definition: bytes, layout: bytes) -> PublishedType:
    found = TypeDefinition.from_json(definition)
    return PublishedType(found, read_layout(layout, found))


class TypeBook:
    """The catalogue in one ledger."""

    def __init__(self, database: Database) -> None:
        """Read and write in `database`."""
        self._db = database
        self._audit = AuditBook(database)

    def seed(self, now: datetime) -> None:
        """Take in the types shipped with this program, published, where there is no type yet."""
        with self._db.transaction():
            if self._db.row(select(types.c.code).limit(1)) is None:
                for definition in load_catalogue().values():
                    self._take_in(definition, now)

    def _take_in(self, definition: TypeDefinition, now: datetime) -> None:
        shipped = files("ecert.licence")
        row: dict[str, Any] = {
            "code": definition.code,
            "version": definition.version,
            "state": PUBLISHED,
            "department": definition.authority.code,
            "definition": shipped.joinpath("catalogue", f"{definition.slug}.json").read_bytes(),
            "layout": shipped.joinpath("layouts", f"{definition.slug}.json").read_bytes(),
            "sharing": _SHIPPED,
            "changed_at": now,
            "changed_by": self._db.actor,
        }
        self._db.add(types, [row])
        history = {"code": definition.code, "version": definition.version, "state": PUBLISHED, "at": now}
        self._db.add(type_history, [history | {"by": self._db.actor, "note": ""}])
        self._audit.record("type.publish", definition.code, now, details={"version": definition.version})

    def published(self, code: str) -> PublishedType:
        """Return the newest published version of a type.

        Raises:
            NotFoundError: TYPE_UNKNOWN; there is none.
        """
        query = select(types).where(types.c.code == code, types.c.state == PUBLISHED)
        row = self._db.row(query.order_by(types.c.version.desc()).limit(1))
        if row is None:
            raise NotFoundError(Reason.TYPE_UNKNOWN, f"no published licence type has the code {code}")
        return _of(row)

    def layout(self, definition: TypeDefinition) -> Layout:
        """Return the page of a version of a type.

        Raises:
            NotFoundError: TYPE_UNKNOWN; there is no such version.
        """
        return self.version(definition.code, definition.version).layout

    def version(self, code: str, version: int) -> PublishedType:
        """Return a version of a type, published or not any more.

        Raises:
            NotFoundError: TYPE_UNKNOWN; there is no such version.
        """
        row = self._db.row(select(types).where(types.c.code == code, types.c.version == version))
        if row is None:
            raise NotFoundError(Reason.TYPE_UNKNOWN, f"no version {version} of {code}")
        return _of(row)

    def in_law(self, code: str) -> TypeDefinition | None:
        """Return the newest definition of a type that was ever published; of a ledger without it, that shipped."""
        ever = types.c.state.in_(EVERYBODYS)
        row = self._db.row(select(types).where(types.c.code == code, ever).order_by(types.c.version.desc()).limit(1))
        return load_catalogue().get(code) if row is None else _of(row).definition

    def names(self) -> dict[str, Phrase]:
        """Return code → what the type is called, of all that were ever published, by code."""
        query = select(types).where(types.c.state != DRAFT).order_by(types.c.code, types.c.version)
        found = [(row.code, _of(row).definition) for row in self._db.run(query)]
        return {code: Phrase(one.name_en, one.name) for code, one in found}

    def all_published(self) -> list[PublishedType]:
        """Return the newest published version of every type, by code."""
        query = select(types).where(types.c.state == PUBLISHED).order_by(types.c.code, types.c.version)
        return list({row.code: _of(row) for row in self._db.run(query)}.values())


def _of(row: Row[Any]) -> PublishedType:
    return _read(row.definition, row.layout)
