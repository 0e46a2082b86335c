"""How an action ended: one table from errors to outcomes."""

from collections.abc import Callable
from typing import TypeVar

from elastic.core.actions import Action, ActionResult, Outcome
from elastic.executor.run import Run, Unfit
from elastic.ports import PortError, Throttled, Transient, Unsent

T = TypeVar("T")


def done(action: Action, detail: str = "") -> ActionResult:
    """It was done as asked."""
    return ActionResult(action=action, outcome=Outcome.DONE, detail=detail)


def refused(action: Action, why: str, error: Exception | None = None) -> ActionResult:
    """It was looked at again and not done; the worker is kept."""
    return ActionResult(
        action=action, outcome=Outcome.REFUSED, detail=why, error_type="" if error is None else type(error).__name__
    )


def ended(action: Action, error: Exception) -> ActionResult:
    """What an error makes of an action: kept, unsure (its intent stays), or failed."""
    match error:
        case Unfit():
            return refused(action, str(error))
        case Unsent():
            outcome = Outcome.FAILED
        case Transient():
            outcome = Outcome.UNSURE
        case _:
            outcome = Outcome.FAILED
    return ActionResult(
        action=action,
        outcome=outcome,
        detail=str(error) or type(error).__name__,
        error_type=type(error).__name__,
        retry_after=error.retry_after if isinstance(error, Throttled) else 0.0,
    )


def attempted(action: Action, carry_out: Callable[[], T]) -> T | ActionResult:
    """What `carry_out` returns; an error of any kind ends this action and no other."""
    try:
        return carry_out()
    except Exception as error:  # noqa: BLE001 - the result carries it; the caller logs it
        return ended(action, error)


def unless_obstacle(run: Run, action: Action, carry_out: Callable[[], T]) -> T | ActionResult:
    """As `attempted`, if nothing is in the way of beginning it."""
    why = run.obstacle(action)
    return refused(action, why) if why else attempted(action, carry_out)


def said(error: PortError) -> str:
    """An error in words: its kind, and its text where it has one."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
