"""A whole lab: brought up in order, looked at, brought down; each safe to repeat from wherever it was interrupted."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from elastic.lab import databases, processes, programs, template
from elastic.lab.configs import Site, write
from elastic.lab.folder import CONTENTS, MEMORY_FILE, LabFolder, new_memory, with_all_ports
from elastic.lab.health import Row, admin, answers, rows
from elastic.lab.packages import Report
from elastic.lab.programs import Service
from elastic.lab.release import Release, Software
from elastic.lab.seed import Seed
from elastic.lab.smoke import boot_one
from elastic.lab.software import known, prepare
from elastic.local import runtime
from elastic.local.errors import LocalError
from elastic.local.loopback import is_free
from elastic.local.processes import marked, teardown
from elastic.local.sandbox import require

READY_SECONDS = 300.0
PATIENT_SECONDS = 10.0
LOOK_SECONDS = 0.1
SYNCS_AT_ONCE = 4
# They speak to Keystone and Placement when they start, and end when those do not answer.
LATE = ("nova-conductor", "nova-scheduler", "nova-compute", "meter")
STARTS = 3


@dataclass(frozen=True, slots=True)
class Lab:
    """One lab below `folder`."""

    folder: LabFolder

    def up(self, report: Report, *, release: Release | None = None, first_port: int | None = None) -> None:
        """Start everything that does not run; return once servers can be booted. Raise LocalError, with a log's end.

        Release and ports are those of a lab's first start.
        """
        chosen = self._release(release)
        require()
        report("software")
        software = prepare(chosen, report)
        runtime.prepare()
        with self._only_one():
            known_before = self.folder.memory() if self.folder.exists else new_memory(chosen, first_port)
            self.folder.remember(with_all_ports(known_before))
            site = self._site(software)
            databases.make_folders(site)
            write(site)
            self._foundation(site, report)
            self._tables(site, report)
            self._control_plane(site, report)
            report("first server")
            boot_one(self._site(software), READY_SECONDS)

    def down(self, *, purge: bool = False) -> int:
        """End every process, servers too; return how many there were. `purge` removes the folder as well."""
        count = len(marked(self.folder.root))
        if not purge:
            # What they know is wanted again; all others lose nothing by a kill.
            for name in ("mariadb", "rabbitmq"):
                processes.stop(self.folder, name)
        teardown(self.folder.root)
        if mounts := _mounts_below(self.folder.root):
            raise LocalError(f"still mounted: {', '.join(mounts)}; unmount by hand, then repeat")
        if purge:
            _remove(self.folder.root)
        return count

    def status(self) -> Sequence[Row]:
        """Return how each service is; raise LocalError if there is no lab."""
        site = self._site(known(Release(self.folder.memory().release)))
        return rows(site, programs.services(site))

    def _site(self, software: Software) -> Site:
        return Site(folder=self.folder, memory=self.folder.memory(), software=software)

    def _release(self, wanted: Release | None) -> Release:
        if not self.folder.exists:
            return wanted or Release.NEWEST
        known_as = Release(self.folder.memory().release)
        if wanted not in {None, known_as}:
            raise LocalError(f"the lab in {self.folder.root} is of release {known_as}; choose another --home")
        return known_as

    def _foundation(self, site: Site, report: Report) -> None:
        """Start database, broker and pool; a new database gets the tables of an earlier lab if there are any."""
        report("database, broker, pool")
        syncs = databases.syncs(site)
        if not databases.has_data(site):
            if template.use(site, template.template(site.software, _steps(syncs))):
                self.folder.done(*_steps(syncs))
            else:
                databases.make_data(site)
        databases.configure(site)
        self._run(site, programs.foundation(site))

    def _tables(self, site: Site, report: Report) -> None:
        """Make the tables that were not made before."""
        syncs = databases.syncs(site)
        done = self.folder.memory().done
        wanted = [sync for sync in syncs if f"sync {sync.name}" not in done]
        if not wanted:
            return
        report("tables")
        environment = programs.environment(site)
        with ThreadPoolExecutor(max_workers=SYNCS_AT_ONCE) as pool:
            running = {pool.submit(databases.run, site, sync, environment): sync for sync in wanted}
            for each in as_completed(running):
                each.result()
                self.folder.done(f"sync {running[each].name}")
        target = template.template(site.software, _steps(syncs))
        # Once there are users, they are this lab's own.
        if "identity" not in done and not target.exists():
            processes.stop(self.folder, "mariadb")
            template.keep(site, target)
            self._run(site, programs.foundation(site))

    def _control_plane(self, site: Site, report: Report) -> None:
        """Start the services, and fill them while they start."""
        report("services")
        everything = programs.control_plane(site)
        self._start(site, [service for service in everything if service.name not in LATE])
        if "identity" not in site.memory.done:
            databases.run(site, databases.bootstrap(site), programs.environment(site))
        self._wait(site, [service for service in everything if service.name == "keystone"])
        if "identity" not in site.memory.done:
            report("users and endpoints")
            ids = Seed(site, admin(site)).identity()
            self.folder.remember(replace(self.folder.memory(), ids=ids))
            self.folder.done("identity")
        self._start(site, [service for service in everything if service.name in LATE])
        self._wait(site, everything)
        report("contents")
        self._contents(self._site(site.software))

    def _contents(self, site: Site) -> None:
        seed = Seed(site, admin(site))
        steps = {
            # Of services that there were not yet when the lab was made.
            "endpoints 2": seed.endpoints,
            "compute": seed.compute,
            "metering": seed.metering,
            "access": seed.access,
        }
        for name, step in steps.items():
            if name not in site.memory.done or (name == "access" and not self.folder.clouds.exists()):
                step()
                self.folder.done(name)

    def _run(self, site: Site, services: Sequence[Service]) -> None:
        self._start(site, services)
        self._wait(site, services)

    def _start(self, site: Site, services: Iterable[Service]) -> None:
        """Start those that do not run, or run and do not answer."""
        for service in services:
            if not self._well(site, service):
                teardown(self.folder.mark(service.name))
                if service.port and not is_free(site.memory.ports[service.port]):
                    raise LocalError(f"port {site.memory.ports[service.port]} of {service.name} is somebody else's")
                processes.start(self.folder, service.program)

    def _wait(self, site: Site, services: Iterable[Service]) -> None:
        """Wait until all answer; one that ended is started again, because what it needs may not have been there."""
        deadline = time.monotonic() + READY_SECONDS
        for service in services:
            starts = 1
            while not answers(site, service):
                ended = processes.main_process(self.folder, service.name) is None
                if time.monotonic() > deadline or (ended and starts == STARTS):
                    how = "ended" if ended else f"does not answer after {READY_SECONDS:.0f} s"
                    tail = processes.log_tail(self.folder, service.name)
                    raise LocalError(f"{service.name} {how}; the end of its log:\n{tail}")
                if ended:
                    processes.start(self.folder, service.program)
                    starts += 1
                time.sleep(LOOK_SECONDS)

    def _well(self, site: Site, service: Service) -> bool:
        """Say whether a service runs and, within some seconds, answers."""
        deadline = time.monotonic() + PATIENT_SECONDS
        while processes.main_process(self.folder, service.name) is not None:
            if answers(site, service):
                return True
            if time.monotonic() > deadline:
                break
            time.sleep(LOOK_SECONDS)
        return False

    @contextmanager
    def _only_one(self) -> Iterator[None]:
        """Hold the lab against a second `up`."""
        self.folder.root.mkdir(parents=True, exist_ok=True)
        with (self.folder.root / ".lock").open("ab") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _steps(syncs: Iterable[databases.Sync]) -> Sequence[str]:
    return [f"sync {sync.name}" for sync in syncs]


def _remove(root: Path) -> None:
    """Remove what a lab has made, its memory last, so that an interrupted removal is found and repeated."""
    for name in (*CONTENTS, MEMORY_FILE):
        entry = root / name
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
    if root.is_dir() and not any(root.iterdir()):
        root.rmdir()


def _mounts_below(folder: Path) -> Sequence[str]:
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    return [point for point in points if point.startswith(f"{folder.resolve()}/")]
