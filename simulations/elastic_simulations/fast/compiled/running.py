"""Elastic and static runs by the compiled loops; what they leave behind is what `fast.elastic` and `fast.static` do."""

from elastic_simulations.fast.compiled.levels import fill_levels
from elastic_simulations.fast.compiled.limits import KINDS
from elastic_simulations.fast.compiled.pool import CompiledPool, Jobs
from elastic_simulations.fast.compiled.tables import as_array, in_units, tables_of, unit_of
from elastic_simulations.fast.elastic import Run, check
from elastic_simulations.fast.orders import ORDERS
from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.fast.recording import Recorded
from elastic_simulations.fast.spec import ElasticSpec
from elastic_simulations.traces.trace import Trace


def run_elastic(trace: Trace, spec: ElasticSpec, on_tick: Recorded | None = None) -> Outcome:
    """As `fast.elastic.run_elastic`, in the same words."""
    check(trace, spec)
    return CompiledRun(trace, spec, on_tick).outcome()


class CompiledRun(Run):
    """Decides as every run does; between decisions the compiled loops move the pool on."""

    tables_of = staticmethod(tables_of)

    def __init__(self, trace: Trace, spec: ElasticSpec, on_tick: Recorded | None) -> None:
        super().__init__(trace, spec, on_tick)
        self._trace = trace

    def pool_of(self, trace: Trace, spec: ElasticSpec, times: list[int]) -> tuple[int, CompiledPool]:
        """The unit in us, and the pool."""
        unit = unit_of(trace, times)
        jobs = Jobs(in_units(trace.submit_us, unit), in_units(trace.run_us, unit), as_array(trace.cores))
        return unit, CompiledPool(jobs, spec.slots, ORDERS[spec.order], KINDS[spec.order])

    def _tables(self) -> Outcome:
        unit = self.unit
        shut = [(since * unit, until * unit, cores) for since, until, cores in self.shut]
        return fill_levels(self._trace, super()._tables(), shut)
