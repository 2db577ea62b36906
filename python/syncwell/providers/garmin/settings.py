"""Where live Garmin is; nothing here is secret."""

from __future__ import annotations

from syncwell.providers.settings import ProviderSettings

PROVIDER = "garmin"


def garmin_settings(*, client_id: str, client_secret: str) -> ProviderSettings:
    """Returns the settings of the live service; `at_origin` moves them to a sandbox."""
    return ProviderSettings(
        provider=PROVIDER,
        api_url="https://apis.garmin.com/wellness-api/rest",
        authorize_url="https://connect.garmin.com/oauth2Confirm",
        token_url="https://diauth.garmin.com/di-oauth2-service/oauth/token",  # noqa: S106 - an address, no secret
        revoke_url="https://apis.garmin.com/wellness-api/rest/user/registration",
        client_id=client_id,
        client_secret=client_secret,
    )
