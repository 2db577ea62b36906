"""The registry: an explicit list, whole capability tables, icons that exist."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import syncwell.providers
from syncwell.domain.errors import NotFoundError, SetupError
from syncwell.providers.conformance import check_capabilities
from syncwell.providers.garmin.settings import garmin_settings
from syncwell.providers.registry import REGISTRATIONS, InstalledProviders
from syncwell.providers.strava.settings import strava_settings
from tests.unit.fakes.clock import FakeClock
from tests.unit.providers.stages import live_settings

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


@pytest.mark.parametrize("name", sorted(REGISTRATIONS))
def test_capability_tables_agree_with_the_roles(name: str) -> None:
    """What the table promises is there, and an icon of our own too."""
    provider = InstalledProviders(SETTINGS, FakeClock()).get(name)
    assert check_capabilities(provider) == []
    assert provider.capabilities.provider == name
    icon = Path(syncwell.providers.__path__[0]) / "icons" / f"{name}.svg"
    assert icon.read_text().startswith("<svg")
