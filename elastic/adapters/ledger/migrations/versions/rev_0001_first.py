"""The first schema: meta, workers, groups, overrides, events."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table("meta", sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False))
    op.create_table(
        "workers",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("worker_group", sa.Text, nullable=False),
        sa.Column("server_id", sa.Text),
        sa.Column("gone_at", sa.Float),
        sa.Column("record", sa.Text, nullable=False),
    )
    op.create_index("workers_by_group", "workers", ["worker_group"])
    op.create_index("workers_by_server", "workers", ["server_id"])
    op.create_table(
        "groups", sa.Column("name", sa.Text, primary_key=True), sa.Column("record", sa.Text, nullable=False)
    )
    op.create_table(
        "overrides",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("worker_group", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.UniqueConstraint("worker_group", "kind", name="one_override_of_a_kind"),
    )
    op.create_table(
        "events",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("worker_group", sa.Text, nullable=False),
        sa.Column("worker", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("events_by_time", "events", ["at"])
