"""Where the daemon is: from an option, the environment, the settings file, or the place where it usually listens."""

import os
from pathlib import Path

from elastic.cli.client import Client
from elastic.cli.errors import CommandError, Exit


def connect(url: str | None, config: Path | None, token_file: Path | None = None) -> Client:
    """A client for the daemon. What options and environment do not say, the settings do; they are read only then."""
    token = os.environ.get("ELASTIC_TOKEN", "")
    if url and (token or token_file):
        return Client(url, token_file, token)
    try:
        found_url, found_file, found_token = _from_settings(config)
    except CommandError:
        # Reading needs no more than the address.
        if url is None:
            raise
        return Client(url, token_file, token)
    return Client(url or found_url, token_file or found_file, token or ("" if token_file else found_token))


def _from_settings(config: Path | None) -> tuple[str, Path, str]:
    """The address, the token file and the token that the settings name; defaults where there are no settings."""
    from elastic.daemon.places import read_settings, settings_path
    from elastic.settings import Settings, SettingsError
    from elastic.settings.model import ApiSettings

    if settings_path(config) is None:
        api, folder = ApiSettings(), Path(str(Settings.model_fields["folder"].default))
    else:
        try:
            settings = read_settings(config)
        except SettingsError as error:
            raise CommandError(str(error), Exit.USAGE) from error
        api, folder = settings.api, settings.folder
    host = f"[{api.host}]" if ":" in api.host else api.host
    token = api.token.get_secret_value() if api.token else ""
    return f"http://{host}:{api.port}", folder / api.token_file, token
