"""Alembic's entrance: runs the migrations in the transaction that the ledger has begun."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
