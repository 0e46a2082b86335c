"""Client libraries of single services, drawn in and logged in only when something is first asked by them."""

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

from elastic.adapters.openstack.connection import Services


def client(services: Services, module: str) -> Callable[[], Any]:
    """What gives the `Client` of this module with the session of `services`: always the same one, to any thread."""
    lock = threading.Lock()
    made: list[Any] = []

    def given() -> Any:
        with lock:
            if not made:
                made.append(import_module(module).Client(session=services.connection().session))
            return made[0]

    return given
