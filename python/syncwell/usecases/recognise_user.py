"""Tells which user a verified identity is; the first valid token of a person makes them one, FREE."""

from __future__ import annotations

from collections.abc import Callable

from syncwell.domain.profiles import Profile, Tier
from syncwell.domain.records import UserId
from syncwell.ports.clock import Clock
from syncwell.repositories.identities import Identities


class RecogniseUser:
    """From (issuer, subject) to a user id that stays the same for ever."""

    def __init__(self, identities: Identities, clock: Clock, new_user_id: Callable[[], UserId]) -> None:
        self._identities = identities
        self._clock = clock
        self._new_user_id = new_user_id

    async def __call__(self, *, issuer: str, subject: str) -> UserId:
        """Returns the user behind a verified identity, made now where it was never seen.

        Raises:
            StoreUnavailableError: nothing was written.
        """
        known = await self._identities.load_user(issuer, subject)
        if known is not None:
            return known
        newcomer = Profile(self._new_user_id(), Tier.FREE, created_at_ms=self._clock.now_ms())
        return await self._identities.link(issuer, subject, newcomer)
