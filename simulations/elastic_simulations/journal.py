"""What a daemon did to a simulated world, line by line in a file: replayed, it brings the same world back."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from elastic.core.memory import WorkerRecord
from elastic.core.model import GroupSpec
from elastic.ports import PortError
from elastic_simulations.batch import SimulatedBatch
from elastic_simulations.cloud import SimulatedCloud
from elastic_simulations.faults import Call
from elastic_simulations.grid import Grid

ACTING = frozenset({Call.DRAIN, Call.RESUME, Call.FENCE, Call.INVALIDATE, Call.CREATE, Call.DELETE})


class Journal:
    """A file of calls. Nothing else reaches a world from outside: the scenario and these lines are all of it."""

    def __init__(self, path: Path) -> None:
        """Append to this file; it need not exist."""
        self._path = path

    def write(self, at_us: int, call: Call, target: str, asked: Mapping[str, object]) -> None:
        """One call, before it is carried out; a SIGKILL after this loses nothing of it."""
        line = {"at_us": at_us, "call": call.value, "target": target, **asked}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def replay(self, grid: Grid, groups: Mapping[str, GroupSpec], ledger: str) -> bool:
        """Bring a world that has just been built to where the last line left it; whether there was any."""
        if not self._path.exists():
            return False
        batch, cloud = SimulatedBatch(grid, ledger), SimulatedCloud(grid, groups, ledger)
        for text in self._path.read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            grid.timeline.run_to(line["at_us"])
            with suppress(PortError):
                _repeat(line, batch, cloud, grid, groups)
        return True


def _repeat(
    line: Mapping[str, object],
    batch: SimulatedBatch,
    cloud: SimulatedCloud,
    grid: Grid,
    groups: Mapping[str, GroupSpec],
) -> None:
    call, target = Call(str(line["call"])), str(line["target"])
    if call not in ACTING:
        grid.faults.strike(call, target, acted=False)
        grid.faults.strike(call, target, acted=True)
        return
    worker = WorkerRecord(
        name=target,
        group=str(line["group"]),
        requested_at=0.0,
        server_id=str(line["server_id"]) if line["server_id"] is not None else None,
        machine=str(line["machine"]),
        address=str(line["address"]),
    )
    match call:
        case Call.DRAIN:
            batch.drain(worker, str(line["nonce"]), busy=bool(line["busy"]))
        case Call.RESUME:
            batch.resume(worker)
        case Call.FENCE:
            batch.fence(worker)
        case Call.INVALIDATE:
            batch.invalidate(worker)
        case Call.CREATE if worker.group in groups:
            cloud.create(groups[worker.group], [worker])
        case Call.DELETE if worker.group in groups:
            cloud.delete(groups[worker.group], [worker])
        case _:
            pass
