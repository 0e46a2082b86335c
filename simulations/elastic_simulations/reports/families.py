"""What stored JSON tells of results: a run is one, a comparison or a campaign has one for each of its policies."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from elastic_simulations.reports.comparing import COST, WAIT, Answer
from elastic_simulations.reports.metrics import value_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One result; `name` and `workload` where the file names them, `note` where it is no single run."""

    answer: Answer
    name: str = ""
    workload: str = ""
    note: str = ""


def told(value: object) -> Iterator[Told]:
    """Every result in this value; those without cost and wait are none."""
    match value:
        case {"policies": [*policies], "values": Mapping() as values}:
            found = _compared(policies, values)
        case {"workloads": [*workloads], "axes": Mapping()}:
            found = _campaign(workloads)
        case Mapping():
            found = iter([Told(answer=value)])
        case _:
            found = iter(())
    return (each for each in found if None not in (value_at(each.answer, COST), value_at(each.answer, WAIT)))


def _compared(policies: Sequence[object], values: Mapping[str, object]) -> Iterator[Told]:
    """Of `elastic sim compare`: figures of each policy as lists, one entry a seed."""
    for policy in policies:
        name = str(policy.get("policy")) if isinstance(policy, Mapping) else str(policy)
        figures = values.get(name)
        if isinstance(figures, Mapping):
            means = {path: fsum(seeds) / len(seeds) for path, seeds in figures.items() if seeds}
            count = max(map(len, figures.values()), default=0)
            yield Told(answer=nested(means), name=name, note=f"Means over {count} seeds of a comparison.")


def _campaign(workloads: Sequence[object]) -> Iterator[Told]:
    """Of `elastic sim campaign`: means of each configuration on each workload."""
    for workload in workloads:
        if not isinstance(workload, Mapping):
            continue
        for one in workload.get("configurations", ()):
            means = {path: mean["mean"] for path, mean in one["means"].items()}
            answer = nested(means | {"unserved": one["unserved"]})
            note = f"Means over {one['runs']} runs of a campaign."
            yield Told(answer=answer, name=str(one["policy"]), workload=str(one["workload"]), note=note)


def nested(figures: Mapping[str, object]) -> Answer:
    """`{"wait.mean": 1}` as `{"wait": {"mean": 1}}`."""
    answer: dict[str, object] = {}
    for path, value in figures.items():
        *above, last = path.split(".")
        here = answer
        for name in above:
            inner = here.setdefault(name, {})
            here = inner if isinstance(inner, dict) else {}
        here[last] = value
    return answer
