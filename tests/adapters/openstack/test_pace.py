"""How many calls go to a cloud side by side."""

import threading

from elastic.adapters.openstack.pace import START, Pace
from elastic.ports import Malformed, PortError, Throttled


def test_answers_and_errors_come_in_the_order_of_the_items() -> None:
    def call(number: int) -> int:
        if number % 3 == 0:
            raise Malformed(f"not {number}")
        return number * 10

    answers = Pace(8).each(call, range(7))
    assert [str(a) if isinstance(a, PortError) else a for a in answers] == ["not 0", 10, 20, "not 3", 40, 50, "not 6"]


def test_it_widens_by_one_a_wave_and_never_beyond_its_limit() -> None:
    pace = Pace(6)
    assert pace.width == START
    pace.each(lambda number: number, range(100))
    assert pace.width == 6


def test_it_halves_when_the_cloud_complains_and_recovers() -> None:
    def call(number: int) -> int:
        if number < START:
            raise Throttled("slow down")
        return number

    pace = Pace(16, pause_seconds=0.0)
    pace.each(call, range(START))
    assert pace.width == START // 2
    pace.each(call, range(START, START + 2))
    assert pace.width == START // 2 + 1


def test_a_definite_refusal_is_no_complaint() -> None:
    def call(number: int) -> int:
        raise Malformed(str(number))

    pace = Pace(16)
    pace.each(call, range(START))
    assert pace.width == START + 1


def test_never_more_at_once_than_its_width() -> None:
    running, most, lock = 0, 0, threading.Lock()
    met = threading.Barrier(START)

    def call(number: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        if number < START:
            met.wait(30)  # All of the first wave are there at once.
        with lock:
            running -= 1

    Pace(START).each(call, range(3 * START))
    assert most == START
