"""The five requirements of the thesis, shown on real HTCondor daemons through the real daemon process.

Times are scaled down: the daemon ticks each second (30 s in production), an idle worker goes after 2 s or twice the
time that joins take (900 s), a drained one after 1 s (15 s).
"""

import pytest

from tests.lab.again import Beside
from tests.lab.conftest import Say
from tests.lab.events import Kind
from tests.lab.ground import LOCAL, Ground
from tests.lab.requirements import *  # noqa: F403 - the same tests everywhere


@pytest.fixture(scope="module")
def ground() -> Ground:
    """Servers are process trees of this machine."""
    return LOCAL


def test_the_control_of_5_removing_the_oldest_first_restarts_the_long_job(beside: Beside, say: Say) -> None:
    """What Heat did, and the thesis could not prevent: seven workers are shrunk to one, the oldest first."""
    events = beside.result("control")
    assert isinstance(events, list)
    kinds = [event.kind for event in events]
    say(f"control of requirement 5: the long job had {kinds.count(Kind.EXECUTE)} execute events: {kinds}")
    assert kinds.count(Kind.EXECUTE) > 1
