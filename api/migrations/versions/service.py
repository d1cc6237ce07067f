"""The tables of the issuing service. Licences issued before it were kept in the open, and are not taken along.

What is here is history: a table that changes later is changed by a later migration, and not here.
"""

from typing import Final

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
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
from ecert.errors import MalformedError, Reason

revision = "0002"
down_revision = "0001"

_TABLES: Final = MetaData(naming_convention=METADATA.naming_convention)
_INSTANT: Final = DateTime(timezone=True)
_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")
_EARLIER: Final = ("audit", "completions", "decisions")
"""Tables of the first schema that these point at."""
_OF_RECORD: Final = ("deciders", "type_history", "audit_index")
"""Rows that never change."""

Table("audit", _TABLES, Column("number", _NUMBER, primary_key=True))
Table("completions", _TABLES, Column("identifier", String(128), unique=True))
Table("decisions", _TABLES, Column("number", _NUMBER, primary_key=True))
Table(
    "data_keys",
    _TABLES,
    Column("identifier", String(128), ForeignKey("completions.identifier"), primary_key=True),
    Column("key", LargeBinary, nullable=False),
)
Table(
    "licences",
    _TABLES,
    Column("identifier", String(128), ForeignKey("completions.identifier"), primary_key=True),
    Column("key", String(32), nullable=False, unique=True),
    Column("series", String(128), nullable=False),
    Column("version", SmallInteger, nullable=False),
    Column("type_code", String(21), nullable=False),
    Column("department", String(18), nullable=False),
    Column("area_code", String(6), nullable=False),
    Column("record_digest", LargeBinary, nullable=False),
    Column("face_digest", LargeBinary, nullable=False),
    Column("number_index", LargeBinary, index=True),
    Column("holder_index", LargeBinary, index=True),
    Column("summary", LargeBinary),
    Column("effective", Date, nullable=False),
    Column("expiring", Date),
    Column("issued_at", _INSTANT, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("since", _INSTANT, nullable=False),
    Column("until", _INSTANT),
    Column("paper_serial", String(64), nullable=False),
    Column("operator", String(64), nullable=False),
    Column("batch", String(32), index=True),
    UniqueConstraint("series", "version"),
    Index("licences_by_end", "department", "expiring"),
    Index("licences_by_time", "department", "issued_at", "identifier"),
    Index("licences_by_type", "department", "type_code", "issued_at", "identifier"),
)
Table(
    "deciders",
    _TABLES,
    Column("number", _NUMBER, ForeignKey("decisions.number"), primary_key=True, autoincrement=False),
    Column("operator", String(64), nullable=False),
    Column("reviewer", String(64), nullable=False),
)
Table(
    "type_history",
    _TABLES,
    Column("number", _NUMBER, primary_key=True),
    Column("code", String(21), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", _INSTANT, nullable=False),
    Column("by", String(64), nullable=False),
    Column("note", Text, nullable=False),
)
Table(
    "audit_index",
    _TABLES,
    Column("number", _NUMBER, ForeignKey("audit.number"), primary_key=True, autoincrement=False),
    Column("department", String(18)),
    Column("who", String(256), nullable=False),
    Column("action", String(256), nullable=False),
    Column("at", _INSTANT, nullable=False),
    Index("audit_index_by_department", "department", "number"),
)
Table(
    "drafts",
    _TABLES,
    Column("key", String(32), primary_key=True),
    Column("caller", String(32), nullable=False),
    Column("type_code", String(21), nullable=False),
    Column("replaces", String(128)),
    Column("application", LargeBinary, nullable=False),
    Column("at", _INSTANT, nullable=False),
)
Table(
    "proposals",
    _TABLES,
    Column("key", String(32), primary_key=True),
    Column("department", String(18), nullable=False),
    Column("subject", String(16), nullable=False),
    Column("identifier", String(128), index=True),
    Column("batch", String(32), index=True),
    Column("content", LargeBinary, nullable=False),
    Column("etag", String(64), nullable=False),
    Column("proposer", String(32), nullable=False),
    Column("at", _INSTANT, nullable=False),
    Column("state", String(16), nullable=False),
    Column("decided_by", String(32)),
    Column("decided_at", _INSTANT),
    Column("note", Text, nullable=False),
    Index("proposals_by_state", "department", "state", "at"),
)
Table(
    "types",
    _TABLES,
    Column("code", String(21), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("department", String(18), nullable=False),
    Column("definition", LargeBinary, nullable=False),
    Column("layout", LargeBinary, nullable=False),
    Column("sharing", Text, nullable=False),
    Column("changed_at", _INSTANT, nullable=False),
    Column("changed_by", String(64), nullable=False),
)
Table(
    "batches",
    _TABLES,
    Column("key", String(32), primary_key=True),
    Column("department", String(18), nullable=False),
    Column("type_code", String(21)),
    Column("name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("files", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("checked", Integer, nullable=False),
    Column("good", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("issued", Integer, nullable=False),
    Column("form", Text, nullable=False),
    Column("columns", Text, nullable=False),
    Column("problem", Text, nullable=False),
    Column("operator", String(32), nullable=False),
    Column("at", _INSTANT, nullable=False),
    Column("started_at", _INSTANT),
    Column("ended_at", _INSTANT),
    Column("worker", String(64)),
    Column("worker_until", _INSTANT),
    Index("batches_by_time", "department", "at", "key"),
)
Table(
    "batch_parts",
    _TABLES,
    Column("batch", String(32), ForeignKey("batches.key"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)
Table(
    "batch_chunks",
    _TABLES,
    Column("batch", String(32), ForeignKey("batches.key"), primary_key=True),
    Column("first", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
    Column("worker", String(64)),
    Column("worker_until", _INSTANT),
)
Table(
    "batch_rows",
    _TABLES,
    Column("batch", String(32), ForeignKey("batches.key"), primary_key=True),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("state", SmallInteger, nullable=False),
    Column("application", LargeBinary),
    Column("errors", LargeBinary),
    Column("identifier", String(128)),
    Index("batch_rows_by_state", "batch", "state", "row"),
)
Table(
    "callers",
    _TABLES,
    Column("id", String(32), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("department", String(18)),
    Column("roles", Text, nullable=False),
    Column("key_id", String(16), unique=True),
    Column("public_key", LargeBinary),
    Column("issuer", String(255)),
    Column("subject", String(255)),
    Column("rate", Integer, nullable=False),
    Column("at", _INSTANT, nullable=False),
    Column("ended_at", _INSTANT),
    Column("seen_at", _INSTANT),
    UniqueConstraint("issuer", "subject"),
)
Table(
    "sign_ins",
    _TABLES,
    Column("state", LargeBinary, primary_key=True),
    Column("nonce", Text, nullable=False),
    Column("verifier", Text, nullable=False),
    Column("until", _INSTANT, nullable=False),
)
Table(
    "sessions",
    _TABLES,
    Column("token", LargeBinary, primary_key=True),
    Column("caller", String(32), ForeignKey("callers.id"), nullable=False),
    Column("at", _INSTANT, nullable=False),
    Column("until", _INSTANT, nullable=False),
    Column("used_at", _INSTANT, nullable=False),
)
Table(
    "idempotency",
    _TABLES,
    Column("caller", String(32), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("owner", String(16), nullable=False),
    Column("status", SmallInteger),
    Column("answer", LargeBinary),
    Column("at", _INSTANT, nullable=False, index=True),
)


def upgrade() -> None:
    """Make the tables."""
    connection = op.get_bind()
    if connection.exec_driver_sql("SELECT COUNT(*) FROM completions").scalar():
        raise MalformedError(
            Reason.DATA_MALFORMED, "the ledger was written by a preview that did not encrypt: issue into a new one"
        )
    made = [table for table in _TABLES.sorted_tables if table.name not in _EARLIER]
    _TABLES.create_all(connection, tables=made)
    guard(connection, list(_OF_RECORD))
