"""One record of a schedd's history as an attempt."""

from collections.abc import Mapping

import pytest

from elastic.adapters.htcondor.history import attempt_of
from elastic.core.observation import Attempt

BY_ITSELF = {"How": "OF_ITS_OWN_ACCORD", "HowCode": 0, "When": 1010}
RECORD: Mapping[str, object] = {
    "ClusterId": 7,
    "JobStatus": 2,
    "RemoteHost": "slot1_2@w1@host",
    "ExitCode": 0,
    "ExitBySignal": False,
    "ShadowBday": 1000,
}


@pytest.mark.parametrize(
    ("changes", "failed", "evicted"),
    [
        ({"ToE": BY_ITSELF}, False, False),
        ({"ToE": BY_ITSELF, "ExitCode": 1}, True, False),
        ({"ToE": BY_ITSELF, "ExitBySignal": True}, True, False),
        # What an earlier execution left in the job is not this one's.
        ({"ToE": BY_ITSELF, "VacateReasonCode": 1008}, False, False),
        ({"ToE": {**BY_ITSELF, "When": 900}, "VacateReasonCode": 1008}, False, True),
        # Taken away by the machine's side: draining, a lost lease, preemption.
        ({"VacateReasonCode": 1008}, False, True),
        ({"VacateReasonCode": 1004, "ExitBySignal": True}, False, True),
        # Its program could not be started: put on hold with the code 6.
        ({"VacateReasonCode": 6, "ExitCode": 255}, True, False),
        # Removed or held by its owner.
        ({"VacateReasonCode": 0, "ExitBySignal": True}, False, False),
    ],
)
def test_how_an_execution_ended(changes: Mapping[str, object], failed: bool, evicted: bool) -> None:  # noqa: FBT001
    told = attempt_of({**RECORD, **changes})
    assert told == Attempt(machine="w1@host", cluster="7", failed=failed, evicted=evicted)


def test_a_job_that_never_ran_is_no_attempt() -> None:
    assert attempt_of({"ClusterId": 7}) is None


def test_where_a_schedd_keeps_no_executions_the_last_machine_of_the_job_counts() -> None:
    assert attempt_of({"ClusterId": 7, "JobStatus": 4, "LastRemoteHost": "slot1@host", "ExitCode": 3}) == Attempt(
        machine="host", cluster="7", failed=True
    )
