"""What OpenStack's refusals and silences mean: every library error becomes one of the ports' errors here."""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import ParamSpec, TypeVar

import requests
from keystoneauth1 import exceptions as ksa
from openstack import exceptions as sdk
from urllib3.exceptions import NewConnectionError

from elastic.ports import (
    Conflict,
    Malformed,
    NoCapacity,
    NotFound,
    PortError,
    QuotaExceeded,
    Throttled,
    Transient,
    Unauthorized,
    Unsent,
)

P = ParamSpec("P")
T = TypeVar("T")

NO_VALID_HOST = "No valid host"
NO_HOST = (NO_VALID_HOST, "availability zone is not available", "The specified availability_zone")
"""How Nova says that there is no host, after and before it has looked for one."""
LONGEST_TEXT = 500
STATUS_NAMES = ("status_code", "http_status", "code")
TOO_MUCH = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.CONFLICT})
OVER_QUOTA = ("quota", "maximum number of", "no more ip addresses")
"""Nova's word for ports is the second (403), Neutron's for addresses the third (409); the rest says quota."""
THROTTLED = frozenset({HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.TOO_MANY_REQUESTS})
TOKENS = "/auth/tokens"
"""Where Keystone takes logins."""
NO_ENTRY = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
"""How it refuses one; the last of an application credential that was deleted, which says nothing of any server."""
PLAIN: Mapping[int, type[PortError]] = {
    HTTPStatus.UNAUTHORIZED: Unauthorized,
    HTTPStatus.FORBIDDEN: Unauthorized,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.REQUEST_TIMEOUT: Transient,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.PRECONDITION_FAILED: Conflict,
}


def translated(call: Callable[P, T]) -> Callable[P, T]:
    """Let nothing but the ports' errors out of `call`."""

    @functools.wraps(call)
    def outer(*args: P.args, **named: P.kwargs) -> T:
        try:
            return call(*args, **named)
        except (sdk.SDKException, ksa.ClientException, requests.RequestException) as error:
            raise port_error(error) from error
        except Exception as error:
            # keystoneauth has no class of its own for a login without a password.
            if type(error) is Exception:
                raise Unauthorized(f"the login is not complete: {error}") from error
            raise

    return outer


@contextmanager
def unsent() -> Iterator[None]:
    """What fails in here was only asked before anything was to be changed: the same can be tried again at once."""
    try:
        yield
    except (Transient, Conflict) as error:
        raise error if isinstance(error, Unsent) else Unsent(str(error)) from error


def port_error(error: Exception) -> PortError:
    """The ports' error that stands for one of a client library."""
    text = _text(error)
    # Each library has a name of its own for it.
    status = next((s for name in STATUS_NAMES if isinstance(s := getattr(error, name, None), int)), None)
    if status in NO_ENTRY and (keystone := _asked_to_log_in(error)):
        return Unauthorized(f"Keystone at {keystone} turned the login down: {text}")
    if status is not None:
        return _by_status(status, text, _retry_after(error))
    match error:
        case ksa.AuthorizationFailure() | ksa.AuthPluginException() | ksa.MissingRequiredOptions():
            return Unauthorized(text)
        case ksa.EndpointNotFound() | sdk.ConfigException():
            return Malformed(text)
        case _:
            return Unsent(text) if _never_connected(error) else Transient(text)


def _asked_to_log_in(error: Exception) -> str:
    """Keystone's address, where it was asked for a token; else empty."""
    url = getattr(error, "url", None)
    return url.removesuffix(TOKENS) if isinstance(url, str) and url.endswith(TOKENS) else ""


def _never_connected(error: BaseException | None) -> bool:
    """Whether nobody listens there: then nothing can have taken effect."""
    while error is not None:
        if any(isinstance(getattr(part, "reason", None), NewConnectionError) for part in error.args):
            return True
        error = error.__cause__ or error.__context__
    return False


def _by_status(status: int, text: str, retry_after: float) -> PortError:
    if status in TOO_MUCH and any(said in text.lower() for said in OVER_QUOTA):
        return QuotaExceeded(text)
    if status in THROTTLED:
        return Throttled(text, retry_after)
    if any(said in text for said in NO_HOST):
        return NoCapacity(text)
    if status in PLAIN:
        return PLAIN[status](text)
    wrong = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return Malformed(text) if wrong else Transient(text)


def _text(error: Exception) -> str:
    """The service's own sentence where it gave one, on one line."""
    details = getattr(error, "details", None)
    said = details if isinstance(details, str) and details and details not in str(error) else ""
    text = " ".join(f"{error} {said}".split()) or type(error).__name__
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]} ..."


def _retry_after(error: Exception, default: float = 60.0) -> float:
    response = getattr(error, "response", None)
    headers: Mapping[str, str] = getattr(response, "headers", None) or {}
    try:
        return max(1.0, float(headers.get("Retry-After", default)))
    except ValueError:
        return default
