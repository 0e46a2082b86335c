"""Keep the pool's central manager running until SIGTERM; `elastic lab` starts and ends it.

python -m elastic.lab.condor FOLDER
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from elastic.lab.folder import LabFolder
from elastic.local.errors import LocalError
from elastic.local.pool import Pool
from elastic.local.poolfolder import PoolFolder
from elastic.local.runtime import prepare

LOOK_SECONDS = 1.0


def main() -> int:
    """Keep the pool of the lab that the command line names; 0 ended as asked, 1 could not, or its master ended."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    root = LabFolder(Path(sys.argv[1])).condor
    try:
        pool = Pool(root, prepare().prefix)
        # Workers know the collector by its address: started again, it must be found there.
        pool.port = known_port(pool.folder)
        with pool:
            write_environment(pool.folder)
            master = pool.daemons.process("master")
            while not told.wait(LOOK_SECONDS):
                # Without its master there is no pool: whoever looks at the lab is to see that, and start us again.
                os.kill(master.pid, 0)
    except (LocalError, OSError) as error:
        print(f"condor: {error}", file=sys.stderr)  # noqa: T201  its log
        return 1
    return 0


def known_port(pool: PoolFolder) -> int:
    """Return the port that the collector had before; 0 if it never ran."""
    try:
        return int(pool.address().rpartition(":")[2])
    except LocalError:
        return 0


def write_environment(pool: PoolFolder) -> None:
    """Write what a user of the bindings needs, one NAME=VALUE a line."""
    lines = "".join(f"{name}={value}\n" for name, value in pool.environment().items())
    (pool.root / "environment").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
