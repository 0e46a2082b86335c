"""An elastic run of jobs that wait for others: each comes when those before it have ended, and the pool hears of it."""

from elastic.core.resources import Resources
from elastic_simulations.fast.arriving import Arriving
from elastic_simulations.fast.orders import ORDERS, Order
from elastic_simulations.fast.outcome import Outcome
from elastic_simulations.fast.requests import requests_of
from elastic_simulations.fast.shaped import ShapedPool
from elastic_simulations.fast.spec import ElasticSpec
from elastic_simulations.fast.units import in_units
from elastic_simulations.fast.wide import WideRun
from elastic_simulations.traces.trace import Trace


class FollowingPool(ShapedPool):
    """Jobs have the numbers, and shapes the places, in which they come: nobody knows before."""

    def __init__(self, arriving: Arriving, run: list[int], asked: list[Resources], order: Order) -> None:
        """Begin at time 0 with no group; `run` and `asked` are by the job's place in the trace."""
        shapes = list(dict.fromkeys(asked))
        super().__init__([], [0] * len(run), [0] * len(run), shapes, order)
        self.arriving = arriving
        self._run_of, self._asked = run, asked
        self._kinds: dict[Resources, int] = {}
        self._come: list[Resources] = shapes
        self.requests = self._come
        self.submit = [arriving.next]

    def place(self, number: int) -> int:
        """In the trace, of the job that came as this one."""
        return self.arriving.order[number]

    def came(self) -> list[int]:
        """Shapes have their places as they come."""
        return self.shapes

    def _arrive(self) -> None:
        number, place = self.arrived, self.arriving.come()
        request = self._asked[place]
        kind = self._kinds.setdefault(request, len(self._kinds))
        self._come[kind] = request
        self.run[number], self.kinds[number], self.wants[number] = self._run_of[place], kind, request.cpus
        super()._arrive()
        self.submit.append(self.arriving.next)

    def _end(self, job: int, at: int) -> None:
        super()._end(job, at)
        self.arriving.ended(job, at)
        self.submit[-1] = self.arriving.next

    def close(self) -> None:
        """The run is over: who never came is in the tables, too, last and as if at the end."""
        came = self.arrived
        self.arriving.close(self.now if self.finished is None else self.finished)
        self.submit = self.arriving.submit
        for number, place in enumerate(self.arriving.order[came:], came):
            self.run[number], self.wants[number] = self._run_of[place], self._asked[place].cpus


class FollowingRun(WideRun):
    """Decides as every run does; a job that others go before comes once they have ended."""

    def _made(self, trace: Trace, spec: ElasticSpec, unit: int) -> ShapedPool:
        run, asked = in_units(trace.run_us, unit), requests_of(trace, shaped=spec.shaped)
        return FollowingPool(Arriving(trace, unit), run, asked, ORDERS[spec.order])

    def _tables(self) -> Outcome:
        outcome, pool = super()._tables(), self.pool
        if isinstance(pool, FollowingPool):
            outcome.arrivals = pool.arriving.scaled(self.unit)
        return outcome
