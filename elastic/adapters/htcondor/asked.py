"""The asker's side: a process that receives one question at a time and asks HTCondor; the only user of the bindings.

python -m elastic.adapters.htcondor.asked FILE_DESCRIPTOR
"""

import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection

from elastic.adapters.htcondor import history, negotiator, packing, pool, schedd, startd
from elastic.adapters.htcondor.ask import APART, READY
from elastic.adapters.htcondor.bindings import Tokens, translated
from elastic.ports import Malformed, PortError

OPERATIONS: Mapping[str, Callable[..., object]] = {
    "machines": pool.machines,
    "schedds": pool.schedds,
    "invalidate": pool.invalidate,
    "queue": schedd.queue,
    "jobs_on": schedd.jobs_on,
    "attempts": history.attempts,
    "negotiation": negotiator.negotiation,
    "inspect": startd.inspect,
    "drain": startd.drain,
    "resume": startd.resume,
    "fence": startd.fence,
    "authorised": startd.authorised,
    "spreads": packing.spreads,
}
QUERIES = frozenset({"machines", "schedds", "queue", "jobs_on", "attempts", "negotiation"})
"""They change nothing and are asked by askers that keep their sessions."""
GRACE_SECONDS = 1.0
"""After the deadline whoever asked has killed this process; if it is dead itself, the alarm does."""


def main() -> None:
    """Answer until nobody is left who asks."""
    # Thousands of small tuples are made at a time and none of them in cycles: looking for these took half the time.
    gc.set_threshold(200_000, 50, 100)
    connection = Connection(int(sys.argv[1]))
    apart = sys.argv[2:] == [APART]
    tokens = Tokens()
    connection.send(READY)
    while True:
        try:
            operation, arguments, seconds = connection.recv()
        except (EOFError, OSError):
            return
        if apart:
            _in_child(lambda: _reply(connection, operation, arguments, seconds, tokens))  # noqa: B023 - waited for
        else:
            _reply(connection, operation, arguments, seconds, tokens)


def _reply(
    connection: Connection, operation: str, arguments: tuple[object, ...], seconds: float, tokens: Tokens
) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds + GRACE_SECONDS)
    begun = time.monotonic()
    error, answer = _answer(OPERATIONS[operation], arguments, tokens)
    if error is not None and operation in QUERIES:
        # The first use of a session that the other side has lost fails, for instance after its restart.
        error, answer = _answer(OPERATIONS[operation], arguments, tokens)
    signal.setitimer(signal.ITIMER_REAL, 0)
    connection.send((error, answer, time.monotonic() - begun))


def _in_child(task: Callable[[], None]) -> None:
    """Do it in a process that then ends, and with it every session that it made."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        task()
    finally:
        os._exit(0)


def _answer(
    operation: Callable[..., object], arguments: tuple[object, ...], tokens: Tokens
) -> tuple[PortError | None, object]:
    try:
        tokens.refresh()
        with translated():
            return None, operation(*arguments)
    except PortError as error:
        return error, None
    except Exception:  # noqa: BLE001 - whoever asked must get an answer
        return Malformed(f"HTCondor's answer was not understood: {traceback.format_exc(limit=-3)}"), None


if __name__ == "__main__":
    main()
