"""Which results no other result beats in both cost and waiting time."""

from collections.abc import Sequence


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Places of the points that no other is at most as large as in both values and smaller in one, by first value.

    Of equal points all are on the front.
    """
    order = sorted(range(len(points)), key=lambda place: (*points[place], place))
    kept: list[int] = []
    for place in order:
        if not kept or points[place][1] < points[kept[-1]][1] or points[place] == points[kept[-1]]:
            kept.append(place)
    return kept
