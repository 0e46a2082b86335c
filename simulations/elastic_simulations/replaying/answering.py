"""What `elastic replay` answers: read the records, decide them again, add up."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from elastic.plugins import policy as policy_named
from elastic_simulations.progress import shown
from elastic_simulations.replaying.records import CutOff, RecordError, files_of, recorded
from elastic_simulations.replaying.replay import Compared, replayed
from elastic_simulations.replaying.sums import GroupSum, Sums
from elastic_simulations.runs.command import pairs
from elastic_simulations.runs.report import own_version
from elastic_simulations.traces.cache import checksum

COMMAND = "replay"

LABEL = (
    "open loop: at each tick, what the policy would have wanted in the state to which the recorded decisions had led; "
    "where its wishes would have led is not simulated (elastic sim run does that)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The replay as a whole; `differing` in the order of the ticks, `sha256` of the files by their paths."""

    policy: str
    parameters: Mapping[str, str]
    records: str
    sha256: Mapping[str, str]
    groups: Mapping[str, GroupSum]
    differing: Sequence[Compared]
    cut_off: Sequence[CutOff]

    def plain(self) -> Mapping[str, object]:
        """As JSON types."""
        return {
            "kind": "open-loop",
            "note": LABEL,
            "policy": self.policy,
            "parameters": dict(self.parameters),
            "files": list(self.sha256),
            "groups": {name: asdict(group) for name, group in self.groups.items()},
            "differences": [_plain(each) for each in self.differing],
            "cut_off": [asdict(each) for each in self.cut_off],
            "manifest": {
                "command": COMMAND,
                "version": own_version(),
                "records": self.records,
                "files": dict(self.sha256),
                "policy": self.policy,
                "parameters": dict(self.parameters),
            },
        }


def answered(path: Path, policy: str, sets: Sequence[str]) -> Answer:
    """Every tick in this file or folder under that policy; PluginError, RecordError."""
    parameters = pairs(sets)
    named = policy_named(policy, parameters)
    files, begun, cut_off, sums = files_of(path), list[Path](), list[CutOff](), Sums()
    # Before they are read: a running daemon writes on.
    sha256 = {str(file): checksum(file) for file in files}
    with shown("replaying", lambda: max(0, len(begun) - 1) / len(files)):
        sums.add(replayed(recorded(_counted(files, begun), cut_off), policy, named))
    groups = sums.groups()
    if not groups:
        raise RecordError(path, 0, "no tick recorded in it")
    return Answer(
        policy=policy,
        parameters=parameters,
        records=str(path),
        sha256=sha256,
        groups=groups,
        differing=sums.differing,
        cut_off=cut_off,
    )


def _counted(files: Iterable[Path], begun: list[Path]) -> Iterator[Path]:
    for file in files:
        begun.append(file)
        yield file


def _plain(each: Compared) -> Mapping[str, object]:
    sides = (("recorded", each.recorded), ("other", each.other), ("proposed", each.proposed))
    told = {name: {"workers": target.workers, "reason": target.reason} for name, target in sides}
    return {"tick": each.tick, "now": each.now, "group": each.group, "existing": each.existing, **told}
