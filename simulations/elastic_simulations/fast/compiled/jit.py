"""How loops are compiled: by numba, and kept on disk for the next process; no run fails because of that cache."""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

numba = import_module("numba")
caching = import_module("numba.core.caching")

F = TypeVar("F", bound=Callable[..., object])

HERE = Path(__file__).parent


def folder() -> Path:
    """Where compiled loops lie: below XDG_CACHE_HOME or ~/.cache, by what all loops are made from.

    numba itself looks only at the file of one function, not at those that it calls.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if base.startswith("/") else Path.home() / ".cache"
    digest = hashlib.sha256()
    for source in sorted(HERE.glob("*.py")):
        digest.update(source.read_bytes())
    return root / "elastic" / "compiled" / digest.hexdigest()[:16]


class _Cache(caching.FunctionCache):  # type: ignore[name-defined, misc] # numba has no types
    """numba's own, but one that cannot be read or written costs the time to compile, never the run."""

    def load_overload(self, sig: object, target_context: object) -> Any:  # noqa: ANN401 - numba's
        """What was compiled before; None when there is nothing, or nothing that can be read."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # noqa: BLE001 - a damaged pickle raises anything
            return None

    def save_overload(self, sig: object, data: object) -> None:
        """Keep it; where the index is damaged, begin a new one."""
        try:
            super().save_overload(sig, data)
        except Exception:  # noqa: BLE001 - as above, and a full disk
            with suppress(Exception):
                self.flush()
                super().save_overload(sig, data)


def jit(function: F) -> F:
    """The function, compiled when it is first called, or loaded from the cache then."""
    made = numba.njit(function, error_model="numpy")
    before = numba.config.CACHE_DIR
    try:
        # Read when the cache is made; restored, because others in this process may use numba too.
        numba.config.CACHE_DIR = str(folder())
        made._cache = _Cache(made.py_func)  # noqa: SLF001 - as its own enable_caching does
    except (RuntimeError, OSError):
        pass
    finally:
        numba.config.CACHE_DIR = before
    return made  # type: ignore[no-any-return]
