"""What the adapter must be told of a pool, and the environment that its askers get; nothing is read here."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from elastic.local.sandbox import FOLDER_MARK

PACKAGE_PARENT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class HTCondorSettings:
    """One pool; all times in seconds.

    `ledger` is our identity: a drain whose reason starts with "elastic:<ledger>:" is ours. `parameters` are further
    HTCondor configuration for the bindings, by name; `plain_attributes` are ClassAd expressions that a worker of ours
    will have although none has joined yet (a container runtime, software), by attribute name.
    """

    collector: str
    token_folder: Path
    ledger: str
    schedds: tuple[str, ...] = ()
    query_seconds: float = 20.0
    inspect_seconds: float = 5.0
    control_seconds: float = 30.0
    rest_factor: float = 20.0
    schedd_stale_seconds: float = 1800.0
    ad_lifetime_seconds: float = 900.0
    safe_retirement_seconds: int = 30 * 86400
    drain_program: str = ""
    direct_askers: int = 4
    parameters: Mapping[str, str] = field(default_factory=dict)
    plain_attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """What the reason of each drain of ours begins with."""
        return f"elastic:{self.ledger}:"

    def environment(self) -> Mapping[str, str]:
        """The whole environment of an asker: HTCondor's files are not read, so that no host's defaults get in."""
        configuration = {
            "COLLECTOR_HOST": self.collector,
            "SEC_TOKEN_DIRECTORY": str(self.token_folder),
            "SEC_TOKEN_SYSTEM_DIRECTORY": str(self.token_folder),
            "SEC_CLIENT_AUTHENTICATION_METHODS": "IDTOKENS",
            "SEC_CLIENT_AUTHENTICATION": "REQUIRED",
            "SEC_CLIENT_ENCRYPTION": "REQUIRED",
            "SEC_CLIENT_INTEGRITY": "REQUIRED",
            **self.parameters,
        }
        known = [entry for entry in sys.path if entry]
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": os.environ.get("HOME", "/"),
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join([str(PACKAGE_PARENT), *known]),
            "CONDOR_CONFIG": "ONLY_ENV",
            # Whoever clears away a one-machine pool knows its processes by this mark.
            **{name: value for name, value in os.environ.items() if name.startswith("_CONDOR_") or name == FOLDER_MARK},
            **{f"_CONDOR_{name}": value for name, value in configuration.items()},
        }
