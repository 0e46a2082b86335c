"""The newest tick of a daemon: asked of its HTTP interface, or read from the files of its recorder."""

import json
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from elastic_simulations.errors import SimulationError
from elastic_simulations.replaying.decoding import decoded
from elastic_simulations.replaying.records import CutOff, Recorded, RecordError, files_of, recorded

ASK_SECONDS = 20.0


def newest(source: str) -> Recorded:
    """The newest tick; SimulationError says where it was looked for, and what was wrong there."""
    if source.startswith(("http://", "https://")):
        return _asked(source)
    path = Path(source)
    # A daemon that has just begun a new file may not have written a whole record yet.
    for file in reversed(files_of(path)):
        last = None
        for last in recorded([file], list[CutOff]()):  # noqa: B007 - the last one is wanted
            pass
        if last is not None:
            return last
    raise RecordError(path, 0, "no tick recorded in it")


def _asked(url: str) -> Recorded:
    # The addresses that a daemon prints end in /v1/status and the like.
    address = f"{url.partition('/v1')[0].rstrip('/')}/v1/ticks?limit=1"
    try:
        with urlopen(address, timeout=ASK_SECONDS) as answer:  # noqa: S310 - http and https only, see above
            ticks = json.load(answer)["ticks"]
    except (URLError, OSError) as error:
        raise SimulationError(f"{address}: {getattr(error, 'reason', error)}; is the daemon running there?") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SimulationError(f"{address}: no answer of elastic ({error})") from error
    if not ticks:
        raise SimulationError(f"{address}: the daemon has not ticked yet")
    try:
        return decoded(Recorded, ticks[-1])
    except (TypeError, ValueError, KeyError) as error:
        raise SimulationError(f"{address}: a record of another version of elastic ({error})") from error
