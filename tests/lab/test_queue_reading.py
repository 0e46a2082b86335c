"""A queue is read in groups, halves and processes side by side; job by job, at leisure, it must come to the same."""

from collections.abc import Mapping
from dataclasses import dataclass

from elastic.adapters.htcondor.target import ScheddTarget
from elastic.core.memory import Template
from elastic.core.observation import ScheddQueue
from elastic.core.resources import Resources
from tests.lab.jobs import Jobs
from tests.lab.support import Client, wait

NAME = "127-0-0-1.elastic.local"
TEMPLATES = {"group:g": Template(ad="", resources=Resources(4, 4096, 100_000, 0))}
QUEUE = """
    executable = /bin/sleep
    arguments = 60
    request_cpus = $(cpus)
    request_memory = $(memory)
    request_disk = 1000
    requirements = $(needs)
    log = /dev/null
"""


@dataclass(frozen=True)
class Seen:
    """What the adapter says of the queue when it knows nothing of it, when it knows its shapes, and in halves."""

    first: ScheddQueue
    again: ScheddQueue
    halved: ScheddQueue
    singly: ScheddQueue


def test_groups_halves_and_single_jobs_tell_the_same(client: Client, jobs: Jobs) -> None:
    items = [
        {"cpus": str(cpus), "memory": str(memory), "needs": needs}
        for cpus in (1, 2)
        for memory in (100, 101, 3000)
        for needs in ("true", "TARGET.Memory > 10 && Owner isnt undefined", "MY.Wanted =?= undefined || Chain")
    ]
    client.call(_submit, items, 3)
    jobs.sleep("plain", 7, 60)
    jobs.sleep("quota", 5, 60, concurrency_limits="cat,dog:2", accounting_group="group_a", accounting_group_user="u")
    jobs.sleep("growing", 4, 60, request_memory="64 * (1 + NumJobStarts)")
    jobs.sleep("factory", 30, 60, max_idle="5", **{"+Wanted": "1"})
    jobs.sleep("held", 3, 60, hold="true")
    jobs.sleep("local", 2, 600, universe="local", requirements="false")
    jobs.sleep("edited", 6, 60)
    client.call(_edit, "edited")
    wait(lambda: len(client.jobs('Iwd isnt undefined && regexp("/factory$", Iwd)')) >= 5)
    seen: Seen = client.call(_seen)
    assert seen.first == seen.singly
    assert seen.again == seen.first
    assert seen.halved == seen.first
    assert sum(shape.idle for shape in seen.first.shapes) == 18 * 3 + 7 + 5 + 4 + 5 + 6
    assert sum(shape.hidden for shape in seen.first.shapes) == 25
    assert (seen.first.held, dict(seen.first.other_universes)) == (3, {"local": 2})
    # Plain, growing and the factory's jobs are alike; so is the half of a cluster that was not edited.
    assert len(seen.first.shapes) == 18 + 1 + 1 + 1


def test_what_was_edited_in_place_is_seen_at_once(client: Client, jobs: Jobs) -> None:
    """HTCondor notes nowhere that a job was edited: nothing of a queue may be taken over from the last tick."""
    batch = jobs.sleep("plain", 4, 60)
    (before,) = client.call(_queue_of).shapes
    assert before.fits
    client.call(_set, f"ClusterId == {batch.cluster}", "Requirements", "TARGET.Memory > 1000000")
    (after,) = client.call(_queue_of).shapes
    assert (after.idle, after.fits) == (4, {})
    client.call(_set, f"ClusterId == {batch.cluster}", "RequestCpus", "2")
    assert client.call(_queue_of).shapes[0].request.cpus == 2


# -- in the client's process, where the bindings are


def _submit(items: list[Mapping[str, str]], count: int) -> None:
    import htcondor2  # noqa: PLC0415 - it reads the environment when it is imported

    htcondor2.Schedd().submit(htcondor2.Submit(QUEUE), count=count, itemdata=iter(items))


def _edit(folder: str) -> None:
    """Half of the jobs of a cluster ask for something else now."""
    _set(f'regexp("/{folder}$", Iwd) && ProcId % 2 == 0', "Requirements", "TARGET.Memory > 20")


def _set(constraint: str, name: str, value: str) -> None:
    import htcondor2  # noqa: PLC0415

    htcondor2.Schedd().edit(constraint, name, value)


def _queue_of() -> ScheddQueue:
    from elastic.adapters.htcondor import schedd  # noqa: PLC0415

    return schedd.queue(_target(), TEMPLATES, {})[0]


def _seen() -> Seen:
    from elastic.adapters.htcondor import groups, schedd  # noqa: PLC0415

    schedd._known.clear()  # noqa: SLF001
    first, again = _queue_of(), _queue_of()
    before, groups.LONG = groups.LONG, 0
    try:
        halved = _queue_of()
    finally:
        groups.LONG = before
    return Seen(_still(first), _still(again), _still(halved), _still(_singly()))


def _singly() -> ScheddQueue:
    """The queue by a slower way: every job by itself, its whole ad, one question after the other."""
    import classad2  # noqa: PLC0415
    import htcondor2  # noqa: PLC0415

    from elastic.adapters.htcondor import schedd, shapes, singles, templates  # noqa: PLC0415

    daemon = htcondor2.Schedd()
    nothing: frozenset[str] = frozenset()
    machine = templates.ad_of(TEMPLATES["group:g"], {})
    found: dict[shapes.Key, shapes.Gathered] = {}
    for ad in daemon.query("JobUniverse == 5 && JobStatus =!= 5"):
        job = shapes.reduced(ad, nothing)
        job["JobCount"], job["JobIds"] = 1, f"{ad['ClusterId']}.{ad['ProcId']}"
        for key, shape in shapes.gather([job], nothing).items():
            if key in found:
                shapes.merge(found, key, "", shape)
            else:
                found[key] = shape
    names = sorted({name for shape in found.values() for name in shape.ad} - {"JobCount", "JobIds"})
    more = singles.singles(daemon, NAME, names, nothing)
    more.add_to(found, nothing)
    assert isinstance(machine[1], classad2.ClassAd)
    seen = shapes.finish(NAME, found, {"group:g": machine}, shapes.Judged(), more.waits, {})
    return schedd._queue(NAME, more.counts, seen)  # noqa: SLF001


def _still(queue: ScheddQueue) -> ScheddQueue:
    """The queue without what the passing of time changes."""
    from dataclasses import replace  # noqa: PLC0415

    return replace(queue, shapes=tuple(replace(shape, oldest_wait_seconds=0.0) for shape in queue.shapes))


def _target() -> ScheddTarget:
    import htcondor2  # noqa: PLC0415

    (ad,) = htcondor2.Collector().locateAll(htcondor2.DaemonType.Schedd)
    return ScheddTarget(name=NAME, address=ad["MyAddress"], stamps={})
