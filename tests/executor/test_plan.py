from elastic.core.actions import Action, Adopt, Outcome, Proof, Resume
from elastic.core.memory import WorkerRecord
from elastic.executor import DryExecutor
from elastic_simulations.batch import SimulatedBatch
from tests.executor.hands import ONE, delete, drain, drained, launch, methods, rig_with


def test_kinds_go_in_the_order_that_keeps_most_and_results_in_the_order_of_the_plan() -> None:
    rig = rig_with(2)
    drained(rig, "small-00000000-2")
    actions: tuple[Action, ...] = (
        drain(rig, ONE),
        *launch(3),
        Resume(group="small", worker="small-00000000-2", reason="needed again"),
        Adopt(group="small", worker="old-1", server_id="s1", reason="handed over"),
    )
    results = rig.act(*actions)
    assert [r.action for r in results] == list(actions)
    assert [m for m in methods(rig) if m != "save"] == ["resume", "create", "drain"]
    assert methods(rig)[0] == "save"


def test_without_a_ledger_nothing_is_done_any_more() -> None:
    rig = rig_with(2)
    rig.ledger.fail_next = 1
    results = rig.act(drain(rig, ONE), drain(rig, "small-00000000-2"))
    assert [(r.outcome, r.error_type) for r in results] == [(Outcome.FAILED, "LedgerError"), (Outcome.REFUSED, "")]
    assert methods(rig) == ["save"]


def test_a_ledger_that_fails_in_the_middle_of_a_removal_ends_it_there() -> None:
    rig = drained(rig_with(1))
    rig.ledger.fail_next = 1
    [result] = rig.act(delete(Proof.DRAINED))
    assert (result.outcome, result.error_type) == (Outcome.FAILED, "LedgerError")
    assert methods(rig) == ["inspect", "save"]


def test_after_a_stop_request_nothing_more_is_begun() -> None:
    rig = rig_with(1)
    rig.stopping = True
    results = rig.act(drain(rig), *launch(2))
    assert [(r.outcome, r.detail) for r in results] == [(Outcome.REFUSED, "shutting down")] * 2
    assert methods(rig) == []


class Broken(SimulatedBatch):
    """A port with a defect."""

    def drain(self, worker: WorkerRecord, nonce: str, *, busy: bool) -> object:  # type: ignore[override]
        raise ZeroDivisionError(worker.name)


def test_a_defect_in_one_action_is_its_result_and_stops_no_other() -> None:
    rig = rig_with(2, batch=Broken)
    results = rig.act(drain(rig, ONE), drain(rig, "small-00000000-2"), *launch(3))
    assert [(r.outcome, r.error_type) for r in results] == [
        (Outcome.FAILED, "ZeroDivisionError"),
        (Outcome.FAILED, "ZeroDivisionError"),
        (Outcome.DONE, ""),
    ]


def test_a_dry_executor_says_what_would_be_done_and_does_nothing() -> None:
    rig = drained(rig_with(1))
    before = rig.memory
    rig.executor = DryExecutor()
    results = rig.act(delete(Proof.DRAINED), *launch(2))
    assert [r.outcome for r in results] == [Outcome.DRY, Outcome.DRY]
    assert (methods(rig), rig.memory) == ([], before)


def test_of_two_actions_about_one_worker_only_the_first_is_carried_out() -> None:
    rig = drained(rig_with(1))
    resume = Resume(group="small", worker=ONE, reason="needed again")
    first, second = rig.act(resume, delete(Proof.DRAINED))
    assert (first.outcome, second.outcome) == (Outcome.DONE, Outcome.REFUSED)
    assert second.detail == "resume comes first; one action at a time"
    assert methods(rig) == ["resume", "save"]
