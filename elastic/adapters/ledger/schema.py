"""The ledger's tables in the newest schema, and the names of all; how one becomes the next: `migrations`."""

from sqlalchemy import Column, Float, Index, Integer, MetaData, Table, Text, UniqueConstraint

REVISIONS = ("0001", "0002", "0003")
"""Every schema there was, oldest first; the last is the one that this program writes."""

HEAD = REVISIONS[-1]

APPLICATION_ID = 0x656C6173
"""Marks an SQLite file as a ledger of elastic: "elas" in its header."""

metadata = MetaData()

meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

workers = Table(
    "workers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("worker_group", Text, nullable=False),
    Column("server_id", Text),
    Column("gone_at", Float),
    Column("record", Text, nullable=False),
    Index("workers_by_group", "worker_group"),
    Index("workers_by_server", "server_id"),
    Index("workers_by_end", "gone_at"),
)

groups = Table("groups", metadata, Column("name", Text, primary_key=True), Column("record", Text, nullable=False))

overrides = Table(
    "overrides",
    metadata,
    Column("id", Text, primary_key=True),
    Column("worker_group", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("record", Text, nullable=False),
    UniqueConstraint("worker_group", "kind", name="one_override_of_a_kind"),
)

events = Table(
    "events",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("worker_group", Text, nullable=False),
    Column("worker", Text, nullable=False),
    Index("events_by_time", "at"),
    Index("events_by_worker", "worker"),
    Index("events_by_group", "worker_group"),
    sqlite_autoincrement=True,
)

enrolments = Table(
    "enrolments",
    metadata,
    Column("server_id", Text, primary_key=True),
    Column("worker_group", Text, nullable=False),
    Column("proof", Text, nullable=False),
    Column("at", Float, nullable=False),
    Index("enrolments_by_time", "at"),
)
