"""What belongs to nothing, and why each thing is kept: no cloud is needed to tell."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from elastic.core.memory import Memory, WorkerRecord
from elastic.core.observation import JobsOnWorkers
from elastic.core.orphans import LEAST_SECONDS, SAFE_SECONDS, Belonging, Kind, Life, candidates, judged, machines_of
from tests.core.builders import LEDGER, NOW, machine, memory, record

OLD = NOW - 2 * SAFE_SECONDS
NOBODY = JobsOnWorkers(jobs={}, complete=True)
QUIET = Life(machines=(), jobs=NOBODY)

SERVER = Belonging(
    kind=Kind.SERVER, id="s-9", name="g-9", group="g", worker="g-9", ledger=LEDGER, made_at=OLD, state="ACTIVE"
)
VOLUME = Belonging(kind=Kind.VOLUME, id="v-1", of_server="s-8", made_at=OLD, state="in-use, 20 GB")
PORT = Belonging(kind=Kind.PORT, id="p-1", of_server="s-8", made_at=OLD, state="DOWN")
GONE = {"s-8": "g-8.pool"}


def left(things: Sequence[Belonging], *records: WorkerRecord, gone: dict[str, str] | None = None) -> list[str]:
    return [thing.id for thing in candidates(things, memory(records), GONE if gone is None else gone)]


def keep(thing: Belonging, life: Life = QUIET, safe: float = SAFE_SECONDS, known: Memory | None = None) -> str:
    (only,) = judged([thing], known or memory(), life, NOW, safe)
    return only.keep


def test_a_server_that_no_record_knows_belongs_to_nothing() -> None:
    assert left([SERVER], record("w1")) == ["s-9"]


def test_a_server_that_the_ledger_knows_is_no_orphan_whatever_its_tag_says() -> None:
    assert left([replace(SERVER, worker="another", ledger="theirs")], record("w9", server_id="s-9")) == []


def test_a_server_that_answers_an_open_request_is_no_orphan() -> None:
    """Its answer was lost: the next list adopts it."""
    assert left([SERVER], record("g-9", server_id=None)) == []
    assert left([replace(SERVER, worker=None)], record("g-7", server_id=None)) == []
    assert left([SERVER], record("g-7", server_id=None)) == ["s-9"]


def test_volumes_and_ports_belong_to_servers_that_exist_or_are_known() -> None:
    assert left([VOLUME, PORT]) == ["v-1", "p-1"]
    assert left([VOLUME, PORT], record("w8", server_id="s-8")) == []
    theirs = Belonging(kind=Kind.SERVER, id="s-8", name="x", ledger="theirs", made_at=OLD)
    assert left([theirs, VOLUME, PORT]) == ["s-8"]


def test_volumes_and_ports_of_servers_that_were_never_ours_are_nobodys_business() -> None:
    assert left([VOLUME, PORT], gone={}) == []


def test_what_carries_our_ledgers_mark_itself_is_ours() -> None:
    marked = replace(VOLUME, of_server=None, ledger=LEDGER)
    assert left([marked], gone={}) == ["v-1"]
    assert left([replace(marked, ledger="theirs")], gone={}) == []


def test_servers_come_first_then_volumes_then_ports_by_name() -> None:
    second = replace(SERVER, id="s-1", name="h", worker="h")
    assert left([PORT, second, VOLUME, SERVER]) == ["s-9", "s-1", "v-1", "p-1"]


def test_an_old_server_without_a_sign_of_life_may_be_removed() -> None:
    (only,) = judged([SERVER], memory(), QUIET, NOW, SAFE_SECONDS)
    assert (only.thing, only.age_seconds, only.keep) == (SERVER, 2 * SAFE_SECONDS, "")


@pytest.mark.parametrize(
    ("thing", "life", "why"),
    [
        (replace(SERVER, ledger="theirs"), QUIET, "ledger theirs asked for it"),
        (replace(SERVER, ledger=None), QUIET, "no ledger is named on it"),
        (replace(SERVER, made_at=None), QUIET, "its age is not known"),
        (replace(SERVER, made_at=NOW - 60), QUIET, "it is too young"),
        (SERVER, Life(machines=None), "the collector does not answer"),
        (SERVER, Life(machines=(), jobs=None), "not every schedd has answered"),
        (SERVER, Life(machines=(), jobs=JobsOnWorkers(jobs={}, complete=False)), "not every schedd has answered"),
        (SERVER, Life(machines=(machine("x", server_id="s-9"),), jobs=NOBODY), "its startd is in the pool with 0 jobs"),
        (SERVER, Life(machines=(machine("g-9", None, server_id=None),), jobs=NOBODY), "is in the pool with 1 jobs"),
        (
            SERVER,
            Life(machines=(), jobs=JobsOnWorkers(jobs={"g-9.pool": ("a#1.0",)}, complete=True),
                 names={"s-9": ("g-9.pool",)}),
            "jobs name it: a#1.0",
        ),
        (replace(VOLUME, made_at=NOW - 60), QUIET, "it is too young"),
        (VOLUME, Life(machines=None), ""),
        (PORT, Life(machines=None), ""),
    ],
)  # fmt: skip
def test_in_doubt_it_is_kept_and_the_reason_said(thing: Belonging, life: Life, why: str) -> None:
    found = keep(thing, life)
    assert why in found
    assert bool(found) == bool(why)


def test_a_ledger_that_was_adopted_from_is_ours() -> None:
    adopted = memory(accepted_ledgers=("theirs",))
    assert keep(replace(SERVER, ledger="theirs"), known=adopted) == ""


def test_nobody_can_ask_for_an_age_that_is_not_safe() -> None:
    young = replace(SERVER, made_at=NOW - LEAST_SECONDS + 1)
    assert keep(young, safe=0.0).startswith("it is too young")
    assert keep(replace(SERVER, made_at=NOW - LEAST_SECONDS), safe=0.0) == ""


def test_jobs_may_know_a_server_by_its_machine_now_or_once_its_workers_name_and_its_own() -> None:
    there = [machine("m", server_id="s-9"), machine("other")]
    assert machines_of([SERVER, VOLUME], there, {"s-9": "once.pool"}) == {"s-9": ("m.pool", "once.pool", "g-9")}
