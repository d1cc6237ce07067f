"""How alembic runs the migrations: on the connection that it was given, in the transaction under way."""

from alembic import context

from api.columns import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
context.run_migrations()
