"""Give each worker a small token and a signing key of its own, and ourselves the token that it obeys."""

from __future__ import annotations

import time
from collections.abc import Mapping
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

    With `signing_keys`, the folder in which the collector looks for keys, each worker's token is signed by a second key
    of its own there (named `prefix` and the worker) and has no end: it is worth nothing once that key is gone. Without,
    the pool's key signs it, for `token_seconds`.
    A process that already uses the bindings sees a new file there only after its `reload_config()`.
    """

    pool_key: Path
    token_folder: Path
    domain: str = config.DOMAIN
    token_seconds: float = 30 * DAY_SECONDS
    signing_keys: Path | None = None
    prefix: str = "elastic-"

    def enrol(self, worker: str) -> Credentials:
        """Return new credentials; an earlier key of this worker is worth nothing from now on."""
        now = time.time()
        key = tokens.new_signing_key()
        ours = tokens.mint(
            key, key_id=worker, domain=self.domain, subject=self._user(config.CLIENT_USER), issued_at=now
        )
        config.write_secret(self._token_file(worker), ours.encode())
        return Credentials(token=self._theirs(worker, now), signing_key=key, signing_key_id=worker)

    def bearer(self, token: str, now: float) -> str:
        """Return which worker this token was made for; ValueError when it ended, or the pool's key did not sign it."""
        user = self._user(config.WORKER_USER)
        return tokens.bearer(token, self.pool_key.read_bytes(), key_id=tokens.POOL_KEY_ID, subject=user, now=now)

    def renew(self, worker: str, now: float) -> str:
        """Return a fresh token for this worker; the one before lasts until its end."""
        return self._theirs(worker, now)

    def forget(self, worker: str) -> None:
        """Revoke what a worker could do, and remove our token for it; safe to repeat."""
        self._token_file(worker).unlink(missing_ok=True)
        if self.signing_keys is not None:
            (self.signing_keys / f"{self.prefix}{worker}").unlink(missing_ok=True)

    def known(self) -> Mapping[str, float]:
        """Since when (seconds since the epoch) each worker whose token can be revoked has had it."""
        if self.signing_keys is None:
            return {}
        files = [file for file in self.signing_keys.iterdir() if file.name.startswith(self.prefix)]
        return {file.name.removeprefix(self.prefix): file.stat().st_mtime for file in files}

    def _theirs(self, worker: str, now: float) -> str:
        if self.signing_keys is None:
            key, key_id, end = self.pool_key.read_bytes(), tokens.POOL_KEY_ID, now + self.token_seconds
        else:
            key, key_id, end = tokens.new_signing_key(), f"{self.prefix}{worker}", None
            config.write_secret(self.signing_keys / key_id, key)
        return tokens.mint(
            key, key_id=key_id, domain=self.domain, subject=self._user(config.WORKER_USER),
            issued_at=now, expires_at=end, scopes=tokens.WORKER_SCOPES, bearer=worker,
        )  # fmt: skip

    def _user(self, user: str) -> str:
        """The same user in the domain of this pool, which is what the shipped configuration names."""
        return f"{user.partition('@')[0]}@{self.domain}"

    def _token_file(self, worker: str) -> Path:
        return self.token_folder / f"worker-{worker}"
