"""What tests against real HTCondor daemons share: a user's process, a pool's workers, how to wait."""

import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

from elastic.local.pool import Pool
from elastic.local.poolfolder import PoolFolder
from elastic.local.servers import LocalServer, ServerFolder
from elastic.local.userdata import UserData

T = TypeVar("T")
Row = Mapping[str, Any]

TOKEN_SECONDS = 86400.0
WAIT_SECONDS = 60.0
PATIENCE = 3.0
"""Limits are written as a quiet machine needs them, with room; where tests run side by side all takes longer."""
CALL_SECONDS = 120.0


def wait(condition: Callable[[], T | None], seconds: float = WAIT_SECONDS, what: str = "") -> T:
    """What `condition` gives as soon as that is true; AssertionError after `seconds`, of a patient clock.

    What takes long to be answered is asked for less often: else the asking itself is what keeps the machine busy.
    """
    deadline = time.monotonic() + PATIENCE * seconds
    while True:
        asked_at = time.monotonic()
        if found := condition():
            return found
        answered_at = time.monotonic()
        if answered_at > deadline:
            raise AssertionError(f"not within {PATIENCE * seconds:.0f} s: {what or condition}; last answer {found!r}")
        time.sleep(min(max(0.1, answered_at - asked_at), 0.5))


class CallError(Exception):
    """The bindings raised; the text is their error's."""


class Client:
    """One user of one pool in a process of its own: the bindings keep one identity in each process."""

    def __init__(self, folder: PoolFolder, token_folder: Path | None = None) -> None:
        """Start with the pool's own tokens, or with another user's in `token_folder`."""
        context = multiprocessing.get_context("spawn")
        environment = dict(folder.environment(token_folder))
        self._process = ProcessPoolExecutor(1, context, initializer=_become, initargs=(environment,))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._process.shutdown(cancel_futures=True)

    def call(self, function: Callable[..., T], *arguments: object) -> T:
        """What `function`, which stands at the top of a module, gives when called in that process; else CallError."""
        return self._process.submit(_call, function, *arguments).result(timeout=CALL_SECONDS)

    def submit(self, description: Mapping[str, str], count: int = 1, schedd: str = "") -> int:
        """Submit one cluster and give its id."""
        return self.call(_submit, dict(description), count, schedd)

    def jobs(self, constraint: str = "true", projection: Sequence[str] = (), schedd: str = "") -> Sequence[Row]:
        """The jobs in the queue."""
        return self.call(_jobs, constraint, list(projection), schedd)

    def history(self, constraint: str = "true", projection: Sequence[str] = (), schedd: str = "") -> Sequence[Row]:
        """The jobs that left the queue, newest first."""
        return self.call(_history, constraint, list(projection), schedd)

    def remove(self, constraint: str = "true", schedd: str = "") -> None:
        """Take jobs out of the queue, running ones too."""
        self.call(_remove, constraint, schedd)

    def machines(self, constraint: str = "true", projection: Sequence[str] = ()) -> Sequence[Row]:
        """Every slot in the collector, dynamic ones too."""
        return self.ads("Startd", constraint, projection)

    def ads(self, kind: str, constraint: str = "true", projection: Sequence[str] = ()) -> Sequence[Row]:
        """What the collector shows: `kind` is a name of AdType, such as Startd or Master."""
        return self.call(_ads, kind, constraint, list(projection))


class Lab:
    """A running pool with workers that a test starts itself, without the daemon under test."""

    def __init__(self, pool: Pool, client: Client) -> None:
        """Look after the workers of this pool."""
        self.pool = pool
        self.folder = pool.folder
        self.client = client
        self.servers = ServerFolder(root=pool.folder.servers, prefix=pool.prefix)
        self.static = ServerFolder(root=pool.folder.root / "static", prefix=pool.prefix)

    def start_worker(
        self,
        name: str,
        *,
        cpus: int = 1,
        memory_mb: int = 1024,
        gpus: int = 0,
        token_seconds: float = TOKEN_SECONDS,
        config: Mapping[str, str] | None = None,
    ) -> LocalServer:
        """Start one worker as the local cloud does; `config` goes into its condor configuration."""
        credentials = self.folder.enrolment(token_seconds).enrol(name)
        user_data = UserData(
            name=name,
            collector=self.pool.address,
            token=credentials.token,
            signing_key=credentials.signing_key,
            signing_key_id=credentials.signing_key_id,
            cpus=cpus,
            memory_mb=memory_mb,
            gpus=gpus,
            attributes={"ElasticWorker": name, "ElasticGroup": "test", "ElasticPool": "test"},
            config=config or {},
        )
        return self._folder(config or {}).create(user_data, {"pool": "test", "group": "test", "worker": name})

    def start_workers(self, count: int, *, cpus: int = 1) -> Sequence[LocalServer]:
        """Start workers w0, w1 ... and return once all of them have joined."""
        started = [self.start_worker(f"w{number}", cpus=cpus) for number in range(count)]
        ids = {server.id for server in started}
        wait(lambda: ids <= self.joined(), what=f"{count} workers join")
        return started

    def start_static(self, name: str, *, cpus: int = 1) -> str:
        """Start a machine that is not ours (nothing in its ad says that it is a server) and give its startd's name."""
        self.start_worker(name, cpus=cpus, config={"STARTD_ATTRS": ""})
        wait(lambda: self.client.machines(f'Machine =?= "{machine(name)}" || Name == "slot1@{machine(name)}"'))
        return machine(name)

    def joined(self) -> set[str]:
        """The ids of the servers whose startds are in the collector; none while it does not answer."""
        try:
            ads = self.client.machines("ElasticServerId isnt undefined", ["ElasticServerId"])
        except CallError:
            return set()
        return {ad["ElasticServerId"] for ad in ads}

    def _folder(self, config: Mapping[str, str]) -> ServerFolder:
        return self.static if "STARTD_ATTRS" in config else self.servers


def machine(worker: str) -> str:
    """The name of a worker's startd; its partitionable slot is slot1@ that."""
    return f"{worker}@127-0-0-1.elastic.local"


# -- in the client's process; the bindings read the environment when they are imported, so after _become


def _become(environment: Mapping[str, str]) -> None:
    """Take an identity and a pool."""
    for name in [name for name in os.environ if name.startswith(("_CONDOR_", "CONDOR_"))]:
        del os.environ[name]
    os.environ.update(environment)


def _call(function: Callable[..., T], *arguments: object) -> T:
    """Call, and turn an error of the bindings, which cannot be sent between processes, into one that can."""
    try:
        return function(*arguments)
    except Exception as error:  # noqa: BLE001  whatever it is, the test is told
        raise CallError(f"{type(error).__name__}: {error}") from None


def _schedd(name: str) -> Any:  # noqa: ANN401  the bindings have no types
    import htcondor2  # noqa: PLC0415

    # Asked for each time: it may have been started again, on another port.
    ads = htcondor2.Collector().query(htcondor2.AdType.Schedd)
    return htcondor2.Schedd(min((ad for ad in ads if ad["Name"].startswith(name)), key=lambda ad: ad["Name"]))


def _submit(description: dict[str, str], count: int, schedd: str) -> int:
    import htcondor2  # noqa: PLC0415

    return int(_schedd(schedd).submit(htcondor2.Submit(description), count=count).cluster())


def _jobs(constraint: str, projection: list[str], schedd: str) -> list[Row]:
    return [_plain(ad) for ad in _schedd(schedd).query(constraint, projection)]


def _history(constraint: str, projection: list[str], schedd: str) -> list[Row]:
    return [_plain(ad) for ad in _schedd(schedd).history(constraint, projection)]


def _remove(constraint: str, schedd: str) -> None:
    import htcondor2  # noqa: PLC0415

    _schedd(schedd).act(htcondor2.JobAction.Remove, constraint)


def _ads(kind: str, constraint: str, projection: list[str]) -> list[Row]:
    import htcondor2  # noqa: PLC0415

    found = htcondor2.Collector().query(getattr(htcondor2.AdType, kind), constraint, projection)
    return [_plain(ad) for ad in found]


def _plain(ad: Any) -> Row:  # noqa: ANN401  the bindings have no types
    """An ad as a dictionary that can be sent between processes; expressions become text."""
    simple = (str, int, float, bool, type(None))
    return {name: value if isinstance(value, simple) else str(value) for name, value in ad.items()}
