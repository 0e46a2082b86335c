"""What OpenStack's answers become at the edge."""

import pytest
import requests
from keystoneauth1 import exceptions as ksa
from openstack import exceptions as sdk

from elastic.adapters.openstack.errors import port_error, translated, unsent
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

QUOTA = "Quota exceeded for instances: Requested 2, but already used 7 of 8 instances"


def http(status: int, text: str = "said so", **headers: str) -> sdk.HttpException:
    response = requests.Response()
    response.status_code = status
    response.headers.update(headers)
    return sdk.HttpException(text, response=response)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (http(403, QUOTA), QuotaExceeded),
        (http(413, QUOTA), QuotaExceeded),
        (http(403, "Maximum number of ports exceeded"), QuotaExceeded),
        (http(409, "Quota exceeded for resources: ['port']."), QuotaExceeded),
        (http(409, "No more IP addresses available on network n-1."), QuotaExceeded),
        (http(403, "Policy doesn't allow it"), Unauthorized),
        (http(401), Unauthorized),
        (http(404), NotFound),
        (http(409), Conflict),
        (http(412), Conflict),
        (http(429), Throttled),
        (http(413, "too many requests"), Throttled),
        (http(400, "Invalid image"), Malformed),
        (http(400, "No valid host was found"), NoCapacity),
        (http(400, "The requested availability zone is not available"), NoCapacity),
        (http(408), Transient),
        (http(500), Transient),
        (http(503), Transient),
        (ksa.ConnectFailure("refused"), Transient),
        (ksa.ConnectTimeout("silent"), Transient),
        (ksa.EndpointNotFound("no such service"), Malformed),
        (ksa.MissingRequiredOptions([]), Unauthorized),
        (sdk.ConfigException("Cloud nowhere was not found."), Malformed),
        (requests.ReadTimeout("silent"), Transient),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, Exception) else value.__name__,
)
def test_each_refusal_and_each_silence_has_its_meaning(error: Exception, kind: type[PortError]) -> None:
    found = port_error(error)
    assert type(found) is kind
    assert str(error).split(":")[0] in str(found)


@pytest.mark.parametrize(
    ("given", "seconds"), [({"Retry-After": "7"}, 7.0), ({"Retry-After": "Monday"}, 60.0), ({}, 60.0)]
)
def test_a_throttled_call_knows_how_long_to_stay_away(given: dict[str, str], seconds: float) -> None:
    found = port_error(http(429, "slow down", **given))
    assert isinstance(found, Throttled)
    assert found.retry_after == seconds


def test_only_the_libraries_errors_are_translated() -> None:
    @translated
    def defect() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        defect()


def test_where_nobody_listens_nothing_was_asked_for() -> None:
    with pytest.raises(requests.ConnectionError) as refused:
        requests.post("http://127.0.0.1:1/servers", timeout=5, proxies={"http": ""})
    wrapped = ksa.ConnectFailure("Unable to establish connection")
    wrapped.__cause__ = refused.value
    assert [type(port_error(error)) for error in (refused.value, wrapped)] == [Unsent, Unsent]


@pytest.mark.parametrize(
    ("given", "kind"), [(Transient, Unsent), (Conflict, Unsent), (Unsent, Unsent), (Malformed, Malformed)]
)
def test_what_fails_before_anything_was_asked_for_may_be_tried_again(
    given: type[PortError], kind: type[PortError]
) -> None:
    with pytest.raises(PortError, match="at the list") as found, unsent():
        raise given("at the list")
    assert type(found.value) is kind


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_login_that_keystone_turns_down_says_nothing_of_any_server(status: int) -> None:
    response = requests.Response()
    response.status_code = status
    error = ksa.from_response(response, "POST", "http://keystone.example.org:5000/v3/auth/tokens")
    found = port_error(error)
    assert type(found) is Unauthorized
    assert str(found).startswith("Keystone at http://keystone.example.org:5000/v3 turned the login down: ")


def test_a_login_without_a_password_is_not_complete_and_other_faults_stay_faults() -> None:
    @translated
    def raising(error: Exception) -> None:
        raise error

    with pytest.raises(Unauthorized, match="the login is not complete: password is a required attribute"):
        raising(Exception("password is a required attribute"))
    with pytest.raises(KeyError):
        raising(KeyError("id"))
