"""What a check says: expected, got, and whether that is right."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

RESIDUAL = 1e-9
"""Of Little's law: more than this is an error of the event loop or of the records."""


class Kind(StrEnum):
    """check = must hold; calibration = shown, decides nothing; not-run = what it needs is not there."""

    CHECK = "check"
    CALIBRATION = "calibration"
    NOT_RUN = "not-run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One figure. `tolerance` in words; a check that was not run is not ok, and says why in `got`."""

    check: str
    expected: str | float
    got: str | float
    tolerance: str
    ok: bool
    kind: Kind = Kind.CHECK


def plain(verdict: Verdict) -> Mapping[str, object]:
    """The verdict as JSON types."""
    return asdict(verdict)


def printed(check: str, expected: str, got: float) -> Verdict:
    """Equal to the last printed digit of `expected`."""
    digits = len(expected.partition(".")[2])
    text = f"{got:.{digits}f}"
    return Verdict(check=check, expected=expected, got=text, tolerance="to the digit", ok=text == expected)


def within(check: str, expected: float, got: float, share: float) -> Verdict:
    """Not further from `expected` than `share` of it."""
    ok = abs(got - expected) <= share * abs(expected)
    return Verdict(check=check, expected=expected, got=got, tolerance=f"{share:.0%}", ok=ok)


def little(runs: str, residuals: Sequence[float]) -> Verdict:
    """Little's law in every one of these runs: the residual of the one that is furthest from it."""
    worst = max(residuals)
    name = f"{runs}: Little's law, worst residual (runs: {len(residuals)})"
    return Verdict(check=name, expected=0.0, got=worst, tolerance="below 1e-9", ok=worst < RESIDUAL)


def not_run(check: str, expected: str | float, why: str) -> Verdict:
    """What it needs is not there."""
    return Verdict(check=check, expected=expected, got=why, tolerance="-", ok=False, kind=Kind.NOT_RUN)
