"""Where a lab keeps what it writes, and what it remembers of itself: its ports, passwords and ids."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from elastic.local.errors import LocalError
from elastic.local.loopback import free_port, is_free
from elastic.local.runtime import runtime_home

MEMORY_FILE = "lab.json"
# Everything else that a lab writes into its folder.
CONTENTS = (
    "home",
    "log",
    "run",
    "state",
    "servers",
    "condor",
    "services",
    "clouds.yaml",
    "faults.json",
    "projects",
    ".lock",
)
PORTS = (
    "mariadb",
    "rabbitmq",
    "rabbitmq-distribution",
    "epmd",
    "keystone",
    "placement",
    "glance",
    "neutron",
    "nova",
    "heat",
    "heat-cfn",
    "senlin",
    "gnocchi",
    "aodh",
    "cinder",
)
# Of services among themselves, of the database and the broker, and of the people in the lab.
SECRETS = ("database", "broker", "service", "metadata", "heat-domain", "admin", "elastic")
# The path of the database's socket must fit into what the kernel allows.
LONGEST_SOCKET = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What stays the same over all starts of one lab. `done` names the steps that need not be repeated."""

    release: str
    ports: Mapping[str, int]
    secrets: Mapping[str, str]
    ids: Mapping[str, str] = field(default_factory=dict)
    done: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class LabFolder:
    """The folder of one lab; nothing of a lab lies outside it, but for the unpacked software that labs share."""

    root: Path

    def __post_init__(self) -> None:
        """Refuse a folder whose paths would be too long for a socket."""
        if len(str(self.socket)) > LONGEST_SOCKET:
            raise LocalError(f"the path {self.root} is too long for a socket below it; choose a shorter one")

    @property
    def home(self) -> Path:
        """The home folder of every service: oslo.config finds `.nova/nova.conf` and its like below it."""
        return self.root / "home"

    @property
    def log(self) -> Path:
        """One log file for each service."""
        return self.root / "log"

    @property
    def run(self) -> Path:
        """Where services run: a folder that holds no package of Python."""
        return self.root / "run"

    @property
    def state(self) -> Path:
        """What services keep: databases, queues, images, measures."""
        return self.root / "state"

    @property
    def socket(self) -> Path:
        """The database's socket."""
        return self.root / "run" / "mariadb.sock"

    @property
    def servers(self) -> Path:
        """One folder for each server, named by its id."""
        return self.root / "servers"

    @property
    def condor(self) -> Path:
        """The pool: central manager, tokens, files of jobs."""
        return self.root / "condor"

    @property
    def faults(self) -> Path:
        """What the hypervisor is to do wrong, as JSON; absent: nothing."""
        return self.root / "faults.json"

    @property
    def projects(self) -> Path:
        """One folder for each project of which `faults.json` (as `faults`) or `limits.json` say something special.

        `limits.json` says how much `port`, `volumes` and `gigabytes` the project may have; absent: everything.
        """
        return self.root / "projects"

    @property
    def clouds(self) -> Path:
        """The clouds.yaml of this lab."""
        return self.root / "clouds.yaml"

    @property
    def exists(self) -> bool:
        """Whether a lab has ever been made here."""
        return (self.root / MEMORY_FILE).exists()

    def mark(self, service: str) -> Path:
        """Return the mark by which a service's processes are known."""
        return self.root / "services" / service

    def remember(self, memory: Memory) -> None:
        """Write what is to be known at the next start."""
        self.root.mkdir(parents=True, exist_ok=True)
        write_private(self.root / MEMORY_FILE, json.dumps(asdict(memory), indent=1))

    def memory(self) -> Memory:
        """Return what is known of the lab; raise LocalError if there is none."""
        try:
            return Memory(**json.loads((self.root / MEMORY_FILE).read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise LocalError(f"there is no lab in {self.root}; `elastic lab up` makes one") from error

    def done(self, *steps: str) -> None:
        """Remember that these steps need not be repeated."""
        memory = self.memory()
        self.remember(replace(memory, done=sorted({*memory.done, *steps})))


def default_root() -> Path:
    """Return where the lab is unless another folder is named: `.local/lab` of this clone."""
    return runtime_home().parent / "lab"


def new_memory(release: str, first_port: int | None) -> Memory:
    """Return what a new lab is to remember; its ports follow one another from `first_port`, else are any free ones."""
    return Memory(
        release=release,
        ports=_free_ports() if first_port is None else _ports_from(first_port),
        secrets={name: secrets.token_hex(16) for name in SECRETS},
    )


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read; who reads it meanwhile sees the old one or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial")
    partial.touch(mode=0o600)
    partial.write_text(text, encoding="utf-8")
    partial.rename(file)


def with_all_ports(memory: Memory) -> Memory:
    """Return the same, with ports for services that there were not yet when the lab was made."""
    return replace(memory, ports={**_free_ports(), **memory.ports}) if set(PORTS) - memory.ports.keys() else memory


def _free_ports() -> Mapping[str, int]:
    found: set[int] = set()
    while len(found) < len(PORTS):
        found.add(free_port())
    return dict(zip(PORTS, sorted(found), strict=True))


def _ports_from(first: int) -> Mapping[str, int]:
    ports = {name: first + place for place, name in enumerate(PORTS)}
    if taken := [f"{port} ({name})" for name, port in ports.items() if not is_free(port)]:
        raise LocalError(f"ports in use on 127.0.0.1: {', '.join(taken)}; choose another --first-port")
    return ports
