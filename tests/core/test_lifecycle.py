"""The life of a worker as the architecture has it, cell by cell."""

from itertools import product

import pytest

from elastic.core.lifecycle import LISTINGS, TABLE, TRANSITIONS, Ad, Listing, Phase, classify
from elastic.core.observation import ServerStatus

TIMERS = {"launch_seconds": 120.0, "boot_seconds": 600.0, "join_seconds": 900.0, "lost_seconds": 3600.0}
LATE = {Phase.REQUESTED: 120.0, Phase.BOOTING: 600.0, Phase.JOINING: 900.0, Phase.LOST: 3600.0}

REQUESTED, BOOTING, JOINING, READY = Phase.REQUESTED, Phase.BOOTING, Phase.JOINING, Phase.READY
DRAINING, DRAINED, FOREIGN = Phase.DRAINING, Phase.DRAINED, Phase.FOREIGN_DRAIN
LOST, FAILED, DELETING, GONE = Phase.LOST, Phase.FAILED, Phase.DELETING, Phase.GONE

ARCHITECTURE = {
    # row: (none, none when late, idle or busy, draining, drained, somebody else's drain)
    Listing.UNLISTED: (REQUESTED, FAILED, READY, DRAINING, DRAINED, FOREIGN),
    Listing.BUILDING: (BOOTING, FAILED, READY, DRAINING, DRAINED, FOREIGN),
    Listing.NEVER_JOINED: (JOINING, FAILED, READY, DRAINING, DRAINED, FOREIGN),
    Listing.JOINED: (LOST, FAILED, READY, DRAINING, DRAINED, FOREIGN),
    Listing.STOPPED: (FAILED, FAILED, LOST, LOST, LOST, LOST),
    Listing.STOPPED_JOINED: (LOST, FAILED, LOST, LOST, LOST, LOST),
    Listing.ERROR: (FAILED, FAILED, READY, DRAINING, DRAINED, FOREIGN),
    Listing.ERROR_JOINED: (LOST, FAILED, READY, DRAINING, DRAINED, FOREIGN),
    Listing.OTHER: (JOINING, FAILED, READY, DRAINING, DRAINED, FOREIGN),
    Listing.OTHER_JOINED: (LOST, FAILED, READY, DRAINING, DRAINED, FOREIGN),
    Listing.DELETING: (DELETING, DELETING, DELETING, DELETING, DELETING, DELETING),
    Listing.MISSING: (GONE, GONE, LOST, LOST, GONE, LOST),
}
FLAGGED = {Listing.ERROR, Listing.ERROR_JOINED, Listing.OTHER, Listing.OTHER_JOINED}


@pytest.mark.parametrize(("listing", "phases"), ARCHITECTURE.items(), ids=[listing.name for listing in ARCHITECTURE])
def test_derives_the_phase_that_the_architecture_states(listing: Listing, phases: tuple[Phase, ...]) -> None:
    found = (
        classify(listing, Ad.NONE, 0, TIMERS)[0],
        classify(listing, Ad.NONE, 1_000_000, TIMERS)[0],
        *(classify(listing, ad, 1_000_000, TIMERS)[0] for ad in (Ad.SERVING, Ad.DRAINING, Ad.DRAINED, Ad.FOREIGN)),
    )
    assert found == phases


@pytest.mark.parametrize("listing", Listing, ids=lambda listing: listing.name)
def test_a_timer_ends_exactly_at_its_second(listing: Listing) -> None:
    phase, late, *_ = ARCHITECTURE[listing]
    if phase is late:
        return
    assert classify(listing, Ad.NONE, LATE[phase] - 0.001, TIMERS)[0] is phase
    assert classify(listing, Ad.NONE, LATE[phase], TIMERS)[0] is late


def test_a_status_that_needs_a_look_makes_no_victim() -> None:
    flagged = {(listing, ad) for listing, ad in product(Listing, Ad) if classify(listing, ad, 0, TIMERS)[1]}
    with_ad = {(listing, ad) for listing, ad in product(FLAGGED, Ad) if ad is not Ad.NONE}
    assert flagged == with_ad | {(Listing.OTHER, Ad.NONE), (Listing.OTHER_JOINED, Ad.NONE)}


def test_the_table_is_total() -> None:
    assert {(listing, ad) for listing, row in TABLE.items() for ad in row} == set(product(Listing, Ad))
    assert set(LISTINGS) == set(product(ServerStatus, (False, True)))
    assert set(TRANSITIONS) == set(Phase)


def test_no_edge_leads_back_before_a_join_once_a_startd_was_seen() -> None:
    before = {REQUESTED, BOOTING, JOINING}
    after = {READY, DRAINING, DRAINED, FOREIGN, LOST}
    assert [(one, other) for one, other in product(after, before) if other in TRANSITIONS[one]] == []
