"""Whether the collector believes a token now: somebody with nothing else advertises a machine by it."""

import tempfile
from pathlib import Path

from elastic.local.config import write_secret
from elastic.local.poolfolder import PoolFolder
from tests.lab.support import CallError, Client

NAME = "slot1@a-stranger"


def may_advertise(pool: PoolFolder, token: str, folder: Path) -> bool:
    """Advertise with this token alone, in a process that has never spoken to the collector; whether it was taken."""
    own = Path(tempfile.mkdtemp(dir=folder))
    write_secret(own / "token", token.encode())
    with Client(pool, own) as stranger:
        try:
            stranger.call(_advertise)
        except CallError:
            return False
        return True


def _advertise() -> None:
    import classad2  # noqa: PLC0415  in the client's process
    import htcondor2  # noqa: PLC0415

    ad = classad2.ClassAd({"MyType": "Machine", "Name": NAME, "MyAddress": "<127.0.0.1:1>", "State": "Unclaimed"})
    # By TCP: UDP is not answered, so nobody would hear of a refusal.
    htcondor2.Collector().advertise([ad], "UPDATE_STARTD_AD", use_tcp=True)
