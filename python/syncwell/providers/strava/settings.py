"""Where live Strava is; nothing here is secret."""

from __future__ import annotations

from syncwell.providers.settings import ProviderSettings

PROVIDER = "strava"


def strava_settings(*, client_id: str, client_secret: str) -> ProviderSettings:
    """Returns the settings of the live service; `at_origin` moves them to a sandbox."""
    return ProviderSettings(
        provider=PROVIDER,
        api_url="https://www.strava.com/api/v3",
        authorize_url="https://www.strava.com/oauth/authorize",
        token_url="https://www.strava.com/oauth/token",  # noqa: S106 - an address, no secret
        revoke_url="https://www.strava.com/oauth/revoke",
        client_id=client_id,
        client_secret=client_secret,
    )
