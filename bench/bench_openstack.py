"""How long a job waits until a new worker runs it, on the one-machine OpenStack, for each backend: prints JSON.

Seconds from the submission to the job's start, split: *decision* (until the daemon begins to ask: waiting for the next
tick, and the tick), *api* (until its request is answered), *boot* (until Nova says ACTIVE), *join* (until the startd is
in the collector), *match* (until the job runs). Each round begins with an empty group, at a moment that has nothing to
do with the ticks; the first one also makes the stack or cluster. Needs a running lab (`make lab`; ELASTIC_LAB names
another), as root, and four minutes on a quiet machine. `-o table` prints the table of docs/measurements.md.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from elastic.local.runtime import prepare
from tests.lab.events import Kind
from tests.lab.jobs import Batch
from tests.lab.shown import only_on
from tests.openstack.project import project
from tests.openstack.rig import lab_folder
from tests.openstack.site import OpenStackSite, group
from tests.openstack.stories import BACKENDS

TICK_SECONDS = 5.0
LOOK_SECONDS = 0.1
GIVE_UP_SECONDS = 300.0
PARTS = ("decision", "api", "boot", "join", "match")
BEFORE_ACTING = ("observe", "assemble", "decide", "constrain", "plan")


def main() -> None:
    """One line of JSON: for each backend the first round, and the medians of the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4, help="of each backend; more than one leaves out the first")
    parser.add_argument("-o", "--output", choices=("json", "table"), default="json")
    chosen = parser.parse_args()
    if not (lab_folder() / "clouds.yaml").exists():
        print(json.dumps({"skipped": f"no lab in {lab_folder()}: make lab, or name one in ELASTIC_LAB"}))
        return
    figures = measured(chosen.rounds)
    print(json.dumps(figures) if chosen.output == "json" else table(figures))


def measured(rounds: int) -> dict[str, Any]:
    """The figures of all backends, and how loaded the machine was."""
    root = Path(tempfile.mkdtemp(prefix="elastic-bench-"))
    # Before its first worker a group is known by nothing that jobs could ask for.
    known = {backend: {"plain_attributes": {"ElasticGroup": json.dumps(backend)}} for backend in BACKENDS}
    groups = [group(backend, name=backend, maximum=1, **known[backend]) for backend in BACKENDS]
    settings = {"tick_seconds": TICK_SECONDS}
    figures: dict[str, Any] = {"tick_seconds": TICK_SECONDS, "cpus": os.cpu_count(), "rounds": rounds, "load": []}
    with project(root) as own:
        site = OpenStackSite(root / "site", prepare().prefix, groups=groups, settings=settings, clouds=own.clouds)
        with site:
            for backend in BACKENDS:
                took = [one_round(site, backend, number) for number in range(rounds)]
                figures["load"].append(round(os.getloadavg()[0], 1))
                figures[backend] = {"first": took[0], "median": medians(took[1:] or took)}
    return figures


def table(figures: Mapping[str, Any]) -> str:
    """The medians, and the totals of the first rounds, in Markdown."""
    lines = [f"| backend | {' | '.join((*PARTS, 'in all'))} | the first time |", "|---" * (len(PARTS) + 3) + "|"]
    for backend in BACKENDS:
        median, first = figures[backend]["median"], figures[backend]["first"]
        seconds = [f"{median[part]:.1f}" for part in (*PARTS, "total")]
        lines.append(f"| {backend} | {' | '.join(seconds)} | {first['total']:.1f} |")
    return "\n".join(lines)


def medians(took: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """Of each part by itself, so that the parts need not add up to the whole."""
    return {part: round(statistics.median(one[part] for one in took), 2) for part in (*PARTS, "total")}


def one_round(site: OpenStackSite, backend: str, number: int) -> Mapping[str, float]:
    """A job for a group without workers, until it runs; then the group is left to shrink to nothing."""
    time.sleep(random.uniform(0, TICK_SECONDS))  # noqa: S311 - no secret, only no rhythm
    batch = site.jobs.sleep(f"{backend}-{number}", 1, 1.0, **only_on(backend))
    submitted = submission(batch)
    active = until(lambda: [one for one in site.listed() if one.status == "ACTIVE"], "a server is active")
    joined = until(site.slots, "its startd is in the collector")
    runs = until(lambda: started(batch), "the job runs") and started(batch)
    tick = launching(site, backend, submitted)
    begun = tick["now"] + sum(tick["durations"][stage] for stage in BEFORE_ACTING)
    asked = begun + tick["durations"]["act"]
    moments = (submitted, begun, asked, max(asked, active), max(asked, active, joined), runs)
    took = {part: round(moments[at + 1] - moments[at], 2) for at, part in enumerate(PARTS)}
    print(f"{backend} {number}: {took}", file=sys.stderr)
    until(lambda: not site.listed() and not site.workers() and not site.slots(), "the group is empty again")
    return {**took, "total": round(runs - submitted, 2)}


def submission(batch: Batch) -> float:
    """When the schedd took it."""
    return float(
        next(event.at for events in batch.history().values() for event in events if event.kind == Kind.SUBMITTED)
    )


def started(batch: Batch) -> float:
    """When it began to run, 0 before."""
    kinds = (event for events in batch.history().values() for event in events if event.kind == Kind.EXECUTE)
    return next((event.at for event in kinds), 0.0)


def launching(site: OpenStackSite, backend: str, since: float) -> Mapping[str, Any]:
    """The record of the first tick since then that launched a worker of this group."""
    for tick in site.get("/v1/ticks", limit=200)["ticks"]:
        launches = [one["action"] for one in tick["results"] if one["action"]["kind"] == "Launch"]
        if tick["now"] + sum(tick["durations"].values()) > since and any(a["group"] == backend for a in launches):
            found: Mapping[str, Any] = tick
            return found
    raise SystemExit(f"no tick has launched a worker of {backend}")


def until(condition: Callable[[], object], what: str) -> float:
    """The moment at which it holds, looked at ten times a second."""
    deadline = time.time() + GIVE_UP_SECONDS
    while not condition():
        if time.time() > deadline:
            raise SystemExit(f"not within {GIVE_UP_SECONDS:.0f} s: {what}")
        time.sleep(LOOK_SECONDS)
    return time.time()


if __name__ == "__main__":
    main()
