"""An elastic run with several worker groups, or with jobs that ask for more than cores."""

from array import array

from elastic.core.actions import Launch
from elastic_simulations.draws import Constant
from elastic_simulations.fast.elastic import Run
from elastic_simulations.fast.orders import ORDERS
from elastic_simulations.fast.outcome import WorkerTable
from elastic_simulations.fast.pool import Pool
from elastic_simulations.fast.requests import requests_of
from elastic_simulations.fast.shaped import ShapedPool
from elastic_simulations.fast.spec import ElasticSpec
from elastic_simulations.fast.tables import Tables, scaled
from elastic_simulations.fast.units import common_unit, in_units
from elastic_simulations.traces.trace import MICROSECONDS, UNKNOWN, Trace


def _tables_of(pool: Pool, unit: int, ended: int) -> Tables:
    """As `tables.tables_of`, with the cores of each worker."""
    sizes = array("q", [pool.cores_of(number) for number in range(len(pool.requested))])
    ends = [at if at == UNKNOWN else at + took for at, took in zip(pool.start, pool.run, strict=True)]
    there = zip(pool.wants, pool.submit, ends, strict=False)
    return Tables(
        start_us=scaled(pool.start, unit),
        end_us=scaled(ends, unit),
        worker=array("q", pool.worker),
        workers=WorkerTable(
            cores=1,
            sizes=sizes,
            requested=scaled(pool.requested, unit),
            ready=scaled(pool.ready_at, unit),
            drained=scaled(pool.drained, unit),
            deleted=scaled(pool.deleted, unit),
        ),
        demand=sum(cores * ((ended if end == UNKNOWN else end) - came) for cores, came, end in there),
        supply=sum(_supplied(pool, number, ended) * size for number, size in enumerate(sizes)),
    )


def _supplied(pool: Pool, number: int, ended: int) -> int:
    ready, drained, deleted = pool.ready_at[number], pool.drained[number], pool.deleted[number]
    if ready == UNKNOWN:
        return 0
    last = drained if drained != UNKNOWN else deleted
    return (ended if last == UNKNOWN else min(last, ended)) - min(ready, ended)


class WideRun(Run):
    """Decides as every run does, on the pool for all kinds of jobs and groups."""

    tables_of = staticmethod(_tables_of)

    def pool_of(self, trace: Trace, spec: ElasticSpec, times: list[int]) -> tuple[int, Pool]:
        """The unit in us, and the pool with its groups."""
        boots = [one.boot_seconds for one in spec.more]
        if all(isinstance(boot, Constant) for boot in boots):
            times = [*times, *(round(boot.value * MICROSECONDS) for boot in boots if isinstance(boot, Constant))]
            thinks = array("q", [max(0, think) for think in trace.optional.get("think_us", ())])
            unit = common_unit((trace.submit_us, trace.run_us, thinks), times)
        else:
            unit = 1
        pool = self._made(trace, spec, unit)
        for one in spec.workers:
            pool.add_group(one.offers)
        return unit, pool

    def _made(self, trace: Trace, spec: ElasticSpec, unit: int) -> ShapedPool:
        """The pool of these jobs, without a group."""
        asked = requests_of(trace, shaped=spec.shaped)
        places = {request: place for place, request in enumerate(dict.fromkeys(asked))}
        submit, run = in_units(trace.submit_us, unit), in_units(trace.run_us, unit)
        kinds = [places[request] for request in asked]
        return ShapedPool(submit, run, kinds, list(places), ORDERS[spec.order])

    def _launch_one(self, action: Launch) -> None:
        pool = self.pool
        names = [one.group.name for one in self.spec.workers]
        place = names.index(action.group)
        boot = self.spec.workers[place].boot_seconds
        seconds = boot.value if isinstance(boot, Constant) else boot.at(self.draws.uniform(self._boots, action.worker))
        if isinstance(pool, ShapedPool):
            pool.launch_in(place, pool.now + self.view.units(max(0.0, seconds)))
