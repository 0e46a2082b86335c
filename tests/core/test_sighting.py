"""The short way for workers about which nothing is new says what the whole way says, one difference at a time."""

from dataclasses import replace
from itertools import product

import pytest

from elastic.core.observation import Answers, DrainSeen, ServerStatus
from elastic.core.sighting import Sighting, timers
from tests.core.builders import (
    LEDGER,
    NO_JOBS,
    NOW,
    SERVING,
    SILENT,
    changed,
    drain,
    drained,
    draining,
    joined,
    machine,
    nonce,
    server,
    spec,
    wish,
)

NEWS: list[dict[str, object]] = [
    {},
    {"drain": drain()},
    {"drain": drain(confirmed=20), "fence_asked_at": NOW - 5},
    {"fence_asked_at": NOW - 5},
    {"delete_asked_at": NOW - 5},
    {"missing_since": NOW - 30},
    {"failed_at": NOW - 30},
    {"vanished_at": NOW - 30},
    {"active_at": None},
    {"joined_at": None},
    {"server_id": None},
    {"started": 6},
    {"address": "<elsewhere>"},
    {"machine": "old.pool"},
    {"busy_seen": False},
    {"wish": wish()},
    {"protected_by": "ann"},
    {"quarantine": "bad disk"},
]
OURS = DrainSeen(reason=nonce(), request_id="1", drained=True)
MACHINES = [
    machine(),
    machine(idle=5.0),
    machine(idle=None),
    machine(drain=OURS),
    machine(drain=replace(OURS, reason="defrag")),
]
ANSWERS = [None, SERVING, SILENT, drained(), draining(), draining(reason="defrag")]


@pytest.mark.parametrize("news", NEWS, ids=[",".join(news) or "nothing" for news in NEWS])
def test_both_ways_agree(news: dict[str, object]) -> None:
    record = changed(joined(busy_seen=True), news)
    for ad, answer, status, fresh in product(MACHINES, ANSWERS, [*ServerStatus, None], (True, False)):
        sight = Sighting(
            ledger=LEDGER,
            answers=Answers(inspections={} if answer is None else {"w1": answer}, jobs=NO_JOBS),
            by_id={} if status is None else {"s-w1": server(status=status)},
            by_worker={} if status is None else {"w1": server(status=status)},
            machines_fresh=fresh,
            servers_fresh=fresh,
            blind_until=NOW - 60,
            now=NOW,
        )
        clock = timers(spec(), ())
        assert sight.worker(record, ad, clock) == sight.looked_at(record, ad, clock)
