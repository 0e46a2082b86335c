"""Credentials of workers over their life: given once to each server that may have them, revoked when it is gone."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Collection

from elastic.adapters.ledger import SqlLedger
from elastic.core.actions import Forget, Outcome
from elastic.core.memory import Event, MemoryChange
from elastic.core.record import TickRecord
from elastic.daemon.logs import LOGGER
from elastic.ports import Asking, Clock, Denial, Enrols, Granted, NotEnrolled

REFUSALS_A_MINUTE = 5
"""At one address: a guess at a secret of 256 bits needs more, and a server that was refused is refused again."""
WINDOW_SECONDS = 60.0
ADDRESSES_KEPT = 1024
EVENTS_A_WINDOW = 30
"""Of all addresses together: the ledger is not filled by strangers."""
NEWEST = 20
"""Of the ledger's history, beside those of this tick: enough whatever else ended at the same moment."""


class Refusals:
    """How often each address was refused lately."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """Nobody was."""
        self._monotonic = monotonic
        self._by_address: OrderedDict[str, deque[float]] = OrderedDict()
        self._told: deque[float] = deque(maxlen=EVENTS_A_WINDOW)
        self._lock = threading.Lock()

    def too_many(self, address: str) -> bool:
        """Whether this address is to wait."""
        with self._lock:
            times = self._by_address.get(address, ())
            return sum(self._recent(at) for at in times) >= REFUSALS_A_MINUTE

    def add(self, address: str) -> bool:
        """Count one more; return whether it is worth an event."""
        with self._lock:
            times = self._by_address.setdefault(address, deque(maxlen=REFUSALS_A_MINUTE))
            times.append(self._monotonic())
            self._by_address.move_to_end(address)
            if len(self._by_address) > ADDRESSES_KEPT:
                self._by_address.popitem(last=False)
            full = len(self._told) == EVENTS_A_WINDOW and self._recent(self._told[0])
            if not full:
                self._told.append(self._monotonic())
            return not full

    def _recent(self, at: float) -> bool:
        return self._monotonic() - at < WINDOW_SECONDS


class Enrolments:
    """Gives and revokes credentials; `world` is None where workers need none from the daemon. Any thread may call."""

    def __init__(self, ledger: SqlLedger, world: Enrols | None, clock: Clock) -> None:
        """Give nothing yet."""
        self._ledger, self._world, self._clock = ledger, world, clock
        self._refusals = Refusals(clock.monotonic)

    def enrol(self, asking: Asking) -> Granted:
        """Credentials, after it is written down that this server has them; raise NotEnrolled or PortError."""
        if self._refusals.too_many(asking.address):
            raise NotEnrolled(Denial.OFTEN, "too many were refused at this address; ask again in a minute")
        try:
            return self._granted(asking)
        except NotEnrolled as error:
            self._refused(asking, error)
            raise

    def renew(self, token: str, address: str) -> str:
        """A fresh token for the worker that shows a good one from `address`; raise NotEnrolled or PortError."""
        if self._refusals.too_many(address):
            raise NotEnrolled(Denial.OFTEN, "too many were refused at this address; ask again in a minute")
        if self._world is None:
            raise NotEnrolled(Denial.UNUSED, "workers of this pool do not enrol")
        try:
            worker, fresh = self._world.renew(token, self._living(), self._clock.now())
        except NotEnrolled as error:
            if self._refusals.add(address):
                LOGGER.warning("token not renewed", address=address, reason=str(error))
            raise
        LOGGER.info("token renewed", worker=worker, address=address)
        return fresh

    def after(self, record: TickRecord) -> None:
        """Revoke what belongs to workers that this tick took out of the fleet."""
        done = (result.action for result in record.results if result.outcome is Outcome.DONE)
        names = {action.worker for action in done if isinstance(action, Forget)}
        if self._world is None or not names:
            return
        found = [known for known, _ in self._ledger.history(len(names) + NEWEST) if known.name in names]
        gone = names | {known.server_id for known in found if known.server_id}
        self._world.revoke(gone)
        LOGGER.info("credentials revoked", workers=sorted(names))

    def sweep(self) -> None:
        """Revoke what was left by a daemon that was killed between a worker's end and `after`."""
        if self._world is None:
            return
        if gone := self._world.sweep(self._living(), self._clock.now()):
            LOGGER.info("credentials of nobody revoked", workers=list(gone))

    def _granted(self, asking: Asking) -> Granted:
        if self._world is None:
            raise NotEnrolled(Denial.UNUSED, "workers of this pool do not enrol")
        memory, now = self._ledger.memory(), self._clock.now()
        self._world.admit(asking, {memory.ledger, *memory.accepted_ledgers}, now)
        # Before the credentials are made: whatever happens then, nobody else gets any.
        if not self._ledger.enrol(asking.server_id, asking.group, asking.proof, now):
            raise NotEnrolled(Denial.AGAIN, f"server {asking.server_id} has enrolled already")
        granted = self._world.grant(asking)
        self._note("enrolled", asking, "it has a key and a token of its own")
        return granted

    def _refused(self, asking: Asking, error: NotEnrolled) -> None:
        if error.denial is Denial.UNUSED or not self._refusals.add(asking.address):
            return
        LOGGER.warning("enrolment refused", server=asking.server_id, address=asking.address, reason=str(error))
        self._note("enrolment_refused", asking, f"asked from {asking.address}: {error}")

    def _note(self, kind: str, asking: Asking, text: str) -> None:
        memory = self._ledger.memory()
        worker = next((w.name for w in memory.workers.values() if w.server_id == asking.server_id), "")
        # What a stranger sent as a group may be anything.
        group = asking.group if asking.group in memory.groups else ""
        said = f"server {asking.server_id}: {text}"
        event = Event(at=self._clock.now(), kind=kind, text=said, group=group, worker=worker)
        self._ledger.save(MemoryChange(events=(event,)))

    def _living(self) -> Collection[str]:
        workers = self._ledger.memory().workers.values()
        return {worker.name for worker in workers} | {worker.server_id for worker in workers if worker.server_id}
