"""The first schema: all tables, and the triggers that let rows be added alone."""

from alembic import op

from api.schema import EXEMPT, METADATA

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make everything."""
    connection = op.get_bind()
    METADATA.create_all(connection)
    guarded = [table.name for table in METADATA.sorted_tables if table not in EXEMPT]
    for statement in _sqlite(guarded) if connection.dialect.name == "sqlite" else _postgresql(guarded):
        connection.exec_driver_sql(statement)


def _sqlite(tables: list[str]) -> list[str]:
    return [
        f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        for table in tables
        for change in ("UPDATE", "DELETE")
    ]


def _postgresql(tables: list[str]) -> list[str]:
    function = (
        "CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$"
    )
    triggers = [
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()"
        for table in tables
    ]
    return [function, *triggers]
