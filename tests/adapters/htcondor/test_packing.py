"""Which ranks of a negotiator fill workers one after the other, read by HTCondor's own ClassAds."""

from pathlib import Path

import pytest

from elastic.adapters.htcondor.packing import CORES, rank_of
from tests.test_condor_config import CENTRAL_MANAGER, as_read

DEFAULT = "(10000000 * My.Rank) + (1000000 * (RemoteOwner =?= UNDEFINED)) - (100000 * Cpus) - Memory"


@pytest.mark.parametrize(
    ("rank", "prefers"),
    [
        (DEFAULT, "used"),
        ("-Cpus", "used"),
        ("Cpus", "empty"),
        ("Memory / 1024.0 + 10 * (RemoteOwner =?= undefined)", "empty"),
        ("TotalSlotCpus == Cpus", "empty"),
        ("KFlops", "neither"),
        ("NoSuchAttribute", "neither"),
        ("RequestCpus +", "neither"),
    ],
)
def test_a_rank_prefers_a_worker_that_has_jobs_or_an_empty_one(rank: str, prefers: str) -> None:
    used, empty = rank_of(rank, CORES // 4), rank_of(rank, CORES)
    assert ("used" if used > empty else "empty" if empty > used else "neither") == prefers


def test_the_shipped_rank_fills_what_is_in_use_and_of_that_the_fullest_first(tmp_path: Path) -> None:
    rank = as_read(CENTRAL_MANAGER, tmp_path)["NEGOTIATOR_PRE_JOB_RANK"]
    ranks = [rank_of(rank, free) for free in range(1, CORES + 1)]
    assert ranks == sorted(ranks, reverse=True)
    assert len(set(ranks)) == CORES
