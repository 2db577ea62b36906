"""`python -m bench.load.stub_worker`: the sync worker as it ships, its providers' addresses moved to a fast stub.

Adapters, metered client, consumers and `RunSync` are the worker's own. The token is one that the worker has in its
cache already, as it has for nearly every job of a connection that syncs often; call limits are those of a large
application, so that the machine is measured and not a provider's budget.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace

from bench.load.empty_worker import work
from services.sync_worker.settings import Settings
from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.tokens import AccessToken, TokenSource
from syncwell.providers.garmin.settings import garmin_settings
from syncwell.providers.registry import InstalledProviders
from syncwell.providers.session import MeteredSessions
from syncwell.providers.settings import ProviderSettings
from syncwell.providers.strava.settings import strava_settings
from syncwell.runtime.clock import SystemClock
from syncwell.runtime.entry import run_service

CALLS_MAX = 1_000_000_000
FAR_MS = 4_000_000_000_000
_WINDOWS = {
    "garmin": ("minute",),
    "strava": ("overall_quarter_hour", "overall_day", "read_quarter_hour", "read_day"),
}


class CachedTokens(TokenSource):
    """The token that the cache holds."""

    async def access_token(
        self,
        user_id: UserId,  # noqa: ARG002 - as the port passes it
        connection_id: ConnectionId,  # noqa: ARG002 - as the port passes it
        *,
        rejected_generation: int | None = None,  # noqa: ARG002 - the stub rejects none
    ) -> AccessToken:
        """Returns it."""
        return AccessToken("bench", 1, FAR_MS)


def stub_settings(origin: str) -> list[ProviderSettings]:
    """Returns both providers at `origin`."""
    live = [make(client_id="bench", client_secret="") for make in (garmin_settings, strava_settings)]
    return [
        replace(one.at_origin(origin), window_limits=dict.fromkeys(_WINDOWS[one.provider], CALLS_MAX)) for one in live
    ]


async def run(settings: Settings) -> None:
    """Works until SIGTERM."""
    registry = InstalledProviders(stub_settings(os.environ["BENCH_STUB"]), SystemClock())
    try:
        await work(settings, registry, MeteredSessions(registry, CachedTokens()))
    finally:
        await registry.aclose()


if __name__ == "__main__":
    sys.exit(run_service("sync_worker", Settings, run))
