"""Whether the collector believes a token now: somebody with nothing else advertises a machine by it."""

import tempfile
import uuid
from contextlib import suppress
from pathlib import Path

from elastic.local.config import write_secret
from elastic.local.poolfolder import PoolFolder
from tests.lab.support import CallError, Client


def may_advertise(pool: PoolFolder, user: Client, token: str, folder: Path) -> bool:
    """Advertise with this token alone, in a process that has never spoken to the collector; whether it shows there."""
    own = Path(tempfile.mkdtemp(dir=folder))
    write_secret(own / "token", token.encode())
    name = f"slot1@stranger-{uuid.uuid4().hex}"
    with Client(pool, own) as stranger, suppress(CallError):
        stranger.call(_advertise, name)
    return bool(user.machines(f'Name == "{name}"', ["Name"]))


def _advertise(name: str) -> None:
    import classad2  # noqa: PLC0415  in the client's process
    import htcondor2  # noqa: PLC0415

    # In the owner's hands, so that no job is sent there. By TCP: UDP is not answered.
    ad = classad2.ClassAd({"MyType": "Machine", "Name": name, "MyAddress": "<127.0.0.1:1>", "State": "Owner"})
    htcondor2.Collector().advertise([ad], "UPDATE_STARTD_AD", use_tcp=True)
