"""Mint HTCondor IDTOKENs and the signing keys behind them; nothing is stored here."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence

POOL_KEY_ID = "POOL"
WORKER_SCOPES = ("READ", "ADVERTISE_STARTD", "ADVERTISE_MASTER")
_SCRAMBLE = bytes.fromhex("deadbeef")


def new_signing_key() -> bytes:
    """Return the content of a new signing key file: 256 random bits, with no zero byte before or after scrambling.

    Condor reads some key files as C strings, which a zero byte would cut short.
    """
    return scrambled(secrets.token_hex(32).encode())


def scrambled(key: bytes) -> bytes:
    """Return `key` as condor keeps it on disk, or back again: each byte XORed with a repeating DEADBEEF."""
    return bytes(byte ^ _SCRAMBLE[place % len(_SCRAMBLE)] for place, byte in enumerate(key))


def mint(  # noqa: PLR0913 - one for each claim
    key_file: bytes,
    *,
    key_id: str,
    domain: str,
    subject: str,
    issued_at: float,
    expires_at: float | None = None,
    scopes: Sequence[str] = (),
    bearer: str = "",
) -> str:
    """Return an IDTOKEN (a JWT, HS256) signed by the key whose file holds `key_file`.

    `subject` is user@domain; no `scopes` means whatever that user may do; times are seconds since the epoch. `bearer`
    says whose it is, where many have the same subject; it begins the token's own id.
    """
    own_id = f"{bearer}.{secrets.token_hex(16)}" if bearer else secrets.token_hex(16)
    claims: dict[str, object] = {"iat": int(issued_at), "iss": domain, "jti": own_id, "sub": subject}
    if expires_at is not None:
        claims["exp"] = int(expires_at)
    if scopes:
        claims["scope"] = " ".join(f"condor:/{scope}" for scope in scopes)
    header = {"alg": "HS256", "kid": key_id, "typ": "JWT"}
    unsigned = ".".join(_base64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{unsigned}.{_signature(unsigned, key_file, key_id)}"


def bearer(token: str, key_file: bytes, *, key_id: str, subject: str, now: float) -> str:
    """Return whose token this is, if that key signed it for `subject` and it has not ended; ValueError otherwise."""
    try:
        said = claims(token)
        unsigned, _, signature = token.rpartition(".")
        right = _signature(unsigned, key_file, key_id)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError("it is no token") from error
    if said.get("kid") != key_id or not hmac.compare_digest(right.encode(), signature.encode()):
        raise ValueError(f"the key {key_id} has not signed it")
    end, named = said.get("exp"), str(said.get("jti", "")).rpartition(".")[0]
    if said.get("sub") != subject or not named:
        raise ValueError("it is nobody's that can be told")
    if isinstance(end, int) and end <= now:
        raise ValueError(f"it ended {now - end:.0f} s ago")
    return named


def signing_secret(key_file: bytes, key_id: str) -> bytes:
    """Return the HS256 secret that condor derives from a key file: HKDF-SHA256, salt `htcondor`, info `master jwt`."""
    material = scrambled(key_file)
    # The pool's own key is read by the code for the older pool password, which doubles it.
    material = material * 2 if key_id == POOL_KEY_ID else material
    pseudo_random = hmac.digest(b"htcondor", material, hashlib.sha256)
    return hmac.digest(pseudo_random, b"master jwt\x01", hashlib.sha256)


def claims(token: str) -> dict[str, object]:
    """Return what a token says, unchecked: whoever only wants to know its expiry or key id needs no key."""
    header, payload = (json.loads(_from_base64(part)) for part in token.split(".")[:2])
    return {**header, **payload}


def _signature(unsigned: str, key_file: bytes, key_id: str) -> str:
    return _base64(hmac.digest(signing_secret(key_file, key_id), unsigned.encode(), "sha256"))


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _from_base64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
