"""What Alembic runs: the steps, on the connection and in the transaction that the program gives it."""

from alembic import context

from warning.store.sql.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
