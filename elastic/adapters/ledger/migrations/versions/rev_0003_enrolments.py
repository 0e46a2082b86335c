"""Which servers have enrolled: each gets credentials once."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "enrolments",
        sa.Column("server_id", sa.Text, primary_key=True),
        sa.Column("worker_group", sa.Text, nullable=False),
        sa.Column("proof", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_index("enrolments_by_time", "enrolments", ["at"])
