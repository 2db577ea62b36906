"""Reads which providers this installation talks to, and as whom, from `SYNCWELL_PROVIDERS_FILE`.

A TOML file that only its owner can read, one table a provider:

    [strava]
    client_id = "12345"
    client_secret_file = "/etc/syncwell/strava.secret"   # mode 0600
    base_url = "http://127.0.0.1:8431"                   # sandboxes only; needs SYNCWELL_SANDBOX=true
    visibility_lag_seconds = 2                           # sandboxes only; overrides the provider's own
    window_limits = { overall_day = 4000 }               # calls by window, where the provider agreed to others
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import msgspec

from syncwell.domain.errors import SetupError
from syncwell.providers.garmin.settings import garmin_settings
from syncwell.providers.settings import ProviderSettings
from syncwell.providers.strava.settings import strava_settings
from syncwell.runtime.settings import InstallationSettings, Profile

FILE_BYTES_MAX = 65_536
OTHERS_MODE = 0o077

LIVE: Mapping[str, Callable[..., ProviderSettings]] = MappingProxyType(
    {"garmin": garmin_settings, "strava": strava_settings}
)


class ProviderFileSettings(InstallationSettings):
    """Settings of every service that calls or shows providers."""

    providers_file: Path | None = None  # none: no provider can be connected


@dataclass(frozen=True, slots=True)
class ProviderChoice:
    """What the file says."""

    settings: tuple[ProviderSettings, ...] = ()
    visibility_lags: Mapping[str, timedelta] = field(default_factory=dict)


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    client_id: str
    client_secret_file: str
    base_url: str = ""
    visibility_lag_seconds: float | None = None
    window_limits: dict[str, int] = {}


def load_providers(settings: ProviderFileSettings) -> ProviderChoice:
    """Returns the providers that the file names, none without a file.

    Raises:
        SetupError: a file is missing, readable by others or wrong, or names a sandbox where none is allowed.
    """
    if settings.providers_file is None:
        return ProviderChoice()
    tables = _tables_in(settings.providers_file)
    is_sandbox = settings.sandbox and settings.profile is not Profile.PRODUCTION
    lags = {
        name: timedelta(seconds=table.visibility_lag_seconds)
        for name, table in tables.items()
        if table.visibility_lag_seconds is not None
    }
    return ProviderChoice(
        tuple(_settings_of(name, table, is_sandbox=is_sandbox) for name, table in sorted(tables.items())), lags
    )


def _tables_in(path: Path) -> dict[str, _Table]:
    text = _read_private(path)
    try:
        return msgspec.convert(tomllib.loads(text), dict[str, _Table])
    except tomllib.TOMLDecodeError as exc:
        raise SetupError(f"{path} is not TOML: {exc}") from exc
    except msgspec.ValidationError as exc:
        raise SetupError(f"{path} is wrong: {exc}") from exc


def _settings_of(name: str, table: _Table, *, is_sandbox: bool) -> ProviderSettings:
    if name not in LIVE:
        raise SetupError(f"SYNCWELL_PROVIDERS_FILE names the provider {name!r}; known are {', '.join(sorted(LIVE))}")
    secret = _read_private(Path(table.client_secret_file)).strip()
    if not secret or not table.client_id:
        raise SetupError(f"the client id or secret of {name} is empty in SYNCWELL_PROVIDERS_FILE")
    live = replace(
        LIVE[name](client_id=table.client_id, client_secret=secret), window_limits=MappingProxyType(table.window_limits)
    )
    if not table.base_url and table.visibility_lag_seconds is None:
        return live
    if not is_sandbox:
        raise SetupError(f"{name} has sandbox settings; set SYNCWELL_SANDBOX=true outside production, or remove them")
    try:
        return live.at_origin(table.base_url) if table.base_url else live
    except ValueError as exc:
        raise SetupError(f"the base_url of {name} is no absolute URL") from exc


def _read_private(path: Path) -> str:
    """Reads a small text that nobody else may read; what it holds is never quoted."""
    try:
        status = path.stat()
        if status.st_mode & OTHERS_MODE:
            raise SetupError(f"{path} can be read by others; run: chmod 600 {path}")
        if status.st_size > FILE_BYTES_MAX:
            raise SetupError(f"{path} is larger than {FILE_BYTES_MAX} bytes; is it the right file?")
        return path.read_text("utf-8")
    except OSError as exc:
        raise SetupError(f"cannot read {path}: {exc.strerror or 'unknown'}; see SYNCWELL_PROVIDERS_FILE") from exc
    except UnicodeDecodeError as exc:
        raise SetupError(f"{path} is not text; see SYNCWELL_PROVIDERS_FILE") from exc
