"""Talk to the daemon over HTTP; what goes wrong becomes one clear sentence and an exit code."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from elastic.cli.errors import CommandError, Exit

if TYPE_CHECKING:
    import httpx

Json = dict[str, object]
# A dry tick asks every source; everything else answers in milliseconds.
TIMEOUT_SECONDS = 60.0


class Client:
    """One daemon's interface. Methods return decoded JSON objects, or raise CommandError."""

    def __init__(self, url: str, token_file: Path | None = None, token: str = "") -> None:
        """Know where; nothing is sent yet."""
        self.url = url.rstrip("/")
        self._token_file = token_file
        self._token = token

    def read(self, path: str, **query: object) -> Json:
        """GET."""
        return self._ask("GET", path, query=query)

    def write(self, method: str, path: str, body: Json | None = None, **query: object) -> Json:
        """PUT, POST or DELETE, with the token."""
        return self._ask(method, path, query=query, body=body, headers=self._credentials())

    def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object],
        body: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        import httpx

        given = {name: value for name, value in query.items() if value is not None}
        try:
            answer = httpx.request(
                method,
                self.url + path,
                params=given,  # type: ignore[arg-type]  # httpx turns numbers and lists into text
                json=body,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                trust_env=False,  # the daemon is on this machine; a proxy is not
            )
        except httpx.ConnectError as error:
            raise CommandError(
                f"no daemon answers at {self.url} ({error}); start it with `elastic run`, or name another with --url",
                Exit.UNREACHABLE,
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CommandError(
                f"{self.url} did not answer as hoped ({type(error).__name__}: {error})", Exit.UNREACHABLE
            ) from error
        return _decoded(answer)

    def _credentials(self) -> dict[str, str]:
        if self._token:
            return {"Authorization": f"Bearer {self._token}"}
        if self._token_file is None:
            raise CommandError("writing needs the token; name its file with --token-file or --config", Exit.USAGE)
        try:
            token = self._token_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise CommandError(
                f"cannot read the token file {self._token_file} ({error.strerror}); run as the daemon's user, "
                "or name another with --token-file",
                Exit.USAGE,
            ) from error
        return {"Authorization": f"Bearer {token}"}


def _decoded(answer: "httpx.Response") -> Json:
    try:
        found = answer.json()
    except ValueError as error:
        raise CommandError(f"{answer.url} is not elastic's interface; check --url", Exit.UNREACHABLE) from error
    if answer.is_success:
        return found if isinstance(found, dict) else {"items": found}
    detail = str(found.get("detail", answer.reason_phrase))
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        detail += "; check --token-file (the daemon's settings name it)"
    raise CommandError(detail, Exit.USAGE if answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY else Exit.FAILED)
