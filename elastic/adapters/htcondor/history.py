"""Executions that have ended, as a schedd recorded them: one record each where it keeps such, else one a job."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import classad2
import htcondor2

from elastic.adapters.htcondor.bindings import location, translated
from elastic.adapters.htcondor.target import Mark, ScheddTarget
from elastic.adapters.htcondor.values import text, whole
from elastic.core.observation import Attempt

ATTRIBUTES = ("GlobalJobId", "ClusterId", "ProcId", "NumShadowStarts", "RemoteHost", "LastRemoteHost", "ExitCode",
              "ExitBySignal", "ToE", "ShadowBday", "LastVacateTime", "VacateReasonCode")  # fmt: skip
OVERLAP_SECONDS = 60
"""Each shadow writes for itself, so records may be a little out of order; who was told of already is left out."""
MOST_RECORDS = 20000
FIRST_MACHINE_CODE = 1000
"""VacateReasonCode from here on: the machine's side ended it. Below: the codes of holds. 0: the job's owner did."""
COMPLETED = 4
REMOVED_OR_HELD = (3, 5)
OWN_ACCORD = 0
OWNER_SECONDS = 60
LOOKS = 5
LOOK_SECONDS = 0.2
NO_EPOCHS = "JOB_EPOCH_HISTORY undefined"


class _Kind(NamedTuple):
    """One way of looking back: a method of the schedd, its constraint, and the attribute that tells when."""

    method: str
    constraint: str
    when: str


EPOCHS = _Kind("jobEpochHistory", 'EpochAdType is undefined || EpochAdType == "EPOCH"', "EpochWriteDate")
JOBS = _Kind("history", "JobUniverse == 5 && JobStatus == 4", "CompletionDate")

_without_epochs: set[str] = set()


def attempts(asked: ScheddTarget, mark: Mark | None) -> tuple[list[Attempt], Mark]:
    """What ended since the mark, oldest first, and the next mark; without a mark nothing but the mark."""
    daemon = htcondor2.Schedd(location(asked.address, "Scheduler"))
    with translated(asked.name):
        kind, ads = _read(daemon, asked.name, mark)
    ours = [ad for ad in reversed(ads) if _schedd(ad) in {"", asked.name}]
    fresh = [ad for ad in ours if mark is not None and _id(ad) not in mark.seen]
    with translated(asked.name):
        told = ((ad, attempt_of(ad)) for ad in fresh)
        ended = [_told(daemon, ad, whole(ad, kind.when), attempt) for ad, attempt in told if attempt is not None]
    newest = max([*(whole(ad, kind.when) for ad in ads), mark.time if mark else 0])
    window = [ad for ad in ads if whole(ad, kind.when) >= newest - OVERLAP_SECONDS]
    return ended, Mark(time=newest, seen=frozenset(_id(ad) for ad in window))


def attempt_of(ad: Mapping[str, Any]) -> Attempt | None:
    """One record as an attempt; None where no machine is named."""
    host = text(ad, "RemoteHost") or text(ad, "LastRemoteHost")
    if not host:
        return None
    by_itself = whole(ad, "JobStatus") == COMPLETED or _ended_by_itself(ad)
    code = 0 if by_itself else whole(ad, "VacateReasonCode")
    wrong = ad.get("ExitBySignal") is True or whole(ad, "ExitCode") != 0
    return Attempt(
        machine=host.partition("@")[2] or host,
        cluster=str(whole(ad, "ClusterId")),
        failed=(by_itself and wrong) or 0 < code < FIRST_MACHINE_CODE,
        evicted=code >= FIRST_MACHINE_CODE,
    )


def _ended_by_itself(ad: Mapping[str, Any]) -> bool:
    """Whether this execution ended of its own accord; an earlier one's ticket of execution may still be there."""
    ticket = ad.get("ToE")
    if not isinstance(ticket, Mapping):
        return False
    return whole(ticket, "HowCode", default=-1) == OWN_ACCORD and whole(ticket, "When") >= whole(ad, "ShadowBday")


def _told(daemon: Any, ad: Mapping[str, Any], when: int, attempt: Attempt) -> Attempt:
    """The attempt, less an eviction that was the owner's doing: what became of the job then tells."""
    if not attempt.evicted:
        return attempt
    for state in _states(daemon, ad):
        since = whole(state, "EnteredCurrentStatus") - when
        if whole(state, "JobStatus") in REMOVED_OR_HELD and abs(since) <= OWNER_SECONDS:
            return replace(attempt, evicted=False)
    return attempt


def _states(daemon: Any, ad: Mapping[str, Any]) -> Sequence[Any]:
    """What the job is now, in the queue or in the history; on its way from one to the other it is in neither."""
    job = f"ClusterId == {whole(ad, 'ClusterId')} && ProcId == {whole(ad, 'ProcId')}"
    wanted = ["ClusterId", "ProcId", "JobStatus", "EnteredCurrentStatus"]
    for _ in range(LOOKS):
        if found := list(daemon.query(job, wanted)) or list(daemon.history(job, wanted, 1)):
            return found
        time.sleep(LOOK_SECONDS)
    return ()


def _read(daemon: Any, name: str, mark: Mark | None) -> tuple[_Kind, Sequence[Mapping[str, Any]]]:
    if name not in _without_epochs:
        try:
            return EPOCHS, _since(daemon, EPOCHS, mark)
        except htcondor2.HTCondorException as error:
            if NO_EPOCHS not in str(error):
                raise
            _without_epochs.add(name)
    return JOBS, [*_since(daemon, JOBS, mark), *_vacated(daemon, mark)]


def _vacated(daemon: Any, mark: Mark | None) -> Sequence[Mapping[str, Any]]:
    """Executions that were cut short, as the jobs in the queue tell of their last one; in the form of a record."""
    since = 1 if mark is None else max(1, mark.time - OVERLAP_SECONDS)
    ads = daemon.query(f"JobUniverse == 5 && LastVacateTime >= {since}", [*ATTRIBUTES, "JobUniverse"])
    records = []
    for ad in ads:
        when, host = whole(ad, "LastVacateTime"), text(ad, "LastRemoteHost")
        if not host:
            # It is just being taken off its machine, which it names a moment later.
            continue
        # It may run again by now, on another machine; newer schedds forget the reason then.
        code = whole(ad, "VacateReasonCode", default=FIRST_MACHINE_CODE)
        last = {"RemoteHost": host, "NumShadowStarts": -when, "VacateReasonCode": code, "ToE": None}
        records.append({**dict(ad), **last, JOBS.when: when})
    return records


def _since(daemon: Any, kind: _Kind, mark: Mark | None) -> Sequence[Any]:
    """Records newer than the mark less the overlap, newest first; without a mark those that the next mark needs."""
    look = getattr(daemon, kind.method)
    wanted = [*ATTRIBUTES, kind.when, "EpochAdType", "JobUniverse", "JobStatus"]
    if mark is None:
        newest = look(kind.constraint, [kind.when], 1)
        if not newest:
            return []
        mark = Mark(time=whole(newest[0], kind.when), seen=frozenset())
    stop = classad2.ExprTree(f"{kind.when} < {mark.time - OVERLAP_SECONDS}")
    return list(look(kind.constraint, wanted, MOST_RECORDS, stop))


def _schedd(ad: Mapping[str, Any]) -> str:
    """Whose job it was: schedds of one host may write to the same file."""
    return text(ad, "GlobalJobId").partition("#")[0]


def _id(ad: Mapping[str, Any]) -> str:
    return f"{whole(ad, 'ClusterId')}.{whole(ad, 'ProcId')}.{whole(ad, 'NumShadowStarts')}"
