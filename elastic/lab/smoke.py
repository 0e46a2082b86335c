"""Whether servers boot: the last thing that a start waits for."""

from __future__ import annotations

import time

from elastic.lab.configs import Site
from elastic.lab.health import admin
from elastic.lab.rest import Session
from elastic.lab.seed import FLAVORS, IMAGES
from elastic.local.errors import LocalError

# The first microversion in which a server may be told to have no network.
NO_NETWORK = {"OpenStack-API-Version": "compute 2.37"}
LOOK_SECONDS = 0.2
AGAIN_SECONDS = 1.0
FIRST_BUILD_SECONDS = 3.0


def boot_one(site: Site, seconds: float) -> None:
    """Boot servers, one after another, until one is ACTIVE.

    Those that come while nova-compute starts end in ERROR; of one that comes before nova-conductor listens, nobody
    ever hears again. None of them is left. Raise LocalError after so many seconds.
    """
    session, url = admin(site), site.url("nova", "/v2.1/servers")
    image = session.get(site.url("glance", f"/v2/images?name={IMAGES[0]}"))["images"][0]["id"]
    wanted = {"name": "first", "flavorRef": min(FLAVORS), "imageRef": image, "networks": "none"}
    deadline = time.monotonic() + seconds
    patience = FIRST_BUILD_SECONDS
    while True:
        server = f"{url}/{session.ask('POST', url, {'server': wanted}, NO_NETWORK)['server']['id']}"
        status = _built(session, server, min(deadline, time.monotonic() + patience))
        session.ask("DELETE", server)
        if status == "ACTIVE":
            return
        if time.monotonic() > deadline:
            raise LocalError(f"no server boots; see {site.folder.log}/nova-compute.log and its neighbours")
        patience *= 2
        time.sleep(AGAIN_SECONDS)


def _built(session: Session, server: str, deadline: float) -> str:
    status = "BUILD"
    while status == "BUILD" and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        status = session.get(server)["server"]["status"]
    return status
