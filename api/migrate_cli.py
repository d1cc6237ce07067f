"""`python -m api migrate`: a PostgreSQL database made ready to be a ledger, or brought to a newer schema."""

from typing import Annotated

import typer

from api.database import migrate as migrate_database
from ecert.cli import entry


def migrate(
    *,
    ledger: Annotated[str, typer.Option(envvar="ECERT_LEDGER", help="台账数据库 postgresql://owner@host/database")],
    grant: Annotated[
        str, typer.Option(metavar="ROLE", help="服务登录所用角色：只授予服务所需 The role that services log in with")
    ] = "",
) -> int:
    """建立或升级台账数据库的结构 Make a ledger's schema in PostgreSQL, or bring it to this program's."""
    entry.put(migrate_database(ledger, grant))
    return entry.OK
