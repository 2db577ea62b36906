"""Strava as a folder of roles."""

from __future__ import annotations

from syncwell.ports.clock import Clock
from syncwell.ports.roles import Capabilities
from syncwell.providers.metered_client import MeteredClient
from syncwell.providers.strava.capabilities import CAPABILITIES
from syncwell.providers.strava.destination import StravaDestination
from syncwell.providers.strava.oauth import StravaOAuth
from syncwell.providers.strava.source import StravaSource


class StravaProvider:
    """Implements `Provider`."""

    def __init__(self, client: MeteredClient, clock: Clock) -> None:
        """Token calls go through `client`; waits between polls are of `clock`."""
        self.capabilities: Capabilities = CAPABILITIES
        self.oauth = StravaOAuth(client)
        self.source = StravaSource()
        self.destination = StravaDestination(clock)
