"""How workers are called: by the number of their launch, as the planner counts."""

from dataclasses import dataclass, field

LEDGER = "simulation"
"""The identity of the fast engines' ledger; worker names begin with its first letters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """From launch numbers (from 0) to names and back, for one group.

    Workers that were there before the run keep their names, `given`; launches are counted on from `sequence`.
    """

    group: str
    ledger: str = LEDGER
    given: tuple[str, ...] = ()
    sequence: int = 0
    _numbers: dict[str, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._numbers.update((name, number) for number, name in enumerate(self.given))

    def name(self, number: int) -> str:
        """As the planner names the launch of that number."""
        if number < len(self.given):
            return self.given[number]
        return f"{self.group}-{self.ledger[:8]}-{self.sequence + number - len(self.given) + 1}"

    def number(self, name: str) -> int:
        """The launch number of the worker of this name."""
        known = self._numbers.get(name) if self.given else None
        return int(name.rpartition("-")[2]) - 1 - self.sequence + len(self.given) if known is None else known
