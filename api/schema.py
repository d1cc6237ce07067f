"""The ledger's tables, the same in SQLite and PostgreSQL.

Rows are added, and never changed or removed; triggers see to that (`api/migrations`). Two tables are exempt, since they
hold nothing of record: `chain`, the published status chain from its newest snapshot on, and `receipts`, how far each
window has come. Numbers that others follow are given out inside `Database.transaction`, one writer at a time: they
become visible in their order, and none is passed over.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)

from api.columns import METADATA, NUMBER, identifier, instant, number, octets, text

# Licences.
lists = Table("lists", METADATA, octets("key_id", primary_key=True), octets("secret"))
allocations = Table(
    "allocations",
    METADATA,
    octets("key_id", primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
intents = Table(
    "intents",
    METADATA,
    identifier("identifier", primary_key=True),
    octets("key_id"),
    Column("status", BigInteger, nullable=False),
    octets("record_tbs"),
    octets("face_tbs"),
    instant(),
    UniqueConstraint("key_id", "status"),
)
relations = Table(
    "relations",
    METADATA,
    identifier("child", "intents.identifier", primary_key=True),
    identifier("parent", primary_key=True),
    Column("place", SmallInteger, nullable=False),
    octets("key_id"),
    Column("status", BigInteger, nullable=False),
    Index("relations_by_parent", "parent"),
    Index("relations_by_status", "key_id", "status"),
)
completions = Table(
    "completions",
    METADATA,
    number(),
    identifier("identifier", "intents.identifier", unique=True),
    octets("record"),
    octets("face"),
    instant(),
)
files = Table("files", METADATA, identifier("identifier", "completions.identifier", primary_key=True), octets("file"))

# What was decided about them.
decisions = Table(
    "decisions",
    METADATA,
    number(),
    identifier("identifier", "completions.identifier", index=True),
    Column("state", SmallInteger, nullable=False),
    instant("since"),
    instant("until", nullable=True),
    text("reason_code"),
    text("reason"),
    text("legal_basis"),
    text("document"),
    instant("decided_at"),
)
parent_changes = Table(
    "parent_changes",
    METADATA,
    number(),
    identifier("child", "completions.identifier"),
    identifier("parent"),
    Column("state", SmallInteger, nullable=False),
    instant(),
    Index("parent_changes_by_child", "child", "parent"),
)
tasks_done = Table(
    "tasks_done",
    METADATA,
    number(),
    Column("task", NUMBER, ForeignKey("parent_changes.number"), nullable=False, unique=True),
    instant(),
)
seal_decisions = Table(
    "seal_decisions",
    METADATA,
    number(),
    identifier("code"),
    Column("state", SmallInteger, nullable=False),
    instant("since"),
    text("reason"),
    text("document"),
    instant("decided_at"),
)
seals = Table(
    "seals",
    METADATA,
    identifier("code", primary_key=True),
    octets("digest", primary_key=True),
    octets("seal"),
    instant(),
)

# Who did all this.
audit = Table("audit", METADATA, Column("number", NUMBER, primary_key=True, autoincrement=False), octets("entry"))
audit_heads = Table(
    "audit_heads",
    METADATA,
    Column("number", NUMBER, ForeignKey("audit.number"), primary_key=True, autoincrement=False),
    octets("head"),
)

# What was published of them.
region = Table(
    "region",
    METADATA,
    Column(
        "place", SmallInteger, CheckConstraint("place = 1", name="ck_region_one"), primary_key=True, autoincrement=False
    ),
    text("code"),
)
publications = Table(
    "publications",
    METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    octets("digest"),
    instant("issued_at"),
    Column("decided", BigInteger, nullable=False),
)
leaves = Table(
    "leaves",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    identifier("identifier", "completions.identifier", unique=True),
    octets("leaf", index=True),
    octets("record_digest", index=True),
    octets("face_digest"),
)
nodes = Table(
    "nodes",
    METADATA,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    octets("node"),
    sqlite_with_rowid=False,
)
heads = Table(
    "heads",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False, unique=True),
    octets("head"),
)

# Who relies on it.
windows = Table(
    "windows",
    METADATA,
    Column("name", String(128), primary_key=True),
    octets("token", unique=True),
    Column("operator", Boolean, nullable=False),
    instant(),
)

# Nothing of record.
chain = Table(
    "chain",
    METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), primary_key=True),
    octets("data"),
)
receipts = Table(
    "receipts",
    METADATA,
    Column("window", String(128), ForeignKey("windows.name"), primary_key=True),
    Column("region", String(32), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("registry", BigInteger, nullable=False),
    instant(),
    instant("received_at"),
)
