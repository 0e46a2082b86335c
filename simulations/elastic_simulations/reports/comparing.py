"""Several results side by side: what tells them apart, and cost against waiting with the Pareto front."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields

from elastic_simulations.reports import theme
from elastic_simulations.reports.metrics import text, value_at
from elastic_simulations.reports.pareto import front
from elastic_simulations.runs.settings import RunSettings

COST, WAIT = "paid_core_h", "wait.mean"
Answer = Mapping[str, object]

MOST_NAMED = 12
"""Results that are told apart by colour; of more, only those on the front are named."""

DEFAULTS: Answer = {
    "trace": None,
    **{item.name: None if item.default is MISSING else item.default for item in fields(RunSettings)},
    "sets": {},
}
"""What may tell results apart, in this order, and what it is where nobody chose it."""


def names(answers: Sequence[Answer]) -> list[str]:
    """A name for each: its policy or its cores, and the options in which it differs from another one; all differ."""
    options = [_options(answer) for answer in answers]
    keys = [name for name in DEFAULTS if len({repr(each.get(name)) for each in options}) > 1]
    worlds = [f"{answer['scenario']}: " if answer.get("scenario") else "" for answer in answers]
    made = [world + _name(each, keys) for world, each in zip(worlds, options, strict=True)]
    return [name if made.count(name) == 1 else f"{name} #{place}" for place, name in enumerate(made, 1)]


def _options(answer: Answer) -> Answer:
    given = answer.get("settings")
    trace = {"trace": answer.get("trace")}
    return {**given, **trace} if isinstance(given, Mapping) else trace


def _name(options: Answer, keys: Sequence[str]) -> str:
    """Options at their default tell nothing; neither do those of elastic runs of a static one."""
    static = options.get("static")
    if static is not None:
        told = [str(options[key]) for key in keys if key == "trace"]
        return ", ".join([f"static {static}", *told])
    told = [
        _told(key, options.get(key))
        for key in keys
        if key != "policy" and options.get(key) not in (DEFAULTS[key], None)
    ]
    return ", ".join([str(options.get("policy", "result")), *told])


def _told(key: str, value: object) -> str:
    match value:
        case Mapping():
            return " ".join(f"{name}={item}" for name, item in value.items())
        case _ if key == "trace":
            return str(value)
        case _:
            return f"{key} {value}"


def points(answers: Sequence[Answer]) -> list[tuple[float, float]]:
    """(paid core-hours, mean wait in seconds) of each."""
    return [(_number(value_at(answer, COST)), _number(value_at(answer, WAIT))) for answer in answers]


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def cost_against_wait(labels: Sequence[str], answers: Sequence[Answer], name: str) -> str:
    """One point a result; the line is the front, beyond which no result is both cheaper and faster."""
    at = points(answers)
    best = front(at)
    least = min((_number(used) for answer in answers if (used := answer.get("used_core_h")) is not None), default=None)
    named = len(at) <= MOST_NAMED
    with theme.figure(3.8) as drawn:
        axes = drawn.subplots()
        steps = [at[place] for place in best]
        if len(steps) > 1:
            axes.step(*zip(*steps, strict=True), where="post", color=theme.ACCENT, linewidth=1.4)
        for place, (cost, wait) in enumerate(at):
            ahead = place in best
            colour = theme.SERIES[place % len(theme.SERIES)] if named else theme.ACCENT if ahead else theme.MUTED
            axes.plot(
                [cost],
                [wait],
                marker="o",
                markersize=(9 if ahead else 7) if named else 5,
                color=colour,
                markerfacecolor=colour if ahead else "none",
                linestyle="none",
            )
        axes.margins(x=0.12, y=0.16)
        if least is not None:
            axes.axvline(least, color=theme.MUTED, linewidth=1, linestyle=(0, (3, 3)))
            axes.set_xlim(left=min(axes.get_xlim()[0], least * 0.995))
        axes.set_ylim(bottom=-0.05 * axes.get_ylim()[1])
        axes.set_xlabel("paid, core-hours")
        axes.set_ylabel("mean wait, s")
        title = "Cost against waiting time: " + "; ".join(
            f"{label} {text(cost)} core-hours, {text(wait)} s" for label, (cost, wait) in zip(labels, at, strict=True)
        )
        return theme.svg(drawn, name, title)
