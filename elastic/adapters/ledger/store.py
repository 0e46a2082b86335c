"""Reading and writing the ledger's tables in somebody else's transaction; no locks and no rules live here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields

from sqlalchemy import Connection, Table, delete, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from elastic.adapters.ledger.codec import dumps, loads, loads_field
from elastic.adapters.ledger.schema import enrolments, events, groups, meta, overrides, workers
from elastic.core.memory import Event, GroupMemory, Memory, MemoryChange, WorkerRecord
from elastic.core.override import Override
from elastic.ports import LedgerError

SCALARS = tuple(
    field.name for field in fields(Memory) if field.name not in {"ledger", "pool", "workers", "groups", "overrides"}
)
"""The fields of Memory that are rows of the table meta."""
OWN = ("identity", "pool", "mode")
"""What the table meta says of the ledger itself."""


def load(connection: Connection) -> tuple[Memory, str]:
    """The whole memory and the mode; raise LedgerError when something in it cannot be read."""
    said = _said(connection)
    living = connection.execute(select(workers.c.record).where(workers.c.gone_at.is_(None)))
    records = [loads(WorkerRecord, text) for (text,) in living]
    known = [loads(GroupMemory, text) for (text,) in connection.execute(select(groups.c.record))]
    asked = [loads(Override, text) for (text,) in connection.execute(select(overrides.c.record))]
    memory = Memory(
        ledger=loads(str, said["identity"]),
        pool=loads(str, said["pool"]),
        workers={record.name: record for record in records},
        groups={record.group: record for record in known},
        overrides=tuple(sorted(asked, key=lambda o: (o.created_at, o.id))),
        **{name: loads_field(Memory, name, said[name]) for name in SCALARS if name in said},
    )
    return memory, loads(str, said["mode"])


def introduced(connection: Connection) -> Mapping[str, str]:
    """Its identity, its pool and its mode, which every schema says in the same way; LedgerError without them."""
    said = _said(connection)
    return {name: loads(str, said[name]) for name in OWN}


def set_meta(connection: Connection, **values: object) -> None:
    """Write rows of the table meta."""
    if values:
        rows = [{"key": key, "value": dumps(value)} for key, value in values.items()]
        _put(connection, meta, rows)


def write(connection: Connection, before: Memory, after: Memory, change: MemoryChange) -> None:
    """Write what `change` made of `before`; the records written are those of `after`."""
    names = {record.name for record in change.workers} & after.workers.keys()
    put_workers(connection, [after.workers[name] for name in sorted(names)])
    end_workers(connection, change.forgotten, before, after.last_now)
    put_groups(connection, [after.groups[record.group] for record in change.groups])
    for override in change.overrides:
        put_override(connection, override)
    end_overrides(connection, change.overrides_ended)
    add_events(connection, change.events)
    scalars = {name: getattr(after, name) for name in SCALARS}
    set_meta(connection, **{name: new for name, new in scalars.items() if new != getattr(before, name)})


def put_workers(connection: Connection, records: Sequence[WorkerRecord]) -> None:
    """Write these records into the fleet."""
    rows = [
        {
            "name": record.name,
            "worker_group": record.group,
            "server_id": record.server_id,
            "gone_at": None,
            "record": dumps(record),
        }
        for record in records
    ]
    _put(connection, workers, rows)


def end_workers(connection: Connection, names: Sequence[str], before: Memory, now: float) -> None:
    """Take these workers out of the fleet; their records stay as history."""
    for name in names:
        if name in before.workers:
            connection.execute(update(workers).where(workers.c.name == name).values(gone_at=now))


def put_groups(connection: Connection, records: Sequence[GroupMemory]) -> None:
    """Write these groups' records."""
    _put(connection, groups, [{"name": record.group, "record": dumps(record)} for record in records])


def put_override(connection: Connection, override: Override) -> None:
    """Write an override in the place of one with its id, or of its group and kind."""
    same = (overrides.c.worker_group == override.group) & (overrides.c.kind == override.kind.value)
    connection.execute(delete(overrides).where(or_(same, overrides.c.id == override.id)))
    row = {
        "id": override.id,
        "worker_group": override.group,
        "kind": override.kind.value,
        "record": dumps(override),
    }
    connection.execute(insert(overrides), row)


def end_overrides(connection: Connection, ids: Sequence[str]) -> None:
    """Delete these overrides."""
    for override_id in ids:
        connection.execute(delete(overrides).where(overrides.c.id == override_id))


def add_events(connection: Connection, happened: Iterable[Event]) -> None:
    """Append events."""
    rows = [{"at": e.at, "kind": e.kind, "text": e.text, "worker_group": e.group, "worker": e.worker} for e in happened]
    if rows:
        connection.execute(insert(events), rows)


def read_events(
    connection: Connection, limit: int, since: float | None, group: str | None, worker: str | None
) -> tuple[Event, ...]:
    """The newest `limit` events at or after `since`, of a group or worker if named, oldest first."""
    query = select(events.c.at, events.c.kind, events.c.text, events.c.worker_group, events.c.worker)
    if since is not None:
        query = query.where(events.c.at >= since)
    if group is not None:
        query = query.where(events.c.worker_group == group)
    if worker is not None:
        query = query.where(events.c.worker == worker)
    rows = connection.execute(query.order_by(events.c.number.desc()).limit(limit)).all()
    return tuple(Event(at=r[0], kind=r[1], text=r[2], group=r[3], worker=r[4]) for r in reversed(rows))


def read_history(connection: Connection, limit: int) -> tuple[tuple[WorkerRecord, float], ...]:
    """The workers that went last, newest first, each with when it was forgotten."""
    query = select(workers.c.record, workers.c.gone_at).where(workers.c.gone_at.is_not(None))
    rows = connection.execute(query.order_by(workers.c.gone_at.desc(), workers.c.name).limit(limit))
    return tuple((loads(WorkerRecord, record), gone_at) for record, gone_at in rows)


def enrol(connection: Connection, server_id: str, group: str, proof: str, at: float) -> str:
    """Write that this server has enrolled, unless it had; return the proof that is written."""
    row = {"server_id": server_id, "worker_group": group, "proof": proof, "at": at}
    connection.execute(upsert(enrolments).on_conflict_do_nothing(), row)
    found = connection.execute(select(enrolments.c.proof).where(enrolments.c.server_id == server_id))
    return str(found.scalar_one())


def prune(connection: Connection, before: float) -> int:
    """Delete events, enrolments and workers gone from before then; return how many rows went."""
    old = connection.execute(delete(events).where(events.c.at < before)).rowcount
    # A server that old is refused for its age.
    old += connection.execute(delete(enrolments).where(enrolments.c.at < before)).rowcount
    return old + connection.execute(delete(workers).where(workers.c.gone_at < before)).rowcount


def _said(connection: Connection) -> Mapping[str, str]:
    rows = connection.execute(select(meta.c.key, meta.c.value)).all()
    said: dict[str, str] = {row[0]: row[1] for row in rows}
    missing = set(OWN) - said.keys()
    if missing:
        raise LedgerError(f"it has lost its {', '.join(sorted(missing))}; restore it from a backup")
    return said


def _put(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    if not rows:
        return
    statement = upsert(table)
    key = [column.name for column in table.primary_key]
    new = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in key}
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=new), list(rows))
