"""The tables of showing, consent and use.

What is here is history: a table that changes later is changed by a later migration, and not here.
"""

from typing import Final

from alembic import op
from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Integer, LargeBinary, MetaData, String, Table

from api.columns import METADATA
from api.migrations.append_only import guard

revision = "0003"
down_revision = "0002"

_TABLES: Final = MetaData(naming_convention=METADATA.naming_convention)
_INSTANT: Final = DateTime(timezone=True)
_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")
_OF_RECORD: Final = ("uses",)
"""Rows that never change."""

_COMPLETIONS: Final = Table("completions", _TABLES, Column("identifier", String(128), primary_key=True))
"""A table of the first schema that these point at."""
Table(
    "holder_sessions",
    _TABLES,
    Column("token", String(64), primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("challenge", String(43)),
    Column("at", _INSTANT, nullable=False),
    Column("until", _INSTANT, nullable=False),
    Column("used_at", _INSTANT, nullable=False),
)
Table(
    "consents",
    _TABLES,
    Column("id", String(32), primary_key=True),
    Column("unit", String(18), nullable=False),
    Column("holder_index", LargeBinary, nullable=False, index=True),
    Column("content", LargeBinary, nullable=False),
    Column("answer", String(16), nullable=False),
    Column("asked_at", _INSTANT, nullable=False),
    Column("answered_at", _INSTANT),
)
Table(
    "uses",
    _TABLES,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("identifier", String(128), ForeignKey("completions.identifier"), nullable=False, index=True),
    Column("at", _INSTANT, nullable=False),
    Column("content", LargeBinary, nullable=False),
)


def upgrade() -> None:
    """Make the tables."""
    connection = op.get_bind()
    made = [table for table in _TABLES.sorted_tables if table is not _COMPLETIONS]
    _TABLES.create_all(connection, tables=made)
    guard(connection, list(_OF_RECORD))
