"""What the daemon sees and never touches is shown: servers of others, orphans, workers of groups that are gone."""

from dataclasses import replace

from elastic.api import schemas, views
from elastic.core.memory import Memory, WorkerRecord
from elastic.core.model import Snapshot
from elastic.core.observation import Server, ServerStatus
from elastic.core.record import Plan, TickRecord
from elastic.metrics import Metrics

THEIRS = Server(id="s-1", name="x-1", group="small", status=ServerStatus.ACTIVE, ledger="theirs")
NOBODYS = replace(THEIRS, id="s-2", name="x-2", ledger="ours")
LEFT = WorkerRecord(name="old-1", group="old", requested_at=1.0, server_id="s-3")
SNAPSHOT = Snapshot(now=9.0, tick=1, groups={}, strangers=(THEIRS,), orphans=(NOBODYS,), ungrouped=("old-1",))
MEMORY = Memory(ledger="ours", pool="p", workers={"old-1": LEFT})


def test_the_status_names_each_of_them_with_its_kind() -> None:
    assert views.strays(SNAPSHOT, MEMORY) == [
        schemas.StrayOut(kind="stranger", name="x-1", server_id="s-1", group="small", ledger="theirs"),
        schemas.StrayOut(kind="orphan", name="x-2", server_id="s-2", group="small", ledger="ours"),
        schemas.StrayOut(kind="ungrouped", name="old-1", server_id="s-3", group="old", ledger=""),
    ]


def test_the_metrics_count_each_kind() -> None:
    metrics = Metrics()
    metrics.observe(TickRecord(tick=1, now=9.0, snapshot=SNAPSHOT, proposal={}, targets={}, plan=Plan()))
    counts = [line for line in metrics.text().decode().splitlines() if line.startswith("elastic_strays")]
    assert counts == [f'elastic_strays{{kind="{kind}"}} 1.0' for kind in ("stranger", "orphan", "ungrouped")]
