"""`python -m api migrate`: a PostgreSQL database made ready to be a ledger, or brought to a newer schema."""

from typing import Annotated

import typer

from api.database import migrate as migrate_database
from ecert.cli import entry


def migrate(
    *, ledger: Annotated[str, typer.Option(envvar="ECERT_LEDGER", help="台账数据库 postgresql://user@host/database")]
) -> int:
    """建立或升级台账数据库的结构 Make a ledger's schema in PostgreSQL, or bring it to this program's."""
    entry.put(migrate_database(ledger))
    return entry.OK
