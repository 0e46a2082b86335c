"""Give each worker a small token and a signing key of its own, and ourselves the token that it obeys."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from elastic.local import config, tokens

DAY_SECONDS = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What goes into one worker's user data."""

    token: str
    signing_key: bytes
    signing_key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """Mints credentials with the pool's key from `pool_key`; our own token for each worker goes into `token_folder`.

    A process that already uses the bindings sees a new file there only after its `reload_config()`.
    """

    pool_key: Path
    token_folder: Path
    domain: str = config.DOMAIN
    token_seconds: float = 30 * DAY_SECONDS

    def enrol(self, worker: str) -> Credentials:
        """Return new credentials; an earlier key of this worker is worth nothing from now on."""
        now = time.time()
        key = tokens.new_signing_key()
        ours = tokens.mint(key, key_id=worker, domain=self.domain, subject=config.CLIENT_USER, issued_at=now)
        config.write_secret(self._token_file(worker), ours.encode())
        theirs = tokens.mint(
            self.pool_key.read_bytes(), key_id=tokens.POOL_KEY_ID, domain=self.domain, subject=config.WORKER_USER,
            issued_at=now, expires_at=now + self.token_seconds, scopes=tokens.WORKER_SCOPES,
        )  # fmt: skip
        return Credentials(token=theirs, signing_key=key, signing_key_id=worker)

    def forget(self, worker: str) -> None:
        """Remove our token for a worker that is gone; safe to repeat."""
        self._token_file(worker).unlink(missing_ok=True)

    def _token_file(self, worker: str) -> Path:
        return self.token_folder / f"worker-{worker}"
