"""The jobs of schedds, queued and past, as JSON lines on standard output; a process of its own around the bindings.

python -m elastic.adapters.htcondor.export '{"schedds": [], "pool": "", "everyone": false, ...}'
"""

import hashlib
import hmac
import json
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import classad2
import htcondor2

from elastic.adapters.htcondor.exported import ANONYMISED, ATTRIBUTES, Wanted
from elastic.adapters.htcondor.values import is_number

LATE_SECONDS = 3600
"""Records lie in the order in which jobs left the queue; schedds that share a file may be a little out of it."""

Mask = Callable[[str], str]


def main() -> None:
    """Write one ad a line; what goes wrong is the last line, as {"error": text}, and exit code 1."""
    wanted = Wanted(**json.loads(sys.argv[1]))
    mask = _mask() if wanted.anonymise else str
    try:
        for daemon in _schedds(wanted):
            for ad in _ads(daemon, wanted):
                sys.stdout.write(json.dumps(_plain(ad, mask)) + "\n")
    except (htcondor2.HTCondorException, classad2.ClassAdException, OSError, ValueError) as error:
        sys.stdout.write(json.dumps({"error": str(error) or type(error).__name__}) + "\n")
        raise SystemExit(1) from None


def _schedds(wanted: Wanted) -> Iterator[Any]:
    """Those named, every one of the pool, or the one that this machine's configuration names."""
    if not (wanted.schedds or wanted.everyone or wanted.pool):
        yield htcondor2.Schedd()
        return
    collector = htcondor2.Collector(wanted.pool) if wanted.pool else htcondor2.Collector()
    found = {str(ad["Name"]): ad for ad in collector.locateAll(htcondor2.DaemonType.Schedd)}
    if missing := [name for name in wanted.schedds if name not in found]:
        raise ValueError(f"no schedd '{missing[0]}' in the pool; known: {', '.join(sorted(found)) or 'none'}")
    if not found:
        raise ValueError("the pool has no schedd")
    for name in wanted.schedds or sorted(found):
        yield htcondor2.Schedd(found[name])


def _ads(daemon: Any, wanted: Wanted) -> Iterator[Any]:
    """The queue first: a job that ends in between is told twice rather than not at all."""
    names = list(ATTRIBUTES)
    constraint = wanted.constraint or "true"
    if wanted.queue:
        yield from daemon.query(constraint, names)
    if not wanted.history:
        return
    if wanted.since is None:
        yield from daemon.history(constraint, names)
        return
    recent = f"({constraint}) && EnteredCurrentStatus >= {wanted.since}"
    stop = classad2.ExprTree(f"EnteredCurrentStatus < {wanted.since - LATE_SECONDS}")
    yield from daemon.history(recent, names, -1, stop)


def _plain(ad: Any, mask: Mask) -> Mapping[str, object]:
    """Numbers and texts; expressions as what they come to in the job itself, if that is one."""
    values = ((name, _value(ad, name)) for name in ATTRIBUTES if name in ad)
    return {name: mask(value) if name in ANONYMISED else value for name, value in values if value is not None}


def _value(ad: Any, name: str) -> Any:
    value = ad[name]
    if isinstance(value, classad2.ExprTree):
        value = value.eval(ad)
    return value if is_number(value) or type(value) in {str, bool} else None


def _mask() -> Mask:
    """The same other name for the same name, within this export; the key is forgotten with the process."""
    key = secrets.token_bytes(32)
    return lambda name: hmac.new(key, str(name).encode(), hashlib.sha256).hexdigest()[:16]


if __name__ == "__main__":
    main()
