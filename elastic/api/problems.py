"""Errors as problem details (RFC 9457); every error that leaves the interface has this form."""

from collections.abc import Callable
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from elastic.api.service import NotNow, UnknownName
from elastic.ports import Denial, LedgerError, NotEnrolled, PortError

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """Problem details for HTTP APIs, RFC 9457."""

    type: str = Field("about:blank", description="What kind of problem; about:blank says no more than the status.")
    title: str = Field(description="The status in words.", examples=["Not Found"])
    status: int = Field(description="The HTTP status.", examples=[404])
    detail: str = Field(description="What went wrong and what to do.", examples=["no group 'smal'; known: small"])
    errors: list[dict[str, object]] | None = Field(None, description="For 422: what is wrong with which field.")


STATUS_OF: dict[type[Exception], HTTPStatus] = {
    UnknownName: HTTPStatus.NOT_FOUND,
    NotNow: HTTPStatus.SERVICE_UNAVAILABLE,
    LedgerError: HTTPStatus.SERVICE_UNAVAILABLE,
    PortError: HTTPStatus.BAD_GATEWAY,
}
"""What an error of the daemon becomes."""

DENIED: dict[Denial, HTTPStatus] = {
    Denial.UNUSED: HTTPStatus.NOT_FOUND,
    Denial.SECRET: HTTPStatus.UNAUTHORIZED,
    Denial.SERVER: HTTPStatus.FORBIDDEN,
    Denial.AGAIN: HTTPStatus.CONFLICT,
    Denial.OFTEN: HTTPStatus.TOO_MANY_REQUESTS,
}
"""What a server hears that gets no credentials."""

RETRY_AFTER_SECONDS = "5"


def problem(status: HTTPStatus, detail: str, *, headers: dict[str, str] | None = None) -> JSONResponse:
    """Answer with a problem."""
    body = Problem(type="about:blank", title=status.phrase, status=status, detail=detail, errors=None)
    return JSONResponse(body.model_dump(exclude_none=True), status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let every error of the interface leave as a problem."""
    for error_type, status in STATUS_OF.items():
        app.add_exception_handler(error_type, _answer_with(status))
    app.add_exception_handler(NotEnrolled, _denied)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _answer_with(HTTPStatus.INTERNAL_SERVER_ERROR))


def _answer_with(status: HTTPStatus) -> Callable[[Request, Exception], JSONResponse]:
    def answer(_request: Request, error: Exception) -> JSONResponse:
        later = {"Retry-After": RETRY_AFTER_SECONDS} if status is HTTPStatus.SERVICE_UNAVAILABLE else None
        # An unexpected error may hold anything; its text belongs in the log, where uvicorn writes it.
        unexpected = status is HTTPStatus.INTERNAL_SERVER_ERROR
        detail = f"unexpected {type(error).__name__}; the log has its traceback" if unexpected else str(error)
        return problem(status, detail, headers=later)

    return answer


def _denied(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, NotEnrolled)  # noqa: S101  registered for this type alone
    later = {"Retry-After": "60"} if error.denial is Denial.OFTEN else None
    return problem(DENIED[error.denial], str(error), headers=later)


def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for this type alone
    headers = dict(error.headers) if error.headers else None
    return problem(HTTPStatus(error.status_code), str(error.detail), headers=headers)


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    """All that is wrong with a request at once, each with its place; what was sent is not repeated."""
    assert isinstance(error, RequestValidationError)  # noqa: S101  registered for this type alone
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    errors: list[dict[str, object]] = [
        {"where": ".".join(str(part) for part in e["loc"]), "what": e["msg"]} for e in error.errors()
    ]
    detail = "; ".join(f"{e['where']}: {e['what']}" for e in errors)
    body = Problem(type="about:blank", title=status.phrase, status=status, detail=detail, errors=errors)
    return JSONResponse(body.model_dump(exclude_none=True), status, media_type=MEDIA_TYPE)
