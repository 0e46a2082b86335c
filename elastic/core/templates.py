"""What a worker of a group looks like to a job: as configured, as the last one joined, and when which is believed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from elastic.core.demand import PREFIX
from elastic.core.memory import GroupMemory, Memory, OddWorker, Template, WorkerRecord
from elastic.core.model import GroupSpec, Worker
from elastic.core.observation import JobShape, Machine, Observations, Queue
from elastic.core.resources import Resources

PLAIN = "plain:"
"""Template ids of the configured shape of a group whose learned template nobody could correct now."""
PLAUSIBLE = 0.5
"""Of the configured cpus, memory and gpus: with less, a worker is broken rather than the configuration rough."""


def configured(spec: GroupSpec) -> Template:
    """The configured shape less the reserve, with what else the settings promise of a worker."""
    return Template(ad="", resources=spec.shape.less(spec.reserve), attributes=spec.plain_attributes)


def template(known: GroupMemory | None, spec: GroupSpec) -> Template:
    """What jobs are judged against: a worker as last joined, before that as configured."""
    return known.template if known is not None and known.template is not None else configured(spec)


def wanted(memory: Memory, specs: Mapping[str, GroupSpec]) -> Mapping[str, Template]:
    """What jobs are to be judged against, by template id; the configured shape too where no worker could correct."""
    here = {r.group for r in memory.workers.values() if r.joined_at is not None and r.vanished_at is None}
    found = {f"{PREFIX}{name}": template(memory.groups.get(name), spec) for name, spec in sorted(specs.items())}
    for name, spec in sorted(specs.items()):
        if name not in here and found[f"{PREFIX}{name}"].learned:
            found[f"{PLAIN}{name}"] = configured(spec)
    return found


def learn(
    known: GroupMemory,
    spec: GroupSpec,
    joined: Sequence[WorkerRecord],
    machines: Mapping[str, Machine],
    ads: Mapping[str, str],
) -> GroupMemory:
    """The last joined worker's whole ad becomes the group's template, once the batch system has fetched that kind.

    A worker far smaller than configured does not, unless another one was as small: then the configuration is wrong.
    """
    for record in sorted(joined, key=lambda r: (-(r.joined_at or 0.0), r.name)):
        machine = machines.get(record.name)
        if machine is None or machine.template not in ads:
            continue
        if why := _implausible(machine.total, spec):
            before = known.odd
            odd = OddWorker(worker=record.name, total=machine.total, joined_at=record.joined_at or 0.0, reason=why)
            if before is not None and before.worker == odd.worker:
                continue
            if before is None or not _alike(before, odd):
                known = replace(known, odd=odd)
                continue
        elif known.odd is not None and known.odd.joined_at < (record.joined_at or 0.0):
            known = replace(known, odd=None)
        found = Template(ad=ads[machine.template], resources=machine.total, learned=True)
        at = max(known.template_learned_at, record.joined_at or 0.0)
        if (found, at) == (known.template, known.template_learned_at):
            return known
        return replace(known, template=found, template_learned_at=at)
    return known


def doubt(
    known: GroupMemory, spec: GroupSpec, workers: Iterable[Worker], queue: Queue | None, now: float
) -> GroupMemory:
    """Without a template where it refuses jobs that the configured shape would take, and nothing else corrects it.

    Nothing else: no worker of the group is there, and the jobs fit nowhere. The next worker then shows which is right;
    not more often than every `template_trial_seconds`, for that worker may be asked for in vain, as the last one was.
    """
    learned = known.template is not None and known.template.learned
    shown_at = max(known.template_learned_at, known.template_dropped_at)
    if not learned or now - shown_at < spec.template_trial_seconds:
        return known
    if any(w.record.joined_at is not None and w.record.vanished_at is None for w in workers):
        return known
    shapes = (shape for schedd in (queue.schedds if queue else ()) for shape in schedd.shapes)
    refused = [s for s in shapes if s.idle + s.hidden and set(s.fits) == {f"{PLAIN}{spec.name}"}]
    if not refused:
        return known
    first = min(refused, key=lambda shape: shape.id)
    why = first.misfits.get(f"{PREFIX}{spec.name}", "not fit for it")
    text = f"jobs like {first.example or first.id} would fit a worker as configured, and not as last joined: {why}"
    return replace(known, template=None, template_dropped_at=now, template_dropped_reason=text)


def without_plain(seen: Observations) -> Observations:
    """The same for everybody who asks where jobs fit: no worker stands behind a plain template."""
    queue = seen.queue.value
    # A schedd's jobs are all judged against the same templates, so that one shape of each tells.
    if queue is None or not any(_plain(schedd.shapes[0]) for schedd in queue.schedds if schedd.shapes):
        return seen
    schedds = tuple(
        replace(schedd, shapes=tuple(_cleaned(shape) for shape in schedd.shapes)) for schedd in queue.schedds
    )
    return replace(seen, queue=replace(seen.queue, value=replace(queue, schedds=schedds)))


def _implausible(total: Resources, spec: GroupSpec) -> str:
    """What is missing of the configured shape; the disk is not judged: it depends on the image."""
    shape = configured(spec).resources
    parts = (
        ("cpus", total.cpus, shape.cpus),
        ("MB of memory", total.memory_mb, shape.memory_mb),
        ("gpus", total.gpus, shape.gpus),
    )
    short = [f"{has} {what} instead of {should}" for what, has, should in parts if has < PLAUSIBLE * should]
    return ", ".join(short)


def _alike(one: OddWorker, other: OddWorker) -> bool:
    """Of one size, within a sixteenth of the memory: detected sizes differ a little."""
    same = (one.total.cpus, one.total.gpus) == (other.total.cpus, other.total.gpus)
    return same and abs(one.total.memory_mb - other.total.memory_mb) * 16 <= one.total.memory_mb


def _plain(shape: JobShape) -> bool:
    return any(kind.startswith(PLAIN) for kind in (*shape.fits, *shape.misfits))


def _cleaned(shape: JobShape) -> JobShape:
    return replace(
        shape,
        fits={kind: takes for kind, takes in shape.fits.items() if not kind.startswith(PLAIN)},
        misfits={kind: why for kind, why in shape.misfits.items() if not kind.startswith(PLAIN)},
    )
