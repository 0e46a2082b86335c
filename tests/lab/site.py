"""A whole site for one test: a pool, the daemon `elastic run` with the local cloud, a user with jobs, an eye on both.

    with Site(tmp_path, condor_prefix, groups=[group(maximum=7)]) as site:
        batch = site.jobs.sleep("ten", 10, 1.0)
        batch.wait(60)
        site.until(lambda: site.counts()["existing"] == 0, 60, "the pool is empty")

Timings are those of FAST unless `settings` says otherwise (a tree that is merged over). The daemon ticks every second.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from elastic.local.daemon import DaemonProcess, Tree, merged, pool_settings
from elastic.local.pool import Pool
from elastic.local.processes import teardown
from elastic.local.servers import LocalServer, ServerFolder
from tests.lab.jobs import Jobs
from tests.lab.sightings import Sightings
from tests.lab.support import Client, wait

FAST: Tree = {
    "tick_seconds": 1.0,
    "site": {"min_wake_seconds": 1.0},
    "htcondor": {"machine_update_seconds": 5.0, "rest_factor": 1.0},
    "logging": {"format": "json"},
}
FAST_GROUP: Tree = {
    "name": "small",
    "maximum": 7,
    "shape": {"cpus": 1, "memory_mb": 512, "disk_mb": 1024},
    "reserve": {"cpus": 0, "memory_mb": 0, "disk_mb": 0},
    "idle_seconds": 2.0,
    "validation_seconds": 1.0,
    "scale_down_window_seconds": 2.0,
    "drain_fraction": 1.0,
    "lost_seconds": 60.0,
    "job_lease_seconds": 40.0,
}
POOL_CONFIG: Mapping[str, str] = {
    "DEFAULT_USERLOG_FORMAT_OPTIONS": "ISO_DATE UTC SUB_SECOND",
}


def group(**changes: object) -> Tree:
    """Return the settings of a worker group of one-core workers with fast timings."""
    return merged(FAST_GROUP, changes)


class Site:
    """One pool with its daemon; a context manager that leaves no process behind.

    `boot_seconds` is how long a server takes before its startd starts (least and most), beside the second or two that
    the startd itself needs. `schedds` come beside the first one. `daemon=False` leaves the daemon to the test
    (`site.daemon.start()`).
    """

    def __init__(  # noqa: PLR0913 - each test names what is special to its site
        self,
        root: Path,
        prefix: Path,
        *,
        groups: Sequence[Tree],
        settings: Tree | None = None,
        boot_seconds: tuple[float, float] = (0.0, 0.0),
        pool_config: Mapping[str, str] | None = None,
        schedds: Sequence[str] = (),
        daemon: bool = True,
    ) -> None:
        """Prepare a site below `root`; nothing is started before it is entered."""
        self.root = root
        config = {**POOL_CONFIG, **(pool_config or {})}
        self.pool = Pool(root, prefix, extra_config=config, extra_schedds=schedds)
        self.servers = ServerFolder(root=self.pool.folder.servers, prefix=prefix)
        self._settings: Tree = merged(
            {"groups": list(groups), "cloud": {"options": {"boot_delay_seconds": boot_seconds}}},
            settings or {},
        )
        self._with_daemon = daemon
        self._exits = ExitStack()
        self.daemon: DaemonProcess
        self.jobs: Jobs
        self.seen: Sightings

    def __enter__(self) -> Self:
        """Start everything; return once the daemon has seen the whole world."""
        with ExitStack() as stack:
            stack.callback(teardown, self.root)
            stack.enter_context(self.pool)
            folder = self.pool.folder
            tree = self._tree(merged(pool_settings(folder), FAST))
            self.daemon = DaemonProcess(self.root, folder.environment(), tree)
            stack.callback(self.daemon.stop)
            self.jobs = Jobs(stack.enter_context(Client(folder)), folder)
            self.seen = stack.enter_context(Sightings(self.servers))
            if self._with_daemon:
                self.daemon.start()
                self.daemon.wait_ready()
            self._exits = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End everything; what the daemon said last goes into the error."""
        if error is not None and hasattr(self, "daemon"):
            error.add_note(f"the end of the daemon's log:\n{self.daemon.log_tail(40)}")
        self._exits.close()

    def _tree(self, base: Tree) -> Tree:
        """The daemon's settings, from those of every site."""
        return merged(base, self._settings)

    # -- what the daemon says

    def get(self, path: str, **query: Any) -> Any:  # noqa: ANN401  JSON
        """Read something from its interface."""
        answer = httpx.get(f"{self.daemon.url}{path}", params=query, timeout=30, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def write(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401  JSON
        """Ask its interface for something that needs the token."""
        token = self.daemon.token_file.read_text(encoding="utf-8").strip()
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self.daemon.url}{path}"
        answer = httpx.request(method, url, json=body, headers=headers, timeout=30, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def status(self) -> Mapping[str, Any]:
        """What `elastic status` shows."""
        found: Mapping[str, Any] = self.get("/v1/status")
        return found

    def group(self, name: str = "small") -> Mapping[str, Any]:
        """One worker group, as the newest tick saw it."""
        found: Mapping[str, Any] = self.get(f"/v1/groups/{name}")
        return found

    def workers(self) -> Mapping[str, Mapping[str, Any]]:
        """Every worker of the newest tick, by name."""
        return {worker["name"]: worker for worker in self.get("/v1/workers")["workers"]}

    def events(self, kind: str = "") -> Sequence[Mapping[str, Any]]:
        """What happened, oldest first."""
        return [event for event in self.get("/v1/events", limit=1000)["events"] if kind in ("", event["kind"])]

    def phases(self) -> Counter[str]:
        """How many workers are in each phase."""
        return Counter(worker["phase"] for worker in self.workers().values())

    # -- what is true

    def listed(self) -> Sequence[LocalServer]:
        """Every server that exists now, whatever the daemon thinks."""
        return self.servers.servers()

    def slots(self) -> Sequence[Mapping[str, Any]]:
        """Every machine in the collector."""
        return self.jobs.client.machines("PartitionableSlot is true", ["Name", "State", "ElasticWorker"])

    def until(self, condition: Callable[[], object], seconds: float, what: str) -> None:
        """Return once the condition holds and the daemon has caught up with it; else AssertionError with what it says.

        Events are saved while a tick runs; its status and metrics are those of the tick before until it has ended.
        """
        try:
            wait(condition, seconds, what)
            wait(self._caught_up, 30, f"after {what}: the tick of the newest event has ended")
        except AssertionError as error:
            error.add_note(f"groups: {self.status()['groups'] if self.daemon.pid else 'no daemon'}")
            raise

    def _caught_up(self) -> bool:
        """Whether status and metrics tell of every event that can be read."""
        if self.daemon.pid is None:
            return True
        newest = max((event["at"] for event in self.get("/v1/events", limit=1)["events"]), default=0.0)
        return bool((self.status()["last_tick_at"] or 0.0) >= newest)

    def until_ready(self, workers: int, seconds: float = 60.0) -> None:
        """Return when exactly so many workers are ready and no other server exists."""

        def settled() -> bool:
            return self.phases() == Counter({"ready": workers}) - Counter() and len(self.listed()) == workers

        self.until(settled, seconds, f"exactly {workers} workers, all ready")
