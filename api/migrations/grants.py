"""What the role may do that services log in with in PostgreSQL, where another one owns the tables.

It reads everything, adds to everything, and changes what is no record. The tables of record it can neither change nor
empty nor take their triggers from: for that one has to own them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import quoted_name, text

if TYPE_CHECKING:
    from sqlalchemy import Connection

_TABLES: Final = """
    SELECT c.relname,
           EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = c.relname || '_append_only')
    FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' ORDER BY c.relname
"""


def grant(connection: Connection, role: str) -> None:
    """Give a role its rights on a migrated ledger, and take all others; the caller holds the transaction."""
    quote = connection.dialect.identifier_preparer.quote
    name, schema = quote(quoted_name(role, quote=True)), quote(str(connection.scalar(text("SELECT current_schema()"))))
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO {name}")
    connection.exec_driver_sql(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {name}")
    for table, of_record in connection.execute(text(_TABLES)).all():
        rights = "SELECT, INSERT" if of_record else "SELECT, INSERT, UPDATE, DELETE"
        if table == "alembic_version":
            rights = "SELECT"
        connection.exec_driver_sql(f"REVOKE ALL ON {quote(table)} FROM {name}")
        connection.exec_driver_sql(f"GRANT {rights} ON {quote(table)} TO {name}")
