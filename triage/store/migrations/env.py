"""Alembic's entry: runs the chain on the connection that `triage.store.upgrading` opened and locked."""

from alembic import context

from triage.store.schema import metadata

# The transaction is already open, and it holds the lock: the whole chain goes in, or nothing does.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
