"""Every provider of this installation: an explicit list, one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from syncwell.domain.errors import NotFoundError, SetupError
from syncwell.ports.clock import Clock
from syncwell.ports.roles import Provider
from syncwell.ports.webhooks import Webhooks
from syncwell.providers.call_limits import CallLimits
from syncwell.providers.call_watch import CallWatch
from syncwell.providers.files.provider import FilesProvider
from syncwell.providers.garmin import errors as garmin_errors
from syncwell.providers.garmin.limits import GarminLimits
from syncwell.providers.garmin.provider import GarminProvider
from syncwell.providers.metered_client import MeteredClient
from syncwell.providers.session import MissingScope
from syncwell.providers.settings import ProviderSettings
from syncwell.providers.strava import errors as strava_errors
from syncwell.providers.strava.limits import StravaLimits
from syncwell.providers.strava.provider import StravaProvider
from syncwell.providers.strava.webhooks import StravaWebhooks


@dataclass(frozen=True, slots=True)
class Registration:
    """How to make a provider: its roles, its counting of calls, its reading of a 401."""

    make: Callable[[MeteredClient, Clock], Provider]
    limits: Callable[[Mapping[str, int]], CallLimits]
    missing_scope: MissingScope
    webhooks: Callable[[MeteredClient], Webhooks] | None = None


REGISTRATIONS: Mapping[str, Registration] = MappingProxyType(
    {
        "garmin": Registration(GarminProvider, GarminLimits.agreed, garmin_errors.missing_scope),
        "strava": Registration(StravaProvider, StravaLimits.agreed, strava_errors.missing_scope, StravaWebhooks),
    }
)


class InstalledProviders:
    """Implements `ProviderRegistry`, and owns one metered client for each provider. Close it with `aclose`."""

    def __init__(
        self,
        settings: Iterable[ProviderSettings],
        clock: Clock,
        *,
        files_folder: Path | None = None,
        watch: CallWatch | None = None,
    ) -> None:
        """Installs the providers that `settings` name, and `files` below `files_folder` where one is given.

        `watch` goes around every call to a provider.

        Raises:
            SetupError: settings name a provider or a call window that does not exist.
        """
        self._clients: dict[str, MeteredClient] = {}
        self._providers: dict[str, Provider] = {}
        for each in settings:
            registration = REGISTRATIONS.get(each.provider)
            if registration is None:
                known = ", ".join(sorted(REGISTRATIONS))
                raise SetupError(f"settings name the provider {each.provider!r}; known are {known}")
            client = MeteredClient(each, registration.limits(each.window_limits), clock, watch=watch)
            self._clients[each.provider] = client
            self._providers[each.provider] = registration.make(client, clock)
        if files_folder is not None:
            self._providers["files"] = FilesProvider(files_folder)

    def get(self, provider: str) -> Provider:
        """Returns the provider.

        Raises:
            NotFoundError: no installed provider has this id.
        """
        if provider not in self._providers:
            raise NotFoundError("there is no such provider here", provider=provider)
        return self._providers[provider]

    def all(self) -> list[Provider]:
        """Returns every installed provider, ordered by id."""
        return [self._providers[each] for each in sorted(self._providers)]

    def client(self, provider: str) -> MeteredClient | None:
        """Returns the provider's metered client; None for one without HTTP.

        Raises:
            NotFoundError: no installed provider has this id.
        """
        self.get(provider)
        return self._clients.get(provider)

    def webhooks(self, provider: str) -> Webhooks | None:
        """Returns how the provider tells of changes; None for one that is not installed or does not tell."""
        client = self._clients.get(provider)
        make = None if client is None else REGISTRATIONS[provider].webhooks
        return None if client is None or make is None else make(client)

    def missing_scope(self, provider: str) -> MissingScope:
        """Returns the reading of a 401 of a provider that has a client."""
        return REGISTRATIONS[provider].missing_scope

    def calls_by_provider(self) -> Mapping[str, int]:
        """Returns the calls that budgets have granted since the start, for metrics."""
        return {name: client.budget.calls_granted for name, client in self._clients.items()}

    async def aclose(self) -> None:
        """Closes every connection."""
        for client in self._clients.values():
            await client.aclose()
