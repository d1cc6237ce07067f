"""The tables of the issuing service. Licences issued before it were kept in the open, and are not taken along."""

from alembic import op

from api.columns import METADATA
from api.migrations.append_only import guard
from api.service_schema import OF_RECORD, TABLES
from ecert.errors import MalformedError, Reason

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    connection = op.get_bind()
    if connection.exec_driver_sql("SELECT COUNT(*) FROM completions").scalar():
        raise MalformedError(
            Reason.DATA_MALFORMED, "the ledger was written by a preview that did not encrypt: issue into a new one"
        )
    METADATA.create_all(connection, tables=TABLES)
    guard(connection, [table.name for table in OF_RECORD])
