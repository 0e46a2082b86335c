"""Whether a list of servers can be right: one that lost too many of ours at once is not, until lookups by id agree."""

from collections.abc import Mapping

from elastic.core.memory import Memory, WorkerRecord
from elastic.core.model import SiteSpec
from elastic.core.observation import Server, Servers


class Losses:
    """Compares each list with the one before; after a restart, with the servers that the ledger has seen running.

    A server that a lookup by id did not find is no loss of the *next* list: so a true loss holds everything for one
    tick, and a page or a cell that is missing from the list holds it for as long as it is missing.
    """

    def __init__(self) -> None:
        """Expect nothing yet."""
        self.missing: tuple[str, ...] = ()
        self._expected: frozenset[str] = frozenset()
        self._confirmed: frozenset[str] = frozenset()
        self._fraction = 1.0

    def expect(self, memory: Memory, previous: Servers | None, site: SiteSpec) -> None:
        """What the next list should hold: ours that were listed before and whose deletion we have not asked for."""
        ours = {
            r.server_id: r for r in memory.workers.values() if r.server_id is not None and r.delete_asked_at is None
        }
        seen = {s.id for s in previous.servers} if previous is not None else {i for i, r in ours.items() if _ran(r)}
        self._expected = frozenset(ours) & seen
        self._fraction = site.list_loss_fraction
        self.missing = ()

    def doubt(self, servers: Servers) -> str:
        """Why this list is not believed; empty when it is."""
        lost = self._expected - {server.id for server in servers.servers} - self._confirmed
        if len(lost) <= self._fraction * len(self._expected):
            return ""
        self.missing = tuple(sorted(lost))
        return (
            f"the list lost {len(lost)} of our {len(self._expected)} servers without our asking;"
            " each is looked up by id before it is believed"
        )

    def confirm(self, lookups: Mapping[str, Server | None]) -> None:
        """Take the answers to lookups by id: None = the cloud says that there is none."""
        gone = frozenset(server_id for server_id, server in lookups.items() if server is None)
        # Kept from tick to tick: were they forgotten, those confirmed in turns would hold every list back for ever.
        self._confirmed = (self._confirmed | gone) - (frozenset(lookups) - gone)


def _ran(record: WorkerRecord) -> bool:
    return record.active_at is not None and record.missing_since is None
