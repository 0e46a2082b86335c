"""Where no token of ours is signed by a worker's key: condor_drain, whose right comes from the collector."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from elastic.adapters.htcondor import HTCondorBatch
from elastic.core.memory import Drain, WorkerRecord
from elastic.core.observation import DrainSeen, Inspection
from elastic.local.pool import Pool
from elastic.ports import Refused, Unauthorized
from tests.contract.rig import nonce, seen
from tests.contract.rig import record as unknown
from tests.lab.real import RealRig
from tests.lab.support import Client

ROOT = Path(__file__).parents[2]
PROGRAM = """#!{python}
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from elastic.local.pool import Pool
print(Pool(Path({pool!r}), Path({prefix!r})).tool("condor_drain", *sys.argv[1:]))
"""


@pytest.fixture
def rig(pool: Pool, client: Client) -> Iterator[RealRig]:
    with RealRig(pool, client) as real:
        yield real


@pytest.fixture
def program(pool: Pool, condor_prefix: Path, tmp_path: Path) -> str:
    """condor_drain, run as the pool's administrator would."""
    script = tmp_path / "condor_drain"
    text = PROGRAM.format(python=sys.executable, root=str(ROOT), pool=str(pool.folder.root), prefix=str(condor_prefix))
    script.write_text(text, encoding="utf-8")
    script.chmod(0o755)
    return str(script)


def stranger(rig: RealRig, batch: HTCondorBatch) -> WorkerRecord:
    """A worker that lets us look and nothing more."""
    rig.lab.start_worker("w1", cpus=2, config={"ALLOW_ADMINISTRATOR": "nobody@nowhere"})
    there = rig.wait(lambda: next((m for m in batch.machines().machines if m.worker == "w1"), None))
    return seen(unknown(rig, "w1"), there)


def test_the_program_drains_what_the_bindings_may_not_and_takes_it_back(rig: RealRig, program: str) -> None:
    plain, helped = rig.fresh_batch(), rig.fresh_batch(drain_program=program)
    worker, text = stranger(rig, plain), nonce(rig, "w1")
    with pytest.raises(Unauthorized):
        plain.drain(worker, text, busy=False)
    answer = helped.drain(worker, text, busy=False)
    ours = Drain(nonce=text, asked_at=0.0, request_id=answer.request_id, started=answer.started)
    drained = replace(worker, drain=ours)
    complete = DrainSeen(reason=text, request_id=answer.request_id, drained=True)
    rig.wait(lambda: helped.inspect(drained) == Inspection(answered=True, drain=complete, started=worker.started))
    with pytest.raises(Refused):
        helped.drain(worker, nonce(rig, "other"), busy=False)
    helped.resume(drained)
    assert helped.inspect(drained).drain is None


def test_the_program_too_drains_only_what_is_empty(rig: RealRig, program: str) -> None:
    helped = rig.fresh_batch(drain_program=program)
    worker = stranger(rig, helped)
    rig.jobs.sleep("busy", 1, 60)
    rig.wait(lambda: helped.inspect(worker).claimed)
    with pytest.raises(Refused):
        helped.drain(worker, nonce(rig, "w1"), busy=False)
    assert helped.inspect(worker).drain is None
