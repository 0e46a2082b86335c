"""What names stand for: asked now and then, kept while nobody answers, and never guessed."""

from collections.abc import Iterator

import pytest

from elastic.adapters.openstack.names import FRESH_SECONDS, Flavor, Names
from elastic.core.resources import Resources
from elastic.ports import Malformed, NotFound, PortError, Transient

FLAVOR = {"id": "f-1", "name": "m1.small", "vcpus": 2, "ram": 4096, "disk": 20, "OS-FLV-EXT-DATA:ephemeral": 10}
IMAGE = {"id": "i-1", "name": "debian-12", "status": "active"}


class Answering:
    """A compute service with one flavor, an image service with some images; everything asked for is noted."""

    def __init__(self, *images: dict[str, str]) -> None:
        self.images = list(images)
        self.error: PortError | None = None
        self.asked: list[str] = []

    def call(self, service: str, _method: str, path: str, query: dict[str, str] | None = None) -> dict[str, object]:
        self.asked.append(f"{service} {path}")
        if self.error is not None:
            raise self.error
        if path == "/flavors/f-1":
            return {"flavor": FLAVOR}
        if path == "/images" and query is not None:
            return {"images": [image for image in self.images if image["name"] == query["name"]]}
        raise NotFound(path)

    def pages(self, _service: str, path: str, _key: str, **_query: str) -> Iterator[dict[str, object]]:
        self.asked.append(path)
        yield from (FLAVOR, {**FLAVOR, "id": "f-2", "name": "m1.large"})


def made(services: Answering, *moments: float) -> Names:
    times = iter(moments or (0.0,) * 9)
    return Names(services, lambda: next(times))  # type: ignore[arg-type]  # it stands for the services


def test_a_flavor_by_its_name_or_its_id_with_what_it_has() -> None:
    names = made(Answering())
    wanted = Flavor("f-1", Resources(2, 4096, 30 * 1024, 0))
    assert (names.flavor("m1.small"), names.flavor("f-1")) == (wanted, wanted)


def test_an_answer_is_used_for_some_minutes() -> None:
    services = Answering(IMAGE)
    names = made(services, 0.0, FRESH_SECONDS - 1, FRESH_SECONDS + 1)
    for asked in (1, 1, 2):
        assert names.image("debian-12") == "i-1"
        assert services.asked.count("image /images") == asked


def test_another_image_of_that_name_is_found_once_the_answer_is_old_or_forgotten() -> None:
    services = Answering(IMAGE)
    names = made(services)
    assert names.image("debian-12") == "i-1"
    services.images = [{**IMAGE, "id": "i-2"}]
    assert names.image("debian-12") == "i-1"
    names.forget()
    assert names.image("debian-12") == "i-2"


def test_while_the_service_does_not_answer_a_name_stands_for_what_it_did() -> None:
    services = Answering(IMAGE)
    names = made(services, 0.0, 10 * FRESH_SECONDS, 20 * FRESH_SECONDS)
    names.image("debian-12")
    services.error = Transient("503")
    assert names.image("debian-12") == "i-1"
    with pytest.raises(Transient):
        names.image("unknown")


def test_a_name_that_went_is_no_name_any_more() -> None:
    services = Answering(IMAGE)
    names = made(services, 0.0, 2 * FRESH_SECONDS)
    names.image("debian-12")
    services.images = []
    with pytest.raises(Malformed, match="there is no image debian-12: make it, or name another"):
        names.image("debian-12")


def test_of_two_images_of_one_name_none_is_taken() -> None:
    names = made(Answering({**IMAGE, "id": "i-2"}, IMAGE))
    with pytest.raises(Malformed, match="2 images are called debian-12; name one by its id: i-1, i-2"):
        names.image("debian-12")


def test_a_server_group_is_known_by_its_id_alone() -> None:
    with pytest.raises(Malformed, match="there is no server group sg"):
        made(Answering()).server_group("sg")
