"""Garmin as a folder of roles."""

from __future__ import annotations

from syncwell.ports.clock import Clock
from syncwell.ports.roles import Capabilities
from syncwell.providers.garmin.capabilities import CAPABILITIES
from syncwell.providers.garmin.oauth import GarminOAuth
from syncwell.providers.garmin.source import GarminSource
from syncwell.providers.metered_client import MeteredClient


class GarminProvider:
    """Implements `Provider`. Garmin takes no completed workouts: there is no destination."""

    def __init__(self, client: MeteredClient, clock: Clock) -> None:
        """Token calls go through `client`; `clock` bounds the walk over uploads."""
        self.capabilities: Capabilities = CAPABILITIES
        self.oauth = GarminOAuth(client, clock)
        self.source = GarminSource(clock)
        self.destination: None = None
