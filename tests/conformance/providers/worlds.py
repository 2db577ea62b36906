"""Seeded worlds over running sandboxes: what the conformance checks and the flow tests stand on."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout, Point, PointSegment
from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.jobs import Priority
from syncwell.domain.records import ConnectionId, RecordId, Sport, UserId
from syncwell.ports.clock import Clock
from syncwell.ports.roles import OAuth, Provider, ProviderSession, TokenGrant
from syncwell.ports.tokens import AccessToken, TokenSource
from syncwell.providers.conformance import SeededRecord
from syncwell.providers.files.fit_writer import write_fit
from syncwell.providers.registry import InstalledProviders
from syncwell.providers.session import MeteredSessions
from syncwell.providers.settings import ProviderSettings
from syncwell.sandbox.clock import MovableClock
from syncwell.sandbox.people import Person
from syncwell.sandbox.sandbox import Sandbox
from syncwell.sandbox.server import SandboxHost, serving

NOW = datetime(2026, 3, 20, 12, 5, tzinfo=UTC)
ATHLETE = "4711"
SandboxT = TypeVar("SandboxT", bound=Sandbox)


class SkippingClock(Clock):
    """The sandbox's clock, on which a wait takes no real time."""

    def __init__(self, movable: MovableClock) -> None:
        self._movable = movable

    def now_ms(self) -> int:
        return self._movable.now_ms()

    async def sleep(self, duration: timedelta) -> None:
        self._movable.advance(max(duration, timedelta(0)))


class RefreshingTokens(TokenSource):
    """A small credentials service: one grant, refreshed at the provider when a generation was rejected."""

    def __init__(self, oauth: OAuth, grant: TokenGrant) -> None:
        self._oauth = oauth
        self._grant = grant
        self._access_token = ""
        self.generation = 1

    def replace(self, access_token: str) -> None:
        """Hands out another access token from now on."""
        self._access_token = access_token

    async def access_token(
        self, user_id: UserId, connection_id: ConnectionId, *, rejected_generation: int | None = None
    ) -> AccessToken:
        if rejected_generation == self.generation:
            self._grant = await self._oauth.refresh(self._grant.refresh_token)
            self.generation += 1
        return AccessToken(self._access_token or self._grant.access_token, self.generation, self._grant.expires_at_ms)


@dataclass(frozen=True, slots=True)
class Stage(Generic[SandboxT]):
    """A running sandbox, the provider that talks to it, and a session of one athlete."""

    sandbox: SandboxT
    url: str
    clock: SkippingClock
    installed: InstalledProviders
    provider: Provider
    tokens: RefreshingTokens
    session: ProviderSession

    async def settle(self) -> None:
        """Lets the provider's visibility lag pass."""
        await self.clock.sleep(self.provider.capabilities.visibility_lag + timedelta(seconds=1))


@asynccontextmanager
async def staged(make: Callable[..., SandboxT], settings: ProviderSettings) -> AsyncIterator[Stage[SandboxT]]:
    """Runs a sandbox with one athlete who has granted everything."""
    movable = MovableClock(frozen_at=NOW)
    sandbox = make(clock=movable)
    sandbox.people.put(Person(user_id=ATHLETE))
    clock = SkippingClock(movable)
    async with serving(SandboxHost(lambda: sandbox)) as url:
        installed = InstalledProviders([settings.at_origin(url)], clock)
        provider = installed.get(settings.provider)
        assert provider.oauth is not None
        direct = sandbox.grants.grant_directly(ATHLETE, sandbox.default_scopes())
        tokens = RefreshingTokens(
            provider.oauth, TokenGrant(direct.access_token, direct.refresh_token, clock.now_ms() + 3_600_000)
        )
        deadline_ms = clock.now_ms() + 86_400_000
        session = MeteredSessions(installed, tokens).open(
            connection_of(settings.provider), priority=Priority.HIGH, deadline_ms=deadline_ms
        )
        try:
            yield Stage(sandbox, url, clock, installed, provider, tokens, session)
        finally:
            await installed.aclose()


def connection_of(provider: str) -> Connection:
    """Returns an active connection of the athlete."""
    return Connection(
        connection_id=ConnectionId("connection"),
        user_id=UserId("user"),
        provider=provider,
        external_user_id=ATHLETE,
        display_name="",
        status=ConnectionStatus.ACTIVE,
        generation=1,
        version=1,
        created_at_ms=0,
    )


def workout_at(start: datetime, *, minutes: int = 30, sport: Sport = Sport.RUN, title: str = "") -> CanonicalWorkout:
    """Returns a workout with a straight track of one point every ten seconds."""
    count = minutes * 6 + 1
    points = [
        Point(
            offset_ms=index * 10_000,
            latitude_e7=480_000_000 + index * 2_500,
            longitude_e7=110_000_000,
            distance_cm=index * 2_780,
            heart_rate_bpm=130 + index % 20,
        )
        for index in range(count)
    ]
    workout = CanonicalWorkout(
        sport=int(sport),  # type: ignore[arg-type]  # the numbers of the two enumerations are the same
        elapsed_ms=minutes * 60_000,
        moving_ms=minutes * 60_000,
        distance_m=(count - 1) * 27.8,
        title=title,
        segments=[PointSegment(points=points)],
    )
    workout.start_time.FromDatetime(start)
    return workout


def seeded_of(record_id: str, workout: CanonicalWorkout, *, has_track: bool = True) -> SeededRecord:
    """Returns what the checks shall find of a workout that was seeded with a file."""
    return SeededRecord(
        record_id=RecordId(record_id),
        sport=Sport(workout.sport),
        start_ms=workout.start_time.ToMilliseconds(),
        elapsed_ms=workout.elapsed_ms,
        title=workout.title,
        has_track=has_track,
    )


def seed(sandbox: Sandbox, *records: Mapping[str, object]) -> list[str]:
    """Seeds records of the athlete and returns their ids."""
    return sandbox.seed_records(json.dumps([{"user_id": ATHLETE, **each} for each in records]).encode())


def fit_base64(workout: CanonicalWorkout) -> str:
    """Returns the workout as a FIT file for a seed."""
    return base64.b64encode(write_fit(workout)).decode()
