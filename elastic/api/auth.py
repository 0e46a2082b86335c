"""Who may write: whoever shows the one bearer token; reading needs none, on loopback only."""

import hmac
from typing import Annotated

from fastapi import Depends, HTTPException, Request, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

_scheme = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="The daemon's token; `elastic` reads it from the token file.",
)


def require_token(request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_scheme)]) -> None:
    """Let through only who shows the token; compared in constant time."""
    expected: str = request.app.state.token
    if shown is not None and hmac.compare_digest(shown.credentials.encode(), expected.encode()):
        return
    detail = "no token: send `Authorization: Bearer TOKEN`" if shown is None else "this is not the daemon's token"
    raise HTTPException(status.HTTP_401_UNAUTHORIZED, detail, headers={"WWW-Authenticate": "Bearer"})
