"""The first schema: all tables, and the triggers that let rows be added alone.

What is here is history: a table that changes later is changed by a later migration, and not here.
"""

from typing import Final

from alembic import op
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
    UniqueConstraint,
)

from api.columns import METADATA
from api.migrations.append_only import guard

revision = "0001"
down_revision = None

_FIRST: Final = MetaData(naming_convention=METADATA.naming_convention)
_INSTANT: Final = DateTime(timezone=True)
_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")
_EXEMPT: Final = ("chain", "receipts")
"""Nothing of record is in them."""

Table("lists", _FIRST, Column("key_id", LargeBinary, primary_key=True), Column("secret", LargeBinary, nullable=False))
Table(
    "allocations",
    _FIRST,
    Column("key_id", LargeBinary, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
Table(
    "intents",
    _FIRST,
    Column("identifier", String(128), primary_key=True),
    Column("key_id", LargeBinary, nullable=False),
    Column("status", BigInteger, nullable=False),
    Column("record_tbs", LargeBinary, nullable=False),
    Column("face_tbs", LargeBinary, nullable=False),
    Column("at", _INSTANT, nullable=False),
    UniqueConstraint("key_id", "status"),
)
Table(
    "relations",
    _FIRST,
    Column("child", String(128), ForeignKey("intents.identifier"), primary_key=True),
    Column("parent", String(128), primary_key=True),
    Column("place", SmallInteger, nullable=False),
    Column("key_id", LargeBinary, nullable=False),
    Column("status", BigInteger, nullable=False),
    Index("relations_by_parent", "parent"),
    Index("relations_by_status", "key_id", "status"),
)
Table(
    "completions",
    _FIRST,
    Column("number", _NUMBER, primary_key=True),
    Column("identifier", String(128), ForeignKey("intents.identifier"), nullable=False, unique=True),
    Column("record", LargeBinary, nullable=False),
    Column("face", LargeBinary, nullable=False),
    Column("at", _INSTANT, nullable=False),
)
Table(
    "files",
    _FIRST,
    Column("identifier", String(128), ForeignKey("completions.identifier"), primary_key=True),
    Column("file", LargeBinary, nullable=False),
)
Table(
    "decisions",
    _FIRST,
    Column("number", _NUMBER, primary_key=True),
    Column("identifier", String(128), ForeignKey("completions.identifier"), nullable=False, index=True),
    Column("state", SmallInteger, nullable=False),
    Column("since", _INSTANT, nullable=False),
    Column("until", _INSTANT),
    Column("reason_code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("legal_basis", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("decided_at", _INSTANT, nullable=False),
)
Table(
    "parent_changes",
    _FIRST,
    Column("number", _NUMBER, primary_key=True),
    Column("child", String(128), ForeignKey("completions.identifier"), nullable=False),
    Column("parent", String(128), nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("at", _INSTANT, nullable=False),
    Index("parent_changes_by_child", "child", "parent"),
)
Table(
    "tasks_done",
    _FIRST,
    Column("number", _NUMBER, primary_key=True),
    Column("task", _NUMBER, ForeignKey("parent_changes.number"), nullable=False, unique=True),
    Column("at", _INSTANT, nullable=False),
)
Table(
    "seal_decisions",
    _FIRST,
    Column("number", _NUMBER, primary_key=True),
    Column("code", String(128), nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("since", _INSTANT, nullable=False),
    Column("reason", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("decided_at", _INSTANT, nullable=False),
)
Table(
    "seals",
    _FIRST,
    Column("code", String(128), primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("seal", LargeBinary, nullable=False),
    Column("at", _INSTANT, nullable=False),
)
Table(
    "audit",
    _FIRST,
    Column("number", _NUMBER, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),
)
Table(
    "audit_heads",
    _FIRST,
    Column("number", _NUMBER, ForeignKey("audit.number"), primary_key=True, autoincrement=False),
    Column("head", LargeBinary, nullable=False),
)
Table(
    "region",
    _FIRST,
    Column(
        "place", SmallInteger, CheckConstraint("place = 1", name="ck_region_one"), primary_key=True, autoincrement=False
    ),
    Column("code", Text, nullable=False),
)
Table(
    "publications",
    _FIRST,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),
    Column("issued_at", _INSTANT, nullable=False),
    Column("decided", BigInteger, nullable=False),
)
Table(
    "leaves",
    _FIRST,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("identifier", String(128), ForeignKey("completions.identifier"), nullable=False, unique=True),
    Column("leaf", LargeBinary, nullable=False, index=True),
    Column("record_digest", LargeBinary, nullable=False, index=True),
    Column("face_digest", LargeBinary, nullable=False),
)
Table(
    "nodes",
    _FIRST,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("node", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
Table(
    "heads",
    _FIRST,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False, unique=True),
    Column("head", LargeBinary, nullable=False),
)
Table(
    "chain",
    _FIRST,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)
Table(
    "windows",
    _FIRST,
    Column("name", String(128), primary_key=True),
    Column("token", LargeBinary, nullable=False, unique=True),
    Column("operator", Boolean, nullable=False),
    Column("at", _INSTANT, nullable=False),
)
Table(
    "receipts",
    _FIRST,
    Column("window", String(128), ForeignKey("windows.name"), primary_key=True),
    Column("region", String(32), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("registry", BigInteger, nullable=False),
    Column("at", _INSTANT, nullable=False),
    Column("received_at", _INSTANT, nullable=False),
)


def upgrade() -> None:
    """Make everything."""
    _FIRST.create_all(op.get_bind())
    guard(op.get_bind(), [table.name for table in _FIRST.sorted_tables if table.name not in _EXEMPT])
