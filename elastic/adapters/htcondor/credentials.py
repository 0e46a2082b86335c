"""The folder of our tokens, looked at before HTCondor's own errors are: these do not say that a token has expired."""

from collections.abc import Sequence
from pathlib import Path

from elastic.local.tokens import claims
from elastic.ports import Finding

WHAT = "tokens"
SOON_SECONDS = 86400.0
MOST_NAMED = 5


def check(folder: Path, now: float) -> Finding:
    """Whether every token in it can be read and is still valid; `now` in seconds since the epoch."""
    renew = "renew what has expired with `condor_token_create -identity USER@DOMAIN -token FILE` at the central manager"
    try:
        files = sorted(path for path in folder.iterdir() if not path.is_dir() and not path.name.startswith("."))
    except FileNotFoundError:
        mend = "make it, mode 0700 and the daemon's own, put a token in it, or set htcondor.token_folder"
        return Finding(what=WHAT, ok=False, seen=f"there is no folder {folder}", mend=mend)
    except OSError as error:
        mend = "run as the daemon's user, or give that user the folder (chown, chmod 0700)"
        return Finding(what=WHAT, ok=False, seen=f"{folder} cannot be read: {error.strerror}", mend=mend)
    if not files:
        mend = "put one there: `condor_token_create -identity USER@DOMAIN -token FILE` at the central manager"
        return Finding(what=WHAT, ok=False, seen=f"{folder} holds no token", mend=mend)
    wrong, soon = _judged(files, now)
    if wrong:
        more = f" and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
        seen = f"{folder}: {'; '.join(wrong[:MOST_NAMED])}{more}"
        mend = f"{renew}; remove what is not needed; what cannot be read must belong to the daemon's user, mode 0600"
        return Finding(what=WHAT, ok=False, seen=seen, mend=mend)
    return Finding(what=WHAT, ok=True, seen=f"{len(files)} in {folder}{f'; {soon[0]}' if soon else ''}")


def _judged(files: Sequence[Path], now: float) -> tuple[list[str], list[str]]:
    """What is wrong with these, and what soon will be, the next to expire first."""
    wrong: list[str] = []
    ends: list[tuple[float, str]] = []
    for path in files:
        try:
            expires = _expires_at(path)
        except OSError as error:
            wrong.append(f"{path.name} cannot be read ({error.strerror})")
        except (ValueError, KeyError, AttributeError):
            wrong.append(f"{path.name} holds no IDTOKEN")
        else:
            if expires is not None and expires <= now:
                wrong.append(f"{path.name} expired {_span(now - expires)} ago")
            elif expires is not None and expires - now < SOON_SECONDS:
                ends.append((expires, f"{path.name} expires in {_span(expires - now)}"))
    return wrong, [text for _, text in sorted(ends)]


def _expires_at(path: Path) -> float | None:
    """When the first of its tokens to expire does; None for never. Raise ValueError where there is none."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    tokens = [line for line in lines if line and not line.startswith("#")]
    if not tokens:
        raise ValueError("empty")
    ends = [end for token in tokens if isinstance(end := claims(token).get("exp"), int | float)]
    return float(min(ends)) if ends else None


def _span(seconds: float) -> str:
    hours = seconds / 3600
    return f"{seconds / 60:.0f} min" if hours < 1 else f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"  # noqa: PLR2004
