"""A list is read to its end, also where Nova takes a short page for the last."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from elastic.adapters.openstack import connection
from elastic.adapters.openstack.connection import Services

FULL = 4
NEXT = [{"rel": "next", "href": "http://another.host/"}]


class Pages(Services):
    """Answers with these pages, one after the other, and notes the markers it was asked for."""

    def __init__(self, *pages: tuple[Sequence[str], bool]) -> None:
        super().__init__()
        self.left = list(pages)
        self.markers: list[object] = []

    def call(self, *_: object, query: Mapping[str, str | int] | None = None, **__: object) -> dict[str, Any]:
        self.markers.append((query or {}).get("marker"))
        ids, more = self.left.pop(0)
        return {"servers": [{"id": one} for one in ids], "servers_links": NEXT if more else []}


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PAGE", FULL)


def read(services: Services) -> Sequence[str]:
    return [one["id"] for one in services.pages("compute", "/servers/detail", "servers")]


def test_what_is_less_than_half_a_page_is_the_end_and_costs_one_request() -> None:
    services = Pages(("a", False))
    assert (read(services), services.markers) == (["a"], [None])


def test_a_page_names_the_next_and_nothing_is_told_twice() -> None:
    services = Pages(("abcd", True), ("dX", True), ("", False))
    assert (read(services), services.markers) == (["a", "b", "c", "d", "X"], [None, "d", "X"])


def test_after_a_page_shortened_by_what_stood_on_it_twice_the_rest_is_still_asked_for() -> None:
    services = Pages(("ab", False), ("cde", False), ("f", False))
    assert (read(services), services.markers) == (["a", "b", "c", "d", "e", "f"], [None, "b", "e"])


def test_a_service_that_knows_no_pages_is_asked_once_more_at_most() -> None:
    services = Pages(("abcdef", False), ("abcdef", False))
    assert (read(services), services.markers) == (["a", "b", "c", "d", "e", "f"], [None, "f"])
