"""What the simulated schedds answer about their queues, and what is remembered of one that is silent."""

from collections.abc import Mapping

from elastic.core.memory import Template
from elastic.core.observation import JobShape, Queue, ScheddQueue
from elastic.core.resources import Resources
from elastic_simulations.grid import Grid
from elastic_simulations.jobs import JobStatus
from elastic_simulations.outlook import Outlook
from elastic_simulations.schedd import Autocluster, Schedd
from elastic_simulations.specs import Kind, MachineSpec, takes


class QueueView:
    """One daemon's reading of all queues; the last answer of each schedd is kept for when it is silent."""

    def __init__(self, grid: Grid) -> None:
        """Nothing heard yet."""
        self._grid = grid
        self._outlook = Outlook(grid)
        self._last: dict[str, tuple[float, ScheddQueue]] = {}

    def queue(self, templates: Mapping[str, Template]) -> Queue:
        """Every schedd's queue by shape, sorted by name; a silent one's as it was, with its age."""
        texts = {key: template.ad or _plain(template.resources) for key, template in templates.items()}
        texts |= {s.spec.kind: s.spec.template for s in self._grid.startds.values()}
        return Queue(schedds=tuple(self._one(schedd, texts) for _, schedd in sorted(self._grid.schedds.items())))

    def _one(self, schedd: Schedd, texts: Mapping[str, str]) -> ScheddQueue:
        if schedd.up:
            answer = self._asked(schedd, texts)
            self._last[schedd.name] = (self._grid.now, answer)
            return answer
        at, last = self._last.get(schedd.name, (self._grid.now, ScheddQueue(schedd=schedd.name, shapes=())))
        return ScheddQueue(
            schedd=last.schedd,
            shapes=last.shapes,
            other_universes=last.other_universes,
            held=last.held,
            running=last.running,
            expected_core_seconds=last.expected_core_seconds,
            age_seconds=self._grid.now - at,
            error=f"schedd {schedd.name} does not answer",
        )

    def _asked(self, schedd: Schedd, texts: Mapping[str, str]) -> ScheddQueue:
        groups = schedd.autoclusters.values()
        alike: dict[Kind, list[Autocluster]] = {}
        others: dict[str, int] = {}
        for group in groups:
            if group.kind.universe != "vanilla":
                others[group.kind.universe] = others.get(group.kind.universe, 0) + group.idle + group.running
            elif group.idle or group.running or group.hidden:
                alike.setdefault(group.kind._replace(owner=""), []).append(group)
        return ScheddQueue(
            schedd=schedd.name,
            shapes=tuple(self._shape(schedd, kind, same, texts) for kind, same in alike.items()),
            other_universes={universe: count for universe, count in sorted(others.items()) if count},
            held=sum(job.status is JobStatus.HELD for job in schedd.jobs.values()),
            running=sum(group.running for group in groups if group.kind.universe == "vanilla"),
            expected_core_seconds=self._outlook.core_seconds(schedd),
        )

    def _shape(self, schedd: Schedd, kind: Kind, same: list[Autocluster], texts: Mapping[str, str]) -> JobShape:
        heads = [job for group in same if (job := group.head()) is not None]
        oldest = min((job.submit_us for job in heads), default=None)
        fits, misfits = _fits(kind, texts)
        return JobShape(
            id=f"{schedd.name}/{same[0].number}",
            idle=sum(group.idle for group in same),
            running=sum(group.running for group in same),
            hidden=sum(group.hidden for group in same),
            request=kind.request,
            fits=fits,
            misfits=misfits,
            oldest_wait_seconds=None if oldest is None else (self._grid.timeline.now_us - oldest) / 1e6,
            concurrency_limits=kind.limits,
            accounting_group=kind.accounting_group,
            example=heads[0].id if heads else same[0].example,
            queue_stamp=str(max(group.last_cluster for group in same)),
            last_reject_reason=next((group.reject_reason for group in same if group.reject_reason), ""),
        )


def _fits(kind: Kind, texts: Mapping[str, str]) -> tuple[dict[str, Resources], dict[str, str]]:
    fits: dict[str, Resources] = {}
    misfits: dict[str, str] = {}
    for key, text in sorted(texts.items()):
        match takes(kind, text):
            case str() as reason:
                misfits[key] = reason
            case Resources() as room:
                fits[key] = room
    return fits, misfits


def _plain(resources: Resources) -> str:
    return MachineSpec(total=resources).template
