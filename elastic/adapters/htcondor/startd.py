"""What is asked of one worker's startd: the drain, the look at it, the fence, and the way back."""

import subprocess
import time
from collections.abc import Sequence

import htcondor2

from elastic.adapters.htcondor import master, slots
from elastic.adapters.htcondor.bindings import COLLECTOR, ask, location, quoted, translated
from elastic.adapters.htcondor.reach import NobodyListensError, UnreachableError, reach
from elastic.adapters.htcondor.target import CLOCK_SLACK_SECONDS, Target
from elastic.core.observation import DrainSeen, Inspection
from elastic.ports import DrainAnswer, PortError, Refused, Transient, Unauthorized

ONLY_IF_EMPTY = '(State == "Unclaimed" || State == "Owner") && (NumDynamicSlots ?: 0) == 0'
"""Evaluated by the startd on each slot in the same step that starts the drain, so nothing can be claimed in between."""
ONLY_IF_SAFE = '((State == "Unclaimed" || State == "Owner")) || ((RetirementTimeRemaining ?: 0) >= {seconds})'
POLL_SECONDS = 0.1
SILENT_ANSWERS = 5


def inspect(target: Target) -> Inspection:
    """The startd's own answer. That nobody is there is an answer too; that it does not talk to us is none.

    Behind a shared port somebody always listens: of a startd that we switched off an error is what silence looks like.
    """
    try:
        seen = _look(target)
    except UnreachableError as error:
        return Inspection(answered=False, error=str(error))
    except Transient as error:
        if target.fenced:
            return Inspection(answered=False, error=str(error))
        raise
    return _inspection(seen, target)


def drain(target: Target, nonce: str, safe_seconds: int | None, program: str) -> DrainAnswer:
    """Drain if nothing is claimed; with `safe_seconds`, also if every claimed slot may go on for at least so long.

    What an exception means is found out by asking again: the bindings raise the same one for every cause. `program` is
    condor_drain, or empty: it may be authorised by the collector where the bindings are not.
    """
    before = _look_or_say_why(target)
    if (there := slots.drain_of(before)) is not None:
        raise Refused(f"{target.machine} drains already: {there.reason or 'no reason given'}")
    check = ONLY_IF_EMPTY if safe_seconds is None else ONLY_IF_SAFE.format(seconds=safe_seconds)
    failure = _ask_to_drain(target, check, nonce)
    after = _look(target)
    if slots.drain_of(after) is None and program and not _authorised(target.address):
        failure = _run_drain(program, target, check, nonce)
        after = _look(target)
    seen = slots.drain_of(after)
    if seen is not None and seen.reason == nonce:
        return DrainAnswer(request_id=seen.request_id, started=_started(after, target))
    raise _why_not(target, after, seen, failure, busy=safe_seconds is not None)


def _look_or_say_why(target: Target) -> list[slots.Slot]:
    """The startd's slots; Unauthorized where it is there and does not know us."""
    try:
        return _look(target)
    except UnreachableError:
        raise
    except Transient as error:
        if not _authorised(target.address):
            raise Unauthorized(f"{target.machine} does not know us: none of our tokens is signed by its key") from error
        raise


def _ask_to_drain(target: Target, check: str, nonce: str) -> str:
    daemon = htcondor2.Startd(location(target.address, "Machine"))
    try:
        daemon.drainJobs(htcondor2.DrainType.Graceful, htcondor2.CompletionType.Nothing, check, "False", nonce)
    except htcondor2.HTCondorException as error:
        return str(error)
    return ""


def _run_drain(program: str, target: Target, check: str, nonce: str) -> str:
    return _run(program, "-graceful", "-check", check, "-start", "False", "-reason", nonce, _slot(target))


def _slot(target: Target) -> str:
    """By the startd's own name the program finds it only where that is its host's."""
    return f"slot1@{target.machine}"


def _run(program: str, *arguments: str) -> str:
    """What it printed, or why it did not run; what it has done is found out by asking the startd."""
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        return f"{program} cannot be run: {error}"
    return (done.stdout + done.stderr).strip()


def resume(target: Target, prefix: str, seconds: float, program: str = "") -> None:
    """Bring the startd back if it is off, then take our drain off it; anybody else's stays and raises Refused.

    With `program`, condor_drain, what the bindings are not authorised to take back is taken back by it.
    """
    give_up_at = time.monotonic() + seconds
    found, seen = _awake(target, give_up_at)
    drain_seen = slots.drain_of(seen)
    if drain_seen is None:
        return
    if not drain_seen.reason.startswith(prefix):
        raise Refused(f"{target.machine} is drained by somebody else: {drain_seen.reason or 'no reason given'}")
    try:
        htcondor2.Startd(location(found.address, "Machine")).cancelDrainJobs(drain_seen.request_id)
    except htcondor2.HTCondorException as error:
        if not _authorised(found.address):
            if not program:
                raise Unauthorized(f"{target.machine} does not let us cancel its drain: {error}") from error
            _run(program, "-cancel", "-request-id", drain_seen.request_id, _slot(target))
    left = slots.drain_of(_look(found))
    if left is not None and left.reason.startswith(prefix):
        raise Transient(f"{target.machine} still drains after the cancellation")


def fence(target: Target, prefix: str, seconds: float) -> None:
    """Switch the startd off at its master, only while it shows our completed drain; return once it is silent.

    Where nobody listens any more it was off before, or is being started again: then whatever the collector has seen
    since must show our drain too.
    """
    give_up_at = time.monotonic() + seconds
    for address in (target.address, *_addresses(target)):
        try:
            seen = _look(target._replace(address=address))
        except NobodyListensError:
            continue
        _must_be_drained(target, slots.drain_of(seen), prefix)
    master.command(target, master.OFF_FAST, give_up_at)
    failures = 0
    while time.monotonic() < give_up_at:
        try:
            _look(target)
            failures = 0
        except NobodyListensError:
            return
        except Transient:
            # Behind a shared port somebody always listens; that nobody answers must then be seen more than once.
            failures += 1
            if failures >= SILENT_ANSWERS:
                return
        time.sleep(POLL_SECONDS)
    raise Transient(f"{target.machine} still answers after its master was asked to switch its startd off")


def authorised(target: Target) -> bool:
    """Whether this startd would let us drain it."""
    return _authorised(target.address)


def _look(target: Target) -> list[slots.Slot]:
    """The startd's own slots; Transient if it does not answer, or if it is another's startd that answers."""
    if not target.address:
        raise Transient(f"no address is known of {target.machine or 'the startd'}")
    reach(target.address)
    with translated(f"startd of {target.machine}"):
        ads = ask(target.address, "Machine", htcondor2.AdType.Slot)
    seen = [slots.read(ad) for ad in ads]
    if not seen:
        raise Transient(f"the startd at {target.machine}'s address has no slots yet")
    if target.server_id and any(slot.server_id not in {None, target.server_id} for slot in seen):
        raise Transient(f"another server's startd answers at the address of {target.machine}")
    return seen


def _inspection(seen: Sequence[slots.Slot], target: Target) -> Inspection:
    return Inspection(
        answered=True,
        claimed=any(slot.claimed for slot in seen),
        drain=slots.drain_of(seen),
        started=_started(seen, target),
    )


def _started(seen: Sequence[slots.Slot], target: Target) -> int:
    """When the startd was started; asked directly it tells only about when: a remembered time close to that is it."""
    told = next((slot.started for slot in seen if slot.started), 0)
    near = [known for known in target.started if abs(known - told) <= CLOCK_SLACK_SECONDS]
    return min(near, key=lambda known: abs(known - told), default=told)


def _why_not(
    target: Target, seen: Sequence[slots.Slot], there: DrainSeen | None, failure: str, *, busy: bool
) -> PortError:
    if there is not None:
        return Refused(f"{target.machine} drains already: {there.reason or 'no reason given'}")
    if busy and any(slot.claimed for slot in seen):
        return Refused(f"{target.machine} runs a job whose retirement time is too short: a drain would kill it")
    if any(slot.claimed for slot in seen):
        return Refused(f"{target.machine} is claimed")
    if not _authorised(target.address):
        why = f"{target.machine} does not let us drain it; see docs on the key of each worker"
        return Unauthorized(f"{why} ({failure})" if failure else why)
    return Transient(f"{target.machine} did not start to drain: {failure or 'no reason given'}")


def _authorised(address: str) -> bool:
    try:
        answer = htcondor2.ping(location(address, "Machine"), "ADMINISTRATOR")
    except htcondor2.HTCondorException:
        return False
    return bool(answer.get("AuthorizationSucceeded", False))


def _must_be_drained(target: Target, seen: DrainSeen | None, prefix: str) -> None:
    if seen is None or not seen.reason.startswith(prefix) or (target.nonce and seen.reason != target.nonce):
        raise Refused(f"{target.machine} shows no drain of ours: it is not switched off")
    if not seen.drained:
        raise Refused(f"{target.machine} is not drained yet: it is not switched off")


def _awake(target: Target, give_up_at: float) -> tuple[Target, list[slots.Slot]]:
    """The startd with its own answer; switched on at its master if it is silent, and found again at its new address."""
    try:
        return target, _look(target)
    except Transient:
        master.command(target, master.ON, give_up_at)
    while time.monotonic() < give_up_at:
        for address in (target.address, *_addresses(target)):
            try:
                found = target._replace(address=address)
                return found, _look(found)
            except Transient:
                continue
        time.sleep(POLL_SECONDS)
    raise Transient(f"{target.machine} was switched on but does not answer yet")


def _addresses(target: Target) -> list[str]:
    """Where the collector has seen this startd last."""
    with translated(COLLECTOR):
        ads = htcondor2.Collector().query(
            htcondor2.AdType.Slot,
            f"ElasticServerId =?= {quoted(target.server_id)}"
            if target.server_id
            else f"Name =?= {quoted('slot1@' + target.machine)}",
            ["Name", "MyAddress", slots.SERVER],
        )
    return sorted({ad["MyAddress"] for ad in ads})
