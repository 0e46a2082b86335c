"""How far the sources are believed, and what may be done with what is known."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from elastic.core.memory import Memory, WorkerRecord
from elastic.core.model import SiteSpec, SourceHealth, Trust
from elastic.core.observation import Observations, Queue, ScheddQueue
from elastic.core.trust import vanished
from tests.core.builders import NOW, SITE, failed, joined, look, machine, memory, queue, seen, server, worker

FRESH = seen([machine()], [server()])
KNOWN = memory([joined()])


def trust(observations: Observations, known: Memory = KNOWN) -> Trust:
    return look(observations, known)[0].trust


def blind(why: str) -> Trust:
    return Trust(shrink=f"blind: {why}", grow=f"blind: {why}")


def test_fresh_sources_allow_everything() -> None:
    assert trust(FRESH) == Trust()


@pytest.mark.parametrize("source", ["machines", "servers", "queue"])
def test_one_missed_answer_holds_shrinking_only(source: str) -> None:
    assert trust(failed(FRESH, source)) == Trust(shrink=f"{source}: no route")


@pytest.mark.parametrize("source", ["machines", "servers"])
def test_three_missed_ticks_are_blind(source: str) -> None:
    assert trust(failed(FRESH, source, misses=2)).grow == ""
    assert trust(failed(FRESH, source, misses=3)) == blind(f"{source} has missed 3 ticks: no route")


@pytest.mark.parametrize("source", ["machines", "servers", "queue"])
def test_before_the_first_answer_the_pool_is_blind(source: str) -> None:
    unheard = failed(FRESH, source)
    reading = replace(getattr(unheard, source), value=None)
    parts = {"machines": replace(unheard, machines=reading), "servers": replace(unheard, servers=reading)}
    silent = parts.get(source, replace(unheard, queue=reading))
    assert trust(silent) == blind(f"{source} has not answered yet: no route")


@pytest.mark.parametrize("source", ["negotiation", "quotas"])
def test_sources_that_only_lower_demand_hold_nothing(source: str) -> None:
    assert trust(failed(FRESH, source, misses=9)) == Trust()


def test_a_schedd_that_does_not_answer_holds_shrinking_and_keeps_its_demand() -> None:
    silent = replace(FRESH, queue=replace(FRESH.queue, value=queue(error="timeout")))
    assert trust(silent) == Trust(shrink="schedd schedd: timeout")


def test_a_schedd_that_was_silent_for_too_long_holds_nothing_and_is_shown() -> None:
    expired = replace(FRESH, queue=replace(FRESH.queue, value=queue(error="silent for 900 s", expired=True)))
    found = look(expired, KNOWN)[0]
    assert found.trust == Trust()
    assert (found.sources["schedd:schedd"].ok, found.sources["schedd:schedd"].error_type) == (False, "Expired")


def test_a_young_collector_is_blind() -> None:
    assert trust(seen([machine()], [server()], collector_age=299)) == blind(
        "the collector started 299 s ago; machines report within 300 s"
    )
    assert trust(seen([machine()], [server()], collector_age=300)) == Trust()


def test_another_ledgers_servers_hold_everything_and_say_how_to_go_on() -> None:
    stranger = server("x", ledger="ledger-2")
    assert trust(seen([machine()], [server(), stranger])) == Trust(
        act="1 servers of this pool belong to another ledger (ledger-2): "
        "stop its daemon and run `elastic adopt --from ledger-2`"
    )


def test_health_names_every_source_and_schedd() -> None:
    schedds = (ScheddQueue(schedd="a", shapes=()), ScheddQueue(schedd="b", shapes=(), age_seconds=60, error="timeout"))
    now = failed(replace(FRESH, queue=replace(FRESH.queue, value=Queue(schedds=schedds))), "quotas", misses=2)
    found = look(now, KNOWN)[0].sources
    assert list(found) == ["machines", "negotiation", "queue", "quotas", "schedd:a", "schedd:b", "servers"]
    assert found["quotas"] == SourceHealth(source="quotas", ok=False, error="no route", misses=2)
    assert found["schedd:b"] == SourceHealth(
        source="schedd:b", ok=False, age_seconds=60, error="timeout", error_type="Transient", misses=1
    )


def test_blindness_is_remembered_from_its_beginning_and_its_last_moment() -> None:
    young = seen([machine()], [server()], collector_age=5)
    _, first = look(young, KNOWN)
    _, still = look(young, replace(KNOWN, blind_since=NOW - 60, blind_until=NOW - 30))
    _, over = look(FRESH, replace(KNOWN, blind_since=NOW - 60, blind_until=NOW - 30))
    assert (first.blind, still.blind, over.blind) == ((NOW, NOW), (NOW - 60, NOW), (None, NOW - 30))
    assert [e.kind for e in first.events] == ["blind"]
    assert [(e.kind, e.text) for e in over.events] == [("sighted", "no longer blind after 60 s")]


# -- machine ads that vanished


def said(lost: Iterable[WorkerRecord], present: int, site: SiteSpec = SITE) -> str:
    workers = [worker(name=r.name)._replace(record=r) for r in lost]
    workers += [worker(name=f"p{i}") for i in range(present)]
    return vanished(workers, site, NOW)


def lost(count: int, ago: float = 60.0, **changes: object) -> list[WorkerRecord]:
    return [joined(f"l{i}", 5000.0, vanished_at=NOW - ago, **changes) for i in range(count)]


def test_a_third_of_the_ads_gone_at_once_is_blindness() -> None:
    assert said(lost(4), 8) == "4 of 12 machine ads vanished within one ad lifetime"
    assert said(lost(3), 7) == ""
    assert said(lost(2), 0) == ""


@pytest.mark.parametrize(
    "removed",
    [{"delete_asked_at": NOW - 60}, {"fence_asked_at": NOW - 60}, {"missing_since": NOW - 30}],
    ids=["deleted by us", "switched off by us", "the cloud says it is gone"],
)
def test_what_we_removed_or_the_cloud_confirms_gone_is_no_loss(removed: dict[str, object]) -> None:
    assert said(lost(9, 60.0, **removed), 3) == ""


def test_it_is_over_one_ad_lifetime_after_the_last_loss() -> None:
    assert said(lost(9, ago=900), 3) != ""
    assert said(lost(9, ago=901), 3) == ""


def test_it_is_over_when_they_return() -> None:
    assert said([joined(f"l{i}") for i in range(9)], 3) == ""


def test_losses_further_apart_than_an_ad_lifetime_do_not_add_up() -> None:
    slow = [replace(r, vanished_at=NOW - 800.0 * i) for i, r in enumerate(lost(6))]
    assert said(slow, 6) == ""


def test_growth_held_for_too_long_is_told_once_with_the_reason() -> None:
    started = replace(KNOWN, blind_since=NOW - 1790.0, last_now=NOW - 30.0)
    young = replace(FRESH, machines=replace(FRESH.machines, misses=3, error="no route"))
    told = []
    for now in (NOW, NOW + 30.0, NOW + 60.0):
        change = look(young, started, now=now)[1]
        told += [(now - NOW, event.text) for event in change.events if event.kind == "growth_held"]
        started = replace(started, last_now=now)
    assert told == [(30.0, "growth has been held for 1820 s: blind: machines has missed 3 ticks: no route")]
