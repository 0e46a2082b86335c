"""A whole lab: brought up in order, looked at, brought down; each safe to repeat from wherever it was interrupted."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from elastic.lab import databases, processes, programs
from elastic.lab.configs import Site, write
from elastic.lab.folder import LabFolder, new_memory
from elastic.lab.health import Row, admin, answers, rows
from elastic.lab.programs import Service
from elastic.lab.seed import Seed
from elastic.lab.software import Report, Software, known, prepare
from elastic.local import runtime
from elastic.local.errors import LocalError
from elastic.local.loopback import is_free
from elastic.local.processes import marked, teardown
from elastic.local.sandbox import require

RELEASE = "2026.2"
READY_SECONDS = 240.0
LOOK_SECONDS = 0.1
PATIENT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Lab:
    """One lab below `folder`."""

    folder: LabFolder

    def up(self, report: Report, *, first_port: int | None = None) -> None:
        """Start everything that does not run; return once servers can be booted. Raise LocalError, with a log's end."""
        require()
        report("software")
        software = prepare(report)
        runtime.prepare()
        if not self.folder.exists:
            self.folder.remember(new_memory(RELEASE, first_port))
        site = self.site(software)
        databases.make_folders(site)
        write(site)
        self._foundation(site, software, report)
        self._tables(site, software, report)
        self._identity(site, software, report)
        report("control plane")
        site = self.site(software)
        everything = programs.services(site, software)
        self._run(site, everything)
        self._contents(site, report)
        report("first server")
        self._smoke(site)

    def site(self, software: Software) -> Site:
        """Return what configurations are made from."""
        return Site(
            folder=self.folder,
            memory=self.folder.memory(),
            etc=software.openstack / "etc",
            senlin_etc=software.senlin / "etc",
        )

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
        if purge and self.folder.exists:
            shutil.rmtree(self.folder.root)
        return count

    def status(self) -> Sequence[Row]:
        """Return how each service is; raise LocalError if there is no lab."""
        software = known()
        site = self.site(software)
        return rows(site, programs.services(site, software))

    def _foundation(self, site: Site, software: Software, report: Report) -> None:
        report("database and broker")
        databases.prepare_mariadb(site)
        databases.prepare_rabbitmq(site)
        self._run(site, (programs.mariadb(site), programs.rabbitmq(site), *programs.beside(site)[:1]))

    def _tables(self, site: Site, software: Software, report: Report) -> None:
        """Make the tables that were not made before."""
        wanted = [sync for sync in databases.syncs(site, software) if f"sync {sync.name}" not in site.memory.done]
        if not wanted:
            return
        report("tables")
        environment = programs.tool_environment(site, software)
        with ThreadPoolExecutor(max_workers=4) as pool:
            running = {pool.submit(databases.run, site, sync, environment): sync for sync in wanted}
            for done in as_completed(running):
                done.result()
                self.folder.done(f"sync {running[done].name}")

    def _identity(self, site: Site, software: Software, report: Report) -> None:
        self._run(site, programs.foundation(site, software)[-1:])
        if "identity" in site.memory.done:
            return
        report("users and endpoints")
        ids = Seed(site, admin(site)).identity()
        self.folder.remember(replace(self.folder.memory(), ids=ids))
        self.folder.done("identity")

    def _contents(self, site: Site, report: Report) -> None:
        steps: Mapping[str, Callable[[Seed], None]] = {
            "compute": Seed.compute,
            "metering": Seed.metering,
            "access": Seed.access,
        }
        for name, step in steps.items():
            if name not in site.memory.done or (name == "access" and not self.folder.clouds.exists()):
                report(name)
                step(Seed(site, admin(site)))
                self.folder.done(name)

    def _run(self, site: Site, wanted: Iterable[Service]) -> None:
        """Start those that do not run, then wait until all answer."""
        services = tuple(wanted)
        for service in services:
            if not self._well(site, service, PATIENT_SECONDS):
                if service.port and not _freed(self.folder, site, service):
                    raise LocalError(f"port {site.memory.ports[service.port]} of {service.name} is somebody else's")
                processes.start(self.folder, service.program)
        deadline = time.monotonic() + READY_SECONDS
        for service in services:
            while not answers(site, service):
                ended = processes.main_process(self.folder, service.name) is None
                if ended or time.monotonic() > deadline:
                    how = "ended" if ended else f"does not answer after {READY_SECONDS:.0f} s"
                    tail = processes.log_tail(self.folder, service.name)
                    raise LocalError(f"{service.name} {how}; the end of its log:\n{tail}")
                time.sleep(LOOK_SECONDS)

    def _well(self, site: Site, service: Service, seconds: float) -> bool:
        """Say whether a service runs and, within some seconds, answers."""
        deadline = time.monotonic() + seconds
        while processes.main_process(self.folder, service.name):
            if answers(site, service):
                return True
            if time.monotonic() > deadline:
                break
            time.sleep(LOOK_SECONDS)
        return False

    def _smoke(self, site: Site) -> None:
        """Boot servers until one is ACTIVE: those that come while nova-compute starts end in ERROR."""
        session, nova = admin(site), site.url("nova", "/v2.1")
        deadline = time.monotonic() + READY_SECONDS
        wanted = {"name": "smoke", "flavorRef": "worker-1", "imageRef": "", "networks": "none"}
        version = {"OpenStack-API-Version": "compute 2.47"}
        image = session.get(site.url("glance", "/v2/images?name=elastic-worker"))["images"][0]["id"]
        wanted["imageRef"] = image
        while True:
            server = session.ask("POST", f"{nova}/servers", {"server": wanted}, version)["server"]["id"]
            status = "BUILD"
            while status == "BUILD" and time.monotonic() < deadline:
                time.sleep(0.2)
                status = session.get(f"{nova}/servers/{server}")["server"]["status"]
            session.ask("DELETE", f"{nova}/servers/{server}")
            if status == "ACTIVE":
                return
            if time.monotonic() > deadline:
                raise LocalError(f"no server boots; see {self.folder.log}/nova-compute.log and its neighbours")
            time.sleep(1.0)


def _freed(folder: LabFolder, site: Site, service: Service) -> bool:
    """End what is left of a service and say whether its port can be had."""
    teardown(folder.mark(service.name))
    return is_free(site.memory.ports[service.port])


def _mounts_below(folder: Path) -> Sequence[str]:
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    return [point for point in points if point.startswith(f"{folder.resolve()}/")]
