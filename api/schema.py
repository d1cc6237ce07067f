"""The ledger's tables, the same in SQLite and PostgreSQL.

Rows are added, and never changed or removed; triggers see to that (`api/migrations`). Two tables are exempt, since they
hold nothing of record: `chain`, the published status chain from its newest snapshot on, and `receipts`, how far each
window has come. Numbers that others follow are given out inside `Database.transaction`, one writer at a time: they
become visible in their order, and none is passed over.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

if TYPE_CHECKING:
    from sqlalchemy import Dialect

METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)
"""Constraints have names, so that a later migration can name them on both databases."""


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant; SQLite keeps it without its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what the database keeps."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what was kept."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")
"""SQLite gives out numbers of its own in a column of type INTEGER alone."""


def _number() -> Column[int]:
    return Column("number", _NUMBER, primary_key=True, autoincrement=True)


def _identifier(name: str, target: str | None = None, **options: Any) -> Column[str]:
    reference = () if target is None else (ForeignKey(target),)
    return Column(name, String(128), *reference, nullable=False, **options)


def _bytes(name: str, **options: Any) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False, **options)


def _at(name: str = "at", **options: Any) -> Column[datetime]:
    return Column(name, Instant, **({"nullable": False} | options))


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


# Licences.
lists = Table("lists", METADATA, _bytes("key_id", primary_key=True), _bytes("secret"))
allocations = Table(
    "allocations",
    METADATA,
    _bytes("key_id", primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
intents = Table(
    "intents",
    METADATA,
    _identifier("identifier", primary_key=True),
    _bytes("key_id"),
    Column("status", BigInteger, nullable=False),
    _bytes("record_tbs"),
    _bytes("face_tbs"),
    _at(),
    UniqueConstraint("key_id", "status"),
)
relations = Table(
    "relations",
    METADATA,
    _identifier("child", "intents.identifier", primary_key=True),
    _identifier("parent", primary_key=True),
    Column("place", SmallInteger, nullable=False),
    _bytes("key_id"),
    Column("status", BigInteger, nullable=False),
    Index("relations_by_parent", "parent"),
    Index("relations_by_status", "key_id", "status"),
)
completions = Table(
    "completions",
    METADATA,
    _number(),
    _identifier("identifier", "intents.identifier", unique=True),
    _bytes("record"),
    _bytes("face"),
    _at(),
)
files = Table("files", METADATA, _identifier("identifier", "completions.identifier", primary_key=True), _bytes("file"))

# What was decided about them.
decisions = Table(
    "decisions",
    METADATA,
    _number(),
    _identifier("identifier", "completions.identifier", index=True),
    Column("state", SmallInteger, nullable=False),
    _at("since"),
    _at("until", nullable=True),
    _text("reason_code"),
    _text("reason"),
    _text("legal_basis"),
    _text("document"),
    _at("decided_at"),
)
parent_changes = Table(
    "parent_changes",
    METADATA,
    _number(),
    _identifier("child", "completions.identifier"),
    _identifier("parent"),
    Column("state", SmallInteger, nullable=False),
    _at(),
    Index("parent_changes_by_child", "child", "parent"),
)
tasks_done = Table(
    "tasks_done",
    METADATA,
    _number(),
    Column("task", _NUMBER, ForeignKey("parent_changes.number"), nullable=False, unique=True),
    _at(),
)
seal_decisions = Table(
    "seal_decisions",
    METADATA,
    _number(),
    _identifier("code"),
    Column("state", SmallInteger, nullable=False),
    _at("since"),
    _text("reason"),
    _text("document"),
    _at("decided_at"),
)
seals = Table(
    "seals",
    METADATA,
    _identifier("code", primary_key=True),
    _bytes("digest", primary_key=True),
    _bytes("seal"),
    _at(),
)

# Who did all this.
audit = Table("audit", METADATA, Column("number", _NUMBER, primary_key=True, autoincrement=False), _bytes("entry"))
audit_heads = Table(
    "audit_heads",
    METADATA,
    Column("number", _NUMBER, ForeignKey("audit.number"), primary_key=True, autoincrement=False),
    _bytes("head"),
)

# What was published of them.
region = Table(
    "region",
    METADATA,
    Column(
        "place", SmallInteger, CheckConstraint("place = 1", name="ck_region_one"), primary_key=True, autoincrement=False
    ),
    _text("code"),
)
publications = Table(
    "publications",
    METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    _bytes("digest"),
    _at("issued_at"),
    Column("decided", BigInteger, nullable=False),
)
leaves = Table(
    "leaves",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    _identifier("identifier", "completions.identifier", unique=True),
    _bytes("leaf", index=True),
    _bytes("record_digest", index=True),
    _bytes("face_digest"),
)
nodes = Table(
    "nodes",
    METADATA,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    _bytes("node"),
    sqlite_with_rowid=False,
)
heads = Table(
    "heads",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False, unique=True),
    _bytes("head"),
)

# Who relies on it.
windows = Table(
    "windows",
    METADATA,
    Column("name", String(128), primary_key=True),
    _bytes("token", unique=True),
    Column("operator", Boolean, nullable=False),
    _at(),
)

# Nothing of record.
chain = Table(
    "chain",
    METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), primary_key=True),
    _bytes("data"),
)
receipts = Table(
    "receipts",
    METADATA,
    Column("window", String(128), ForeignKey("windows.name"), primary_key=True),
    Column("region", String(32), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("registry", BigInteger, nullable=False),
    _at(),
    _at("received_at"),
)
