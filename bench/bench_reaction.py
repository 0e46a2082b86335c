"""How long a job waits until a server is asked for because of it: prints JSON; one tick and 1 s is the promise.

A real pool on this machine, the daemon as `make run` has it (a tick each 5 s). Each round submits two jobs that need
one more worker, at a moment that has nothing to do with the ticks. Needs what `make run` needs, and a minute.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

from elastic.cli.demo.stages import LocalStage
from elastic.local.daemon import DaemonProcess
from elastic.local.runtime import prepare
from elastic.local.sandbox import JOB_USER, USERS

TICK_SECONDS = 5.0
MOST_ROUNDS = 5
SUBMIT_SECONDS = 30.0
GIVE_UP_SECONDS = 60.0
# A younger collector is not believed, so that nothing is asked for.
BLIND_SECONDS = 15.0


def main() -> None:
    """One line of JSON: seconds from the submission to the answered launch call, by round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, choices=range(1, MOST_ROUNDS + 1), default=4)
    rounds = parser.parse_args().rounds
    stage = LocalStage(prepare())
    try:
        stage.open(lambda text: print(text, file=sys.stderr))
        time.sleep(BLIND_SECONDS)
        took = [one_round(stage, number) for number in range(rounds)]
    finally:
        stage.close()
    figures = {"tick_seconds": TICK_SECONDS, "cpus": os.cpu_count(), "seconds": [round(each, 2) for each in took]}
    print(json.dumps({**figures, "slowest_seconds": round(max(took), 2), "promised_seconds": TICK_SECONDS + 1}))


def one_round(stage: LocalStage, number: int) -> float:
    """Two jobs that outlast the benchmark, on a pool whose workers are all full: one more worker is needed."""
    time.sleep(random.uniform(TICK_SECONDS, 2 * TICK_SECONDS))  # noqa: S311 - no secret, only no rhythm
    known = len(launches(stage.daemon))
    submit(stage, number)
    submitted = time.time()
    while len(found := launches(stage.daemon)) <= known:
        if time.time() > submitted + GIVE_UP_SECONDS:
            raise SystemExit(f"no launch within {GIVE_UP_SECONDS:.0f} s:\n{stage.daemon.log_tail()}")
        time.sleep(0.1)
    return found[known] - submitted


def submit(stage: LocalStage, number: int) -> None:
    """Returns as soon as the schedd has taken them."""
    folder = stage.root / "work" / f"round-{number}"
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, USERS[JOB_USER], USERS[JOB_USER])
    burst = {"count": 2, "seconds": (300, 300), "cpus": 1, "memory_mb": 128, "folder": str(folder)}
    subprocess.run(
        [sys.executable, "-m", "elastic.adapters.burst"],
        input=json.dumps([burst]),
        env={**os.environ, **stage.daemon.environment},
        stdout=subprocess.DEVNULL,
        text=True,
        timeout=SUBMIT_SECONDS,
        check=True,
    )


def launches(daemon: DaemonProcess) -> list[float]:
    """When each launch call had been answered, as the daemon's log has it: seconds since the epoch."""
    lines = [json.loads(line) for line in Path(daemon.log).read_text(encoding="utf-8").splitlines() if line[:1] == "{"]
    told = [line for line in lines if line.get("event") == "launch" and line.get("outcome") == "done"]
    return [datetime.fromisoformat(line["timestamp"]).timestamp() for line in told]


if __name__ == "__main__":
    main()
