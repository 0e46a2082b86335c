"""What the daemon writes to its log: one line per tick and one per action, for a console or as JSON."""

import logging
import sys
from typing import Literal

import structlog

from elastic.core.actions import Outcome, verb
from elastic.core.record import TickRecord
from elastic.core.trust import EXPIRED

Format = Literal["console", "json"]
LOGGER = structlog.stdlib.get_logger("elastic")
# What somebody should look at; deploy/prometheus has an alert for each.
ALARMING = frozenset({"growth_held", "job_lost", "leftover_overdue", "stalled", "victim_mismatch"})
CHATTY = ("alembic", "httpx", "uvicorn", "uvicorn.error", "uvicorn.access")


def configure(log_format: Format, level: str) -> None:
    """Send everything, libraries included, to standard error in one form."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_last(log_format)))
    root = logging.getLogger()
    root.handlers[:] = [out]
    root.setLevel(level.upper())
    # A tick that outlasts the usual interval is what the scheduler's "maximum number of instances" is for.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _last(log_format: Format) -> list[structlog.typing.Processor]:
    meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if log_format == "json":
        return [meta, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(sort_keys=True)]
    return [meta, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]


class TickLog:
    """Writes ticks; what was refused for the same reason the tick before is not repeated."""

    def __init__(self) -> None:
        self._refused: frozenset[tuple[str, str, str, str]] = frozenset()
        self._waiting: dict[str, bool] = {}

    def write(self, record: TickRecord) -> None:
        """One line for the tick, one for each action, event and new refusal, one for sources lost or back."""
        self._sources(record)
        for event in record.events:
            level = logging.WARNING if event.kind in ALARMING else logging.INFO
            LOGGER.log(level, event.kind, text=event.text, group=event.group, worker=event.worker, tick=record.tick)
        for result in record.results:
            action = result.action
            level = logging.INFO if result.outcome in {Outcome.DONE, Outcome.DRY} else logging.WARNING
            said = {"detail": result.detail, "error_type": result.error_type} if result.detail else {}
            LOGGER.log(
                level,
                verb(action),
                group=action.group,
                worker=action.worker,
                outcome=result.outcome.value,
                reason=action.reason,
                tick=record.tick,
                **said,
            )
        self._refusals(record)
        self._tick(record)

    def _tick(self, record: TickRecord) -> None:
        groups = record.snapshot.groups
        LOGGER.info(
            "tick",
            tick=record.tick,
            mode=record.mode,
            idle_jobs=record.snapshot.demand.idle_jobs,
            running_jobs=record.snapshot.demand.running_jobs,
            groups={name: _group_line(record, name) for name in groups},
            actions=len(record.results),
            refusals=len(record.plan.refusals),
            next_wake_seconds=round(record.plan.next_wake - record.now, 1),
            wake_reason=record.plan.wake_reason,
            seconds=round(sum(record.durations.values()), 3),
        )

    def _refusals(self, record: TickRecord) -> None:
        refused = {(r.group, r.guardrail, r.direction, r.reason) for r in record.plan.refusals}
        for group, guardrail, direction, reason in sorted(refused - self._refused):
            LOGGER.info(
                "refused",
                group=group,
                guardrail=guardrail,
                direction=direction,
                reason=reason,
                tick=record.tick,
            )
        self._refused = frozenset(refused)

    def _sources(self, record: TickRecord) -> None:
        sources = record.snapshot.sources
        missing = {name: source.error_type == EXPIRED for name, source in sources.items() if not source.ok}
        for name, expired in missing.items():
            said = {"source": name, "error": sources[name].error}
            if expired and not self._waiting.get(name, False):
                LOGGER.warning("a source counts no more", **said)
            elif name not in self._waiting:
                LOGGER.warning("waiting for a source", **said, misses=sources[name].misses)
        for name in self._waiting.keys() - missing.keys():
            LOGGER.info("a source is back" if name in sources else "a source is forgotten", source=name)
        self._waiting = missing


def _group_line(record: TickRecord, name: str) -> str:
    group = record.snapshot.groups[name]
    target = record.targets.get(name)
    phases = " ".join(f"{phase}:{number}" for phase, number in group.counts.items() if number)
    wanted = f"-> {target.workers} ({target.reason})" if target else "no target"
    return f"{phases or 'no workers'} {wanted}"
