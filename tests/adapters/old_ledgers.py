"""A ledger as the first elastic left it."""

import json
from collections.abc import Mapping
from pathlib import Path

from elastic.adapters.ledger.opening import connect, migrate

META = {"identity": '"uuid"', "pool": '"p"', "mode": '"act"', "tick": "7"}


def first_schema(path: Path, gone: Mapping[str, float] | None = None) -> None:
    """Of pool p, with the worker small-1, and with these that are gone, each with the time of that (seconds)."""
    engine = connect(path)
    with engine.begin() as connection:
        migrate(connection, "0001")
        for key, value in META.items():
            connection.exec_driver_sql("INSERT INTO meta VALUES (?, ?)", (key, value))
        for name, gone_at in {"small-1": None, **(gone or {})}.items():
            record = json.dumps({"name": name, "group": "small", "requested_at": 100.0, "server_id": "id-1"})
            row = (name, "small", "id-1", gone_at, record)
            connection.exec_driver_sql("INSERT INTO workers VALUES (?, ?, ?, ?, ?)", row)
    engine.dispose()
