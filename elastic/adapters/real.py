"""A real world: an HTCondor pool, a cloud beside it, and the machine's own clock."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from elastic.adapters.htcondor import HTCondorBatch, HTCondorSettings, credentials
from elastic.core.model import GroupSpec
from elastic.core.planner import named_by
from elastic.ports import Cloud, Finding, PortError, Telemetry, WorldSpec


class WallClock:
    """The clock of this machine."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()


class ReconfigurableCloud(Cloud, Protocol):
    """A cloud that takes changed groups."""

    def reconfigure(self, groups: Mapping[str, GroupSpec]) -> None:
        """Take changed groups for all later calls."""


class RealWorld:
    """Implements `elastic.ports.World` for a cloud; `htcondor` is the settings' section of that name."""

    def __init__(self, spec: WorldSpec, cloud: ReconfigurableCloud, htcondor: Mapping[str, Any]) -> None:
        """Ask nobody yet."""
        settings = _settings(spec, htcondor)
        self._token_folder = settings.token_folder
        self._ledger = spec.ledger
        self.batch = HTCondorBatch(settings)
        self.cloud = cloud
        self.telemetry: Telemetry | None = None
        self.clock = WallClock()
        self.speed = 1.0

    def arrive(self, when: float) -> None:
        """Time passes by itself."""

    def check(self) -> Sequence[Finding]:
        """Whether our tokens can be read and are valid, one of our workers would let us drain it, and workers empty."""
        return (credentials.check(self._token_folder, self.clock.now()), self._right_to_drain(), self._filling())

    def reconfigure(self, groups: Mapping[str, GroupSpec]) -> None:
        """Take changed worker groups."""
        self.cloud.reconfigure(groups)

    def close(self) -> None:
        """End the processes that ask HTCondor; workers stay as they are."""
        self.batch.close()

    def _filling(self) -> Finding:
        """Whether the negotiator fills workers one after the other; a pool that spreads works, and costs more."""
        what = "order of filling"
        try:
            rank = self.batch.spreads()
        except PortError as error:
            mend = "mend what is said about the negotiator first"
            return Finding(what=what, ok=False, seen=str(error), mend=mend)
        if not rank:
            return Finding(what=what, ok=True, seen="workers that have jobs are filled first, so that others get empty")
        mend = "workers hardly ever get empty so: take NEGOTIATOR_PRE_JOB_RANK from condor-config"
        return Finding(what=what, ok=False, seen=f"jobs are spread over all workers: {rank}", mend=mend)

    def _right_to_drain(self) -> Finding:
        what = "the right to drain"
        try:
            # The pool may have workers of another daemon, which gave us no right.
            ours = [
                machine for machine in self.batch.machines().machines if named_by(self._ledger, machine.worker or "")
            ]
            if not ours:
                return Finding(what=what, ok=True, seen="no worker of ours is in the pool now, so none was asked")
            machine = min(ours, key=lambda m: m.name)
            granted = self.batch.authorised(machine)
        except PortError as error:
            return Finding(what=what, ok=False, seen=str(error), mend="mend what is said about the collector first")
        if granted:
            return Finding(what=what, ok=True, seen=f"{machine.name} grants it")
        mend = (
            "give its startd a key that signed one of our tokens and ALLOW_ADMINISTRATOR, or set htcondor.drain_program"
        )
        return Finding(what=what, ok=False, seen=f"{machine.name} refuses it", mend=mend)


def _settings(spec: WorldSpec, given: Mapping[str, Any]) -> HTCondorSettings:
    known = HTCondorSettings.__dataclass_fields__
    named = {name: value for name, value in given.items() if name in known}
    # As the shipped fragment calls the workers' network: who names the same one needs no broker.
    network = {"PRIVATE_NETWORK_NAME": f"elastic-{spec.pool}"} if given.get("same_network", True) else {}
    own = {"ledger": spec.ledger, "token_folder": Path(given["token_folder"]), "parameters": network}
    return HTCondorSettings(**{**named, **own})
