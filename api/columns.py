"""Columns that the tables of a ledger share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
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
        utc = _in_utc(value)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what was kept."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


_FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 31, tzinfo=UTC)


def _in_utc(value: datetime) -> datetime:
    """Return an instant in UTC; one so near the ends of the calendar that UTC has no such year is put at the end."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        return _FIRST if value.year == _FIRST.year else _LAST


NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")
"""SQLite gives out numbers of its own in a column of type INTEGER alone."""


def number() -> Column[int]:
    """Return the number of a row, given out in the order of adding."""
    return Column("number", NUMBER, primary_key=True, autoincrement=True)


def identifier(name: str, target: str | None = None, **options: Any) -> Column[str]:
    """Return a text of at most 128 characters that names something; `target` is the column it points at."""
    reference = () if target is None else (ForeignKey(target),)
    return Column(name, String(128), *reference, nullable=False, **options)


def octets(name: str, **options: Any) -> Column[bytes]:
    """Return a column of bytes."""
    return Column(name, LargeBinary, **({"nullable": False} | options))


def instant(name: str = "at", **options: Any) -> Column[datetime]:
    """Return an instant."""
    return Column(name, Instant, **({"nullable": False} | options))


def text(name: str) -> Column[str]:
    """Return a text of any length."""
    return Column(name, Text, nullable=False)
