"""The ledger's schema through time, by alembic; each step runs on SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sqlalchemy import Connection

REVISIONS: Final = ("0001", "0002", "0003")
"""Every schema there ever was, the oldest first."""
NEWEST: Final = REVISIONS[-1]
"""The revision that this program works with."""


def upgrade(connection: Connection, revision: str = NEWEST) -> None:
    """Bring a database to a later schema; the caller holds the transaction."""
    from alembic import command  # noqa: PLC0415  (slow to load, and seldom needed)
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
