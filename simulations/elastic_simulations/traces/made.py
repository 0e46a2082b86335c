"""Traces that were never a file: from columns in memory to a Trace with a checksum of its own."""

from array import array
from collections.abc import Iterable, Mapping
from hashlib import sha256

from elastic_simulations.traces.following import renumbered
from elastic_simulations.traces.trace import Column, Trace, reordered, sorted_rows


def made(
    submit_us: Iterable[int],
    run_us: Iterable[int],
    cores: Iterable[int] | None = None,
    *,
    source: str,
    optional: Mapping[str, Iterable[int]] | None = None,
    users: Iterable[str] = (),
    also_after: Iterable[int] = (),
) -> Trace:
    """The trace of these jobs, sorted by submit time; `source` names how they came about. Times in microseconds."""
    submit, run = array("q", submit_us), array("q", run_us)
    columns: dict[str, array[int]] = {
        "submit_us": submit,
        "run_us": run,
        "cores": array("q", cores) if cores is not None else array("q", (1,)) * len(submit),
        **{name: array("q", column) for name, column in (optional or {}).items()},
    }
    others = array("q", also_after)
    order = sorted_rows(submit)
    if order is not None:
        after, others = renumbered(columns, others, order)
        columns |= {"after": after} if after is not None else {}
        columns = {name: reordered(column, order) for name, column in columns.items()}
    fixed = {name: columns.pop(name) for name in ("submit_us", "run_us", "cores")}
    return Trace(
        submit_us=fixed["submit_us"],
        run_us=fixed["run_us"],
        cores=fixed["cores"],
        line=array("q", range(1, len(submit) + 1)),
        optional=columns,
        also_after=others,
        users=tuple(users),
        source=source,
        format="made",
        sha256=fingerprint({**fixed, **columns, **({"also_after": others} if others else {})}),
    )


def fingerprint(columns: Mapping[str, Column]) -> str:
    """SHA-256 over the columns in the order of their names, as little-endian 64-bit numbers."""
    digest = sha256()
    for name in sorted(columns):
        digest.update(name.encode())
        digest.update(array("q", columns[name]).tobytes())
    return digest.hexdigest()
