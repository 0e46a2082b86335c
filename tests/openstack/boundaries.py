"""The named boundaries inside the adapters for OpenStack, put on a daemon's tape: before and after each request."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from elastic.adapters.openstack.clusters import SdkClusters
from elastic.adapters.openstack.connection import Services
from elastic.adapters.openstack.heat import HeatGroup
from elastic.adapters.openstack.senlin import SenlinGroup
from elastic.adapters.openstack.stack import Stacks
from tests.lab.moments import Tape

METHODS: Mapping[type, Mapping[str, str]] = {
    Stacks: {
        "create": "heat create",
        "preview": "heat preview",
        "resize": "heat resize",
        "mark": "heat mark",
    },
    HeatGroup: {"_again": "heat read again", "_verify": "heat verify"},
    SdkClusters: {"create": "senlin create", "resize": "senlin resize", "remove": "senlin remove"},
    SenlinGroup: {"_verify": "senlin verify"},
}
"""By class and method, what each is called."""

NOVA = {"POST": "nova post", "DELETE": "nova delete"}


def moments(backend: str) -> frozenset[str]:
    """The names of this backend's boundaries."""
    names = [name for methods in METHODS.values() for name in methods.values()] + list(NOVA.values())
    return frozenset(f"{when} {name}" for name in names if name.startswith(backend) for when in ("before", "after"))


@contextmanager
def within(tape: Tape) -> Iterator[None]:
    """Put them all on this tape."""
    with ExitStack() as stack:
        for kind, methods in METHODS.items():
            for method, name in methods.items():
                stack.enter_context(patch.object(kind, method, _taped(getattr(kind, method), name, tape)))
        stack.enter_context(patch.object(Services, "call", _taped_calls(Services.call, tape)))
        yield


def _taped(method: Callable[..., Any], name: str, tape: Tape) -> Callable[..., Any]:
    def call(*args: object, **named: object) -> object:
        tape.moment(f"before {name}")
        answer = method(*args, **named)
        tape.moment(f"after {name}")
        return answer

    return call


def _taped_calls(method: Callable[..., Any], tape: Tape) -> Callable[..., Any]:
    def call(services: Services, service: str, verb: str, path: str, *args: object, **named: object) -> object:
        about_servers = service == "compute" and path.startswith("/servers") and not path.endswith("/action")
        if not about_servers or verb not in NOVA:
            return method(services, service, verb, path, *args, **named)
        return _taped(method, NOVA[verb], tape)(services, service, verb, path, *args, **named)

    return call
