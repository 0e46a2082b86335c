"""Whose drain it is, and what a startd's own answer makes of what we remember."""

from dataclasses import replace

import pytest

from elastic.core.drains import column, follow, is_ours, nonce
from elastic.core.lifecycle import Ad, Phase
from elastic.core.memory import Drain, WorkerRecord
from elastic.core.observation import Answers, DrainSeen, Inspection, Machine
from tests.core.builders import (
    LEDGER,
    NOW,
    SERVING,
    SILENT,
    drain,
    drained,
    draining,
    joined,
    look,
    machine,
    memory,
    seen,
    server,
)

FRESH = Drain(nonce=nonce(LEDGER, "w1", 4), asked_at=NOW - 60)
"""Asked for, and never answered."""

AD_DRAINING = machine(drain=DrainSeen(reason=FRESH.nonce, request_id="1", drained=False))
AD_DRAINED = machine(drain=DrainSeen(reason=FRESH.nonce, request_id="1", drained=True))
AD_FOREIGN = machine(drain=DrainSeen(reason="defrag", request_id="1", drained=True))
FENCED = joined(drain=drain(confirmed=20), fence_asked_at=NOW - 5)


@pytest.mark.parametrize(
    ("record", "ad", "answer", "expected"),
    [
        (joined(), None, None, Ad.NONE),
        (joined(), machine(), None, Ad.SERVING),
        (joined(drain=FRESH), machine(), None, Ad.DRAINING),
        (joined(drain=FRESH), AD_DRAINING, None, Ad.DRAINING),
        (joined(drain=FRESH), AD_DRAINED, None, Ad.DRAINING),
        (joined(), AD_FOREIGN, None, Ad.FOREIGN),
        (joined(drain=FRESH), AD_DRAINING, drained(), Ad.DRAINED),
        (joined(drain=FRESH), AD_DRAINING, SERVING, Ad.SERVING),
        (joined(drain=FRESH), machine(), draining(reason="defrag"), Ad.FOREIGN),
        (joined(drain=FRESH), AD_DRAINED, SILENT, Ad.DRAINING),
        (FENCED, None, SILENT, Ad.DRAINED),
        (FENCED, None, None, Ad.NONE),
        (FENCED, None, SERVING, Ad.NONE),
        (joined(), None, SERVING, Ad.NONE),
        (joined(), None, draining(reason="defrag"), Ad.FOREIGN),
        (joined(drain=drain(), fence_asked_at=NOW - 5), None, SILENT, Ad.NONE),
    ],
    ids=[
        "no ad",
        "no drain",
        "the ad lags behind a drain asked for",
        "draining by the ad",
        "drained by the ad is not believed before the startd says so",
        "a foreign drain by the ad",
        "the startd's answer counts before the ad",
        "the startd is not draining any more",
        "a foreign drain by the startd",
        "silent, so the ad counts",
        "silent because we switched it off",
        "switched off, but not asked now",
        "switched off, and yet it answers: no ad until the collector has heard of it again",
        "alive, but the collector does not know it",
        "a foreign drain on a startd that the collector does not know",
        "silent, but never confirmed as drained",
    ],
)
def test_reads_the_column_of_the_table(
    record: WorkerRecord, ad: Machine | None, answer: Inspection | None, expected: Ad
) -> None:
    assert column(record, ad, answer, LEDGER) is expected


def test_confirms_our_drain_when_the_startd_says_drained() -> None:
    after = follow(joined(drain=FRESH), drained(), LEDGER, NOW)
    assert after == joined(drain=replace(FRESH, request_id="1", started=7, confirmed_at=NOW))


def test_keeps_the_first_confirmation_while_the_startd_repeats_it() -> None:
    before = joined(drain=drain(confirmed=20))
    assert follow(before, drained(), LEDGER, NOW) is before


def test_forgets_a_drain_that_died_with_its_startd() -> None:
    restarted = Inspection(answered=True, started=8)
    assert follow(joined(drain=drain(confirmed=20)), restarted, LEDGER, NOW) == joined()


def test_starts_the_count_anew_when_a_restarted_startd_carries_our_drain_again() -> None:
    after = follow(joined(drain=drain(confirmed=20)), drained(started=8), LEDGER, NOW)
    assert after.drain == replace(drain(asked=0, confirmed=0), started=8)


def test_starts_the_count_anew_when_a_drain_with_our_text_has_another_request_id() -> None:
    copied = drained()
    assert copied.drain is not None
    copied = replace(copied, drain=replace(copied.drain, request_id="2"))
    after = follow(joined(drain=drain(confirmed=20)), copied, LEDGER, NOW)
    assert after.drain == replace(drain(asked=0, confirmed=0), request_id="2")


def test_takes_back_a_confirmation_when_the_startd_is_only_draining() -> None:
    after = follow(joined(drain=drain(confirmed=20)), draining(), LEDGER, NOW)
    assert after.drain == drain()


def test_finds_a_drain_of_ours_that_was_never_written_down() -> None:
    assert follow(joined(), draining(), LEDGER, NOW).drain == drain(asked=0)


def test_gives_up_our_drain_when_somebody_elses_replaced_it() -> None:
    assert follow(FENCED, draining(reason="defrag"), LEDGER, NOW) == joined()


def test_silence_changes_nothing() -> None:
    assert follow(FENCED, SILENT, LEDGER, NOW) is FENCED
    assert follow(FENCED, None, LEDGER, NOW) is FENCED


def test_an_intent_without_an_answer_stays_until_the_startd_is_heard() -> None:
    before = joined(drain=FRESH)
    assert follow(before, SILENT, LEDGER, NOW) is before
    assert follow(before, SERVING, LEDGER, NOW).drain is None


def test_the_drain_of_another_ledger_is_foreign() -> None:
    assert is_ours("elastic:ledger-2:w1:4", LEDGER, "w1") is False
    assert column(joined(), machine(), draining(reason="elastic:ledger-2:w1:4"), LEDGER) is Ad.FOREIGN


def test_somebody_elses_drain_is_told_once_with_its_reason_and_again_when_it_is_over() -> None:
    drained_by_others = seen([AD_FOREIGN], [server()])
    snapshot, change = look(drained_by_others, memory([joined()]))
    (worker,) = snapshot.groups["g"].workers
    assert (worker.phase, worker.keep) == (Phase.FOREIGN_DRAIN, "somebody else drains it: defrag")
    assert [(e.kind, e.text) for e in change.events] == [("foreign_drain", "somebody else drains it: defrag")]
    assert look(drained_by_others, memory(change.workers))[1].events == ()
    assert look(seen([], [server()], answers=Answers()), memory(change.workers))[1].workers[0].foreign_drain == "defrag"
    over = look(seen([machine()], [server()]), memory(change.workers))[1]
    assert [e.kind for e in over.events] == ["foreign_drain_over"]
    assert over.workers[0].foreign_drain == ""


def test_the_drain_of_another_worker_at_a_reused_address_proves_nothing() -> None:
    other = drained("w2")
    assert follow(joined("w1", drain=drain("w1")), other, LEDGER, NOW).drain is None
    assert column(joined("w1"), None, other, LEDGER) is Ad.FOREIGN
