"""Indexes for events of one worker or group and for the retention of gone workers: both were whole scans."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the indexes."""
    op.create_index("workers_by_end", "workers", ["gone_at"])
    op.create_index("events_by_worker", "events", ["worker"])
    op.create_index("events_by_group", "events", ["worker_group"])
