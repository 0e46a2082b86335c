"""The simulated collector: each startd's last ad, forgotten on restart and after the ad's lifetime."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from elastic.core.observation import Machine
from elastic_simulations.specs import PoolSpec
from elastic_simulations.startd import Startd
from elastic_simulations.timeline import Rank, Timeline, micros


class Collector:
    """`up` False = it answers nobody and hears nothing; `hidden` ads are there but not shown (a fault)."""

    def __init__(self, spec: PoolSpec, timeline: Timeline) -> None:
        """Start empty."""
        self.up = True
        self.started_us = timeline.now_us - micros(spec.collector_age_seconds)
        self.hidden: set[str] = set()
        self.on_heard: Callable[[], None] = nobody
        self._spec, self._timeline = spec, timeline
        self._ads: dict[str, tuple[int, Machine]] = {}
        self._always: dict[str, Startd] = {}
        self._sessions: set[str] = set()
        self._coming: set[str] = set()

    @property
    def age_seconds(self) -> float:
        """How long it has been running."""
        return (self._timeline.now_us - self.started_us) / 1e6

    @property
    def known(self) -> int:
        """How many machines it has heard of, and not forgotten."""
        return len(self._ads)

    def announce(self, startd: Startd) -> None:
        """A startd changed: its ad arrives a moment later, once for all changes until then."""
        if startd.name not in self._coming:
            self._coming.add(startd.name)
            self._timeline.after(micros(self._spec.ad_delay_seconds), Rank.CHANGE, lambda: self._arrive(startd))

    def keep_hearing(self, startd: Startd, incarnation: int) -> None:
        """Hear from this start of the startd once every update interval, for as long as it runs."""
        if startd.running and startd.incarnation == incarnation:
            self.hear(startd)
            delay = micros(self._spec.update_seconds)
            if delay > 0:
                self._timeline.after(delay, Rank.CHANGE, lambda: self.keep_hearing(startd, incarnation))
            else:
                self._always[startd.name] = startd

    def hear(self, startd: Startd) -> None:
        """Take an ad in. An expired token only matters to a collector that does not know the startd yet."""
        if not (self.up and startd.answers):
            return
        if startd.name not in self._sessions and not startd.token_valid:
            return
        self._sessions.add(startd.name)
        self._ads[startd.name] = (self._timeline.now_us, startd.ad())
        self.on_heard()

    def forget(self, names: Iterable[str]) -> None:
        """Drop the ads of these machines, as an invalidation does."""
        for name in names:
            self._ads.pop(name, None)

    def restart(self) -> None:
        """Forget everybody; ads return with their next update."""
        self.started_us = self._timeline.now_us
        self._ads.clear()
        self._sessions.clear()

    def machines(self) -> tuple[Machine, ...]:
        """The ads that have not expired, by name."""
        for name, startd in list(self._always.items()):
            if not startd.power:
                del self._always[name]
            elif name in self._ads:
                self.hear(startd)
        oldest = self._timeline.now_us - micros(self._spec.ad_lifetime_seconds)
        for name in [name for name, (heard_us, _) in self._ads.items() if heard_us < oldest]:
            del self._ads[name]
        now_us = self._timeline.now_us
        return tuple(
            replace(ad, ad_age_seconds=(now_us - heard_us) / 1e6)
            for name, (heard_us, ad) in sorted(self._ads.items())
            if name not in self.hidden
        )

    def knows(self, name: str) -> bool:
        """Whether the negotiator would see this machine."""
        return name in self._ads and name not in self.hidden

    def _arrive(self, startd: Startd) -> None:
        self._coming.discard(startd.name)
        self.hear(startd)


def nobody() -> None:
    """Nobody waits to hear of changes."""
