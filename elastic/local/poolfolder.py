"""Where a one-machine pool keeps what others need, and how they talk to it; the pool may be another process's."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from elastic.local import config, tokens
from elastic.local.enrolment import Enrolment
from elastic.local.errors import LocalError


@dataclass(frozen=True, slots=True)
class PoolFolder:
    """The folder of one pool, which need not be started yet."""

    root: Path

    @property
    def central(self) -> Path:
        """Configuration, logs and keys of the central manager."""
        return self.root.resolve() / "central"

    @property
    def key_file(self) -> Path:
        """The pool's signing key."""
        return self.central / "passwords.d" / tokens.POOL_KEY_ID

    @property
    def token_folder(self) -> Path:
        """Our tokens, as the bindings read them."""
        return self.root.resolve() / "tokens"

    @property
    def work(self) -> Path:
        """For jobs' files; the schedd sees it under the same path."""
        return self.root.resolve() / "work"

    @property
    def servers(self) -> Path:
        """The folder of servers."""
        return self.root.resolve() / "servers"

    def address(self) -> str:
        """Return host:port of the collector; raise LocalError if no pool was started here."""
        return self._description()["address"]

    def prefix(self) -> Path:
        """Return the folder with the unpacked daemons; raise LocalError if no pool was started here."""
        return Path(self._description()["prefix"])

    def describe(self, address: str, prefix: Path) -> None:
        """Write where the collector listens and which daemons it runs."""
        partial = self.root / ".pool.json.partial"
        partial.write_text(json.dumps({"address": address, "prefix": str(prefix)}), encoding="utf-8")
        partial.rename(self.root / "pool.json")

    def environment(self, token_folder: Path | None = None) -> Mapping[str, str]:
        """Return what a process that uses the bindings needs in its environment before it imports them.

        Sessions are cached by process and address, so each process has one identity: that of its `token_folder`.
        """
        return {
            "CONDOR_CONFIG": "ONLY_ENV",
            "_CONDOR_COLLECTOR_HOST": self.address(),
            "_CONDOR_SEC_TOKEN_DIRECTORY": str(token_folder or self.token_folder),
            "_CONDOR_SEC_CLIENT_AUTHENTICATION": "REQUIRED",
            "_CONDOR_SEC_CLIENT_AUTHENTICATION_METHODS": "IDTOKENS",
            "_CONDOR_SEC_CLIENT_ENCRYPTION": "REQUIRED",
            "_CONDOR_SEC_CLIENT_INTEGRITY": "REQUIRED",
            "_CONDOR_NETWORK_INTERFACE": "127.0.0.1",
            "_CONDOR_NO_DNS": "True",
            "_CONDOR_DEFAULT_DOMAIN_NAME": config.DOMAIN,
            "_CONDOR_UID_DOMAIN": config.DOMAIN,
        }

    def token(self, subject: str, *, scopes: Sequence[str] = (), expires_in_seconds: float | None = None) -> str:
        """Return a token signed by the pool's key, e.g. for another user."""
        now = time.time()
        return tokens.mint(
            self.key_file.read_bytes(),
            key_id=tokens.POOL_KEY_ID,
            domain=config.DOMAIN,
            subject=subject,
            issued_at=now,
            expires_at=None if expires_in_seconds is None else now + expires_in_seconds,
            scopes=scopes,
        )

    def enrolment(self, token_seconds: float) -> Enrolment:
        """Return what gives workers their credentials; their tokens end after so many seconds."""
        return Enrolment(pool_key=self.key_file, token_folder=self.token_folder, token_seconds=token_seconds)

    def _description(self) -> Mapping[str, str]:
        try:
            description: Mapping[str, str] = json.loads((self.root / "pool.json").read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise LocalError(f"no pool has been started in {self.root}") from error
        return description
