"""What a campaign found: means over seeds by workload and configuration, and who is on the Pareto front."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from elastic_simulations.campaigns.figures import Mean, figures, mean
from elastic_simulations.reports.pareto import front
from elastic_simulations.runs.report import Plain

ALWAYS = ("wait.mean", "wait.p95", "bounded_slowdown.mean", "paid_core_h", "used_core_h", "starts", "makespan_s")
"""Figures whose means are given beside the two axes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """The figures that are weighed against each other: less of both is better."""

    cost: str
    wait: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One configuration on one workload, over its seeds; `means` by figure, of the runs that did not fail.

    `front`: no other is cheaper without longer waits, or has shorter waits without more cost. One with a failed run or
    an unserved job is not compared: who serves nobody is cheap.
    """

    workload: str
    policy: str
    runs: int
    failed: int
    unserved: int
    means: Mapping[str, Mean]
    front: bool = False


def summary(rows: Sequence[Plain], axes: Axes) -> Plain:
    """Of the whole table, in its order."""
    by: dict[tuple[str, str], list[Plain]] = {}
    for row in rows:
        by.setdefault((str(row["workload"]), str(row["policy"])), []).append(row)
    found = [_found(names, group, axes) for names, group in by.items()]
    workloads = list(dict.fromkeys(one.workload for one in found))
    return {
        "runs": len(rows),
        "failed": sum(one.failed for one in found),
        "axes": asdict(axes),
        "workloads": [_workload(name, [one for one in found if one.workload == name], axes) for name in workloads],
        "errors": [{name: row[name] for name in ("run", "workload", "policy", "seed", "error")} for row in _bad(rows)],
    }


def _workload(name: str, found: Sequence[Found], axes: Axes) -> Plain:
    compared = [
        one for one in found if not one.failed and not one.unserved and {axes.cost, axes.wait} <= one.means.keys()
    ]
    points = [(one.means[axes.cost].mean, one.means[axes.wait].mean) for one in compared]
    best = [compared[place].policy for place in front(points)]
    return {
        "workload": name,
        "front": best,
        "configurations": [{**asdict(one), "front": one.policy in best} for one in found],
    }


def _found(names: tuple[str, str], rows: Sequence[Plain], axes: Axes) -> Found:
    values = [figures(row) for row in rows if "error" not in row]
    wanted = dict.fromkeys((axes.cost, axes.wait, *ALWAYS))
    return Found(
        workload=names[0],
        policy=names[1],
        runs=len(rows),
        failed=len(rows) - len(values),
        unserved=sum(int(of["unserved"]) for of in values),
        means={
            name: mean([of[name] for of in values]) for name in wanted if values and all(name in of for of in values)
        },
    )


def _bad(rows: Sequence[Plain]) -> list[Plain]:
    return [row for row in rows if "error" in row]
