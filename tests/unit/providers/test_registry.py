"""The registry: an explicit list, whole capability tables, icons that exist."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import syncwell.providers
from syncwell.domain.errors import NotFoundError, ProviderRefusedError, ProviderThrottledError, SetupError
from syncwell.domain.jobs import Priority
from syncwell.domain.records import DataType
from syncwell.providers.conformance import check_capabilities
from syncwell.providers.garmin.settings import garmin_settings
from syncwell.providers.registry import REGISTRATIONS, InstalledProviders
from syncwell.providers.session import MeteredSessions
from syncwell.providers.strava.settings import strava_settings
from tests.unit.fakes.clock import FakeClock
from tests.unit.providers.stages import live_settings
from tests.unit.providers.test_session import CONNECTION, CountingTokens

SETTINGS = (
    strava_settings(client_id="a", client_secret="b"),
    garmin_settings(client_id="c", client_secret="d"),
)


def test_providers_are_found_by_id() -> None:
    """Installed providers are listed in order; others are not there."""
    installed = InstalledProviders(SETTINGS, FakeClock())
    assert [each.capabilities.provider for each in installed.all()] == ["garmin", "strava"]
    assert installed.get("garmin").destination is None
    for ask in (installed.get, installed.client):
        with pytest.raises(NotFoundError):
            ask("polar")
    assert installed.calls_by_provider() == {"strava": 0, "garmin": 0}


def test_unknown_settings_are_a_set_up_error() -> None:
    """Settings of a provider that does not exist say which ones do."""
    unknown = replace(live_settings(), provider="polar")
    with pytest.raises(SetupError, match="garmin, strava"):
        InstalledProviders([unknown], FakeClock())


@pytest.mark.parametrize("limits", [{"minute": 0}, {"hour": 5}])
def test_agreed_limits_are_checked(limits: dict[str, int]) -> None:
    """A window that does not exist and a limit that grants nothing are set-up errors."""
    settings = replace(garmin_settings(client_id="c", client_secret="d"), window_limits=limits)
    with pytest.raises(SetupError, match="minute"):
        InstalledProviders([settings], FakeClock())


def test_agreed_limits_replace_the_declared_ones() -> None:
    """An application with a larger limit may use it, and no more."""
    settings = replace(garmin_settings(client_id="c", client_secret="d"), window_limits={"minute": 150})
    client = InstalledProviders([settings], FakeClock()).client("garmin")
    assert client is not None
    for _ in range(150):
        client.budget.take("GET", "/wellness-api/rest/activities", Priority.HIGH)
    with pytest.raises(ProviderThrottledError):
        client.budget.take("GET", "/wellness-api/rest/activities", Priority.HIGH)


async def test_folder_has_no_client(tmp_path: Path) -> None:
    """The files provider is installed with a folder only, and its sessions call nobody."""
    assert len(InstalledProviders(SETTINGS, FakeClock()).all()) == 2
    installed = InstalledProviders(SETTINGS, FakeClock(), files_folder=tmp_path)
    assert [each.capabilities.provider for each in installed.all()] == ["files", "garmin", "strava"]
    connection = replace(CONNECTION, provider="files")
    (tmp_path / CONNECTION.external_user_id).mkdir()
    session = MeteredSessions(installed, CountingTokens()).open(connection, priority=Priority.LOW, deadline_ms=0)
    with pytest.raises(ProviderRefusedError):
        await session.request("GET", "anything")
    source = installed.get("files").source
    assert source is not None
    assert not await source.has_new_data(session, DataType.WORKOUT, since_ms=0)


@pytest.mark.parametrize("name", ["files", *REGISTRATIONS])
def test_capability_tables_agree_with_the_roles(name: str, tmp_path: Path) -> None:
    """What the table promises is there, and an icon of our own too."""
    provider = InstalledProviders(SETTINGS, FakeClock(), files_folder=tmp_path).get(name)
    assert check_capabilities(provider) == []
    assert provider.capabilities.provider == name
    icon = Path(syncwell.providers.__path__[0]) / "icons" / f"{name}.svg"
    assert icon.read_text().startswith("<svg")
