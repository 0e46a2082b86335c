"""As many workers as the jobs need: those that run jobs, those that have jobs waiting for them, and what is unmet."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from elastic.core.model import Snapshot, WorkerGroup
from elastic.core.policy import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Workers = busy + held + unmet + headroom, at most `cap` (None: the group's maximum decides).

    Busy workers run the group's own jobs. Held ones are idle or upcoming and have idle jobs packed onto them. Unmet
    is how many further workers the jobs need that found no free room anywhere. `headroom` workers are kept ready
    beyond that, so that the next jobs start without a boot. All are whole workers: a job never waits for a fraction.

    Two corrections. Unmet jobs had no room on any worker that is there, idle ones included: such an idle worker does
    not stand for a new one. A worker lost a moment ago counts as there, so it is wanted too, until it is given up.

    With `drain_seconds`, and where run times are estimated, no more than finish the work that is left in that time:
    work / (`drain_seconds` x cores of a worker), but never fewer than are busy. Short jobs then share workers.
    """

    headroom: int = 0
    cap: int | None = None
    drain_seconds: float | None = None

    def decide(self, snapshot: Snapshot) -> Mapping[str, Target]:
        """The sum for every group, with its parts as the reason."""
        work = snapshot.demand.expected_core_seconds if self.drain_seconds is not None else None
        return {name: self._of(group, work) for name, group in snapshot.groups.items()}

    def _of(self, group: WorkerGroup, work: float | None) -> Target:
        demand = group.demand
        used = group.busy + demand.held_workers
        useless = max(0, group.ready + group.upcoming - used - self.headroom) if demand.unmet_workers else 0
        needed = used + demand.unmet_workers + useless
        enough = None if work is None else self._enough(group, work)
        if enough is not None:
            needed = min(needed, max(group.busy, enough))
        wanted = needed + self.headroom + group.lost_counted
        reason = (
            f"{group.busy} busy + {demand.held_workers} held for {demand.placed_jobs} idle jobs"
            f" + {demand.unmet_workers} for {demand.unmet_jobs} unmet jobs + {self.headroom} headroom"
        )
        reason += f" + {useless} idle that cannot take them" if useless else ""
        reason += f" + {group.lost_counted} lost a moment ago" if group.lost_counted else ""
        if enough is not None:
            reason += f"; {enough} finish the {work:.0f} core-seconds of work in {self.drain_seconds:.0f} s"
        elif self.drain_seconds is not None:
            reason += "; nobody estimates run times"
        if self.cap is not None and wanted > self.cap:
            return Target(self.cap, f"{reason}; capped at {self.cap}")
        return Target(wanted, reason)

    def _enough(self, group: WorkerGroup, work: float) -> int | None:
        """How many workers of the group finish this work in time; None where nobody asks."""
        if self.drain_seconds is None:
            return None
        cores = group.template.cpus or group.spec.shape.cpus or 1
        return ceil(work / (self.drain_seconds * cores))
