"""Nova's words for servers, in the core's."""

import pytest

from elastic.adapters.openstack.servers import Tag, server
from elastic.core.observation import Server, ServerStatus

TAG = Tag("physics", "ledger-1")


@pytest.mark.parametrize(
    ("raw", "task", "status"),
    [
        ("BUILD", "spawning", ServerStatus.BUILDING),
        ("ACTIVE", None, ServerStatus.ACTIVE),
        ("ACTIVE", "deleting", ServerStatus.DELETING),
        ("SHUTOFF", None, ServerStatus.STOPPED),
        ("ERROR", None, ServerStatus.ERROR),
        ("SOFT_DELETED", None, ServerStatus.DELETING),
        ("PAUSED", None, ServerStatus.OTHER),
        ("A_STATUS_OF_NEXT_YEAR", None, ServerStatus.OTHER),
    ],
)
def test_a_server_in_the_cores_words(raw: str, task: str | None, status: ServerStatus) -> None:
    found = {
        "id": "i", "name": "small-1", "status": raw, "OS-EXT-STS:task_state": task,
        "metadata": TAG.metadata("small", "small-1"), "fault": {"code": 500, "message": "No valid host was found."},
    }  # fmt: skip
    assert server(found) == Server(
        id="i", name="small-1", group="small", status=status, worker="small-1", ledger="ledger-1", raw_status=raw,
        fault="500 No valid host was found.",
    )  # fmt: skip


def test_servers_are_metered_by_pool_and_group() -> None:
    assert TAG.metadata("small")["metering.server_group"] == "physics.small"
    assert "elastic_worker" not in TAG.metadata("small")
