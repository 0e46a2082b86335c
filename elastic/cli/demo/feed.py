"""What a demonstration tells: the daemon's decisions, actions and events since the last look, one line each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from elastic.api import schemas
from elastic.cli.client import Client
from elastic.cli.errors import CommandError
from elastic.cli.tables import moment

LOOK_BACK = 50
QUIET_ACTIONS = frozenset({"forget", "adopt"})
OUR_EVENTS = frozenset({"joined", "drained", "gone", "failed", "vanished", "breaker", "futile", "blind", "sighted"})


@dataclass(slots=True)
class Frame:
    """One look: the status, and what happened since the last."""

    status: schemas.StatusOut
    lines: list[str] = field(default_factory=list)


class Feed:
    """Asks the daemon again and again; each line is told once."""

    def __init__(self, client: Client) -> None:
        """Have told nothing."""
        self._client = client
        self._tick = 0
        self._targets: dict[str, int] = {}
        self._told: set[tuple[float, str, str]] = set()
        self._deleted: set[str] = set()

    def look(self) -> Frame | None:
        """What is new; None while the daemon does not answer."""
        try:
            status = schemas.StatusOut.model_validate(self._client.read("/v1/status"))
            ticks = schemas.TicksOut.model_validate(self._client.read("/v1/ticks", limit=LOOK_BACK)).ticks
            events = schemas.EventsOut.model_validate(self._client.read("/v1/events", limit=LOOK_BACK)).events
        except CommandError:
            return None
        lines = sorted([*self._from_ticks(ticks), *self._from_events(events)], key=lambda line: line[0])
        return Frame(status, [f"{moment(at)}  {text}" for at, text in lines])

    def _from_ticks(self, ticks: list[dict[str, object]]) -> Iterator[tuple[float, str]]:
        for tick in ticks:
            number, now = _number(tick["tick"]), float(str(tick["now"]))
            if number <= self._tick:
                continue
            self._tick = number
            for name, target in _table(tick["targets"]).items():
                workers = _number(_table(target)["workers"])
                if workers != self._targets.get(name, 0):
                    yield now, f"{name}: target {self._targets.get(name, 0)} → {workers}: {_table(target)['reason']}"
                self._targets[name] = workers
            for result in _list(tick["results"]):
                action = _table(_table(result)["action"])
                if (kind := _VERBS[str(action["kind"])]) in QUIET_ACTIONS:
                    continue
                if kind == "delete":
                    self._deleted.add(str(action["worker"]))
                outcome, detail = _table(result)["outcome"], _table(result)["detail"]
                ending = "" if outcome == "done" else f" ({outcome}{f': {detail}' if detail else ''})"
                yield now, f"{kind} {action['worker']}{ending}: {action['reason']}"

    def _from_events(self, events: list[schemas.EventOut]) -> Iterator[tuple[float, str]]:
        for event in events:
            key = (event.at, event.kind, event.worker or event.text)
            # Its ad goes with it: that a deleted worker vanished is no news.
            expected = event.kind == "vanished" and event.worker in self._deleted
            if event.kind in OUR_EVENTS and key not in self._told and not expected:
                self._told.add(key)
                yield event.at, f"{event.worker or event.group or 'pool'} {event.kind}: {event.text}"


_VERBS = {
    "Launch": "launch",
    "DrainWorker": "drain",
    "Resume": "resume",
    "Delete": "delete",
    "Adopt": "adopt",
    "Forget": "forget",
}


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _number(value: object) -> int:
    return int(str(value))
