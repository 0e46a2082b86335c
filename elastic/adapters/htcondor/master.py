"""A worker's master: found in the collector, and told to switch its startd off or on."""

import time
from typing import Any

import htcondor2

from elastic.adapters.htcondor.bindings import COLLECTOR, quoted, translated
from elastic.adapters.htcondor.reach import reach
from elastic.adapters.htcondor.target import CLOCK_SLACK_SECONDS, Target
from elastic.adapters.htcondor.values import whole
from elastic.ports import Transient

ON, OFF_FAST = htcondor2.DaemonCommand.DaemonOn, htcondor2.DaemonCommand.DaemonOffFast
ATTRIBUTES = ["Name", "Machine", "MyAddress", "MyType", "CondorVersion", "STARTD_StartTime"]
POLL_SECONDS = 0.2
APPEARS_SECONDS = 10.0
"""A master's ad comes some seconds after its startd's. Who is not there by then is asked again at the next tick."""


def command(target: Target, what: Any, give_up_at: float) -> None:
    """Send a command about its startd; `give_up_at` is on the monotonic clock."""
    master = _master(target, give_up_at)
    reach(master["MyAddress"])
    with translated(f"master of {target.machine}"):
        htcondor2.send_command(master, what, "STARTD")


def _master(target: Target, give_up_at: float) -> Any:
    """The ad of the worker's master; a worker without one must not hold a whole tick up."""
    until = min(give_up_at, time.monotonic() + APPEARS_SECONDS)
    while (found := _find_master(target)) is None:
        if time.monotonic() > until:
            raise Transient(f"the master of {target.machine} is not in the collector: only it can switch its startd")
        time.sleep(POLL_SECONDS)
    return found


def _find_master(target: Target) -> Any:
    """The master of the startd's own name; else, where only the startd was given a name, that of its host.

    The latter only if it started this very startd: other masters may live on the host.
    """
    host = target.machine.rpartition("@")[2]
    constraint = f"Name == {quoted(target.machine)} || Name == {quoted(host)}"
    with translated(COLLECTOR):
        found = htcondor2.Collector().query(htcondor2.AdType.Master, constraint, ATTRIBUTES)
    for ad in sorted(found, key=lambda ad: bool(ad["Name"] != target.machine)):
        started = whole(ad, "STARTD_StartTime")
        if ad["Name"] == target.machine or any(abs(started - known) <= CLOCK_SLACK_SECONDS for known in target.started):
            return ad
    return None
