"""A provider with a consent page that answers as it is told, and keeps count of what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from syncwell.domain.errors import NotFoundError
from syncwell.ports.clock import Clock
from syncwell.ports.roles import Capabilities, Destination, OAuth, Provider, Source, TokenGrant

LIFE = timedelta(hours=6)


class FakeOAuth(OAuth):
    """Numbers its tokens; `fail_next` plans errors, `hold` lets calls hang until it is set."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: list[Exception | None] = []
        self._serial = 0
        self.external_user_id = "77"
        self.display_name = "Ann"
        self.scopes: tuple[str, ...] = ("read",)
        self.returns_refresh_token = True
        self.hold: asyncio.Event | None = None
        self.exchanged: list[tuple[str, str, str]] = []
        self.refreshed: list[str] = []
        self.revoked: list[str] = []
        self.challenges: list[str] = []

    def fail_next(self, *errors: Exception | None) -> None:
        """Makes the next calls raise `errors` in turn; None lets one pass."""
        self._failures.extend(errors)

    def consent_url(self, *, state: str, code_challenge: str, redirect_uri: str) -> str:
        self.challenges.append(code_challenge)
        return f"https://provider.example/consent?state={state}&redirect_uri={redirect_uri}"

    async def exchange(self, *, code: str, code_verifier: str, redirect_uri: str) -> TokenGrant:
        self.exchanged.append((code, code_verifier, redirect_uri))
        await self._play()
        return self._next(self.external_user_id)

    async def refresh(self, refresh_token: str) -> TokenGrant:
        self.refreshed.append(refresh_token)
        await self._play()
        return self._next("")

    async def revoke(self, access_token: str) -> None:
        self.revoked.append(access_token)
        await self._play()

    async def _play(self) -> None:
        await asyncio.sleep(0)
        if self.hold is not None:
            await self.hold.wait()
        failure = self._failures.pop(0) if self._failures else None
        if failure is not None:
            raise failure

    def _next(self, external_user_id: str) -> TokenGrant:
        self._serial += 1
        return TokenGrant(
            access_token=f"access-{self._serial}",
            refresh_token=f"refresh-{self._serial}" if self.returns_refresh_token else "",
            expires_at_ms=self._clock.now_ms() + int(LIFE.total_seconds() * 1000),
            scopes=self.scopes,
            external_user_id=external_user_id,
            display_name=self.display_name,
        )


class FakeProvider(Provider):
    """Plays consent only."""

    def __init__(self, name: str, oauth: OAuth | None) -> None:
        self._name = name
        self._oauth = oauth

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(self._name, self._name.title(), frozenset(), frozenset())

    @property
    def oauth(self) -> OAuth | None:
        return self._oauth

    @property
    def source(self) -> Source | None:
        return None

    @property
    def destination(self) -> Destination | None:
        return None


class FakeRegistry:
    """The providers `strava` and `garmin`, each with its own consent page, and `files` without."""

    def __init__(self, clock: Clock) -> None:
        self.strava = FakeOAuth(clock)
        self.garmin = FakeOAuth(clock)
        self._providers = {
            "files": FakeProvider("files", None),
            "garmin": FakeProvider("garmin", self.garmin),
            "strava": FakeProvider("strava", self.strava),
        }

    def get(self, provider: str) -> Provider:
        if provider not in self._providers:
            raise NotFoundError("there is no such provider here")
        return self._providers[provider]

    def all(self) -> Sequence[Provider]:
        return list(self._providers.values())
