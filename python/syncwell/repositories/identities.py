"""Which user a verified identity is, and that user's first profile.

Linked by insert-if-absent, never guessed: two first requests of one person at the same moment make one user.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from syncwell.domain.errors import ConditionFailedError, OutcomeUnknownError
from syncwell.domain.profiles import Profile
from syncwell.domain.records import UserId
from syncwell.ports.item_store import Absent, Item, ItemStore, Put
from syncwell.repositories import keys


class _IdentityRow(msgspec.Struct, frozen=True):
    user_id: str


_IDENTITY = msgspec.msgpack.Decoder(_IdentityRow)
_PROFILE = msgspec.msgpack.Decoder(Profile)


class Identities:
    """Links from (issuer, subject) to users, and the users' profiles."""

    def __init__(self, items: ItemStore) -> None:
        self._items = items

    async def load_user(self, issuer: str, subject: str) -> UserId | None:
        """Reads the user behind an identity strongly; None where it was never seen.

        Raises:
            StoreUnavailableError: nothing was read.
        """
        item = await self._items.get(keys.identity(issuer, subject))
        return None if item is None else UserId(_IDENTITY.decode(item.body).user_id)

    async def load_profile(self, user_id: UserId) -> Profile | None:
        """Reads a profile; None where there is none."""
        item = await self._items.get(keys.profile(user_id))
        return None if item is None else replace(_PROFILE.decode(item.body), version=item.version)

    async def link(self, issuer: str, subject: str, profile: Profile) -> UserId:
        """Links the identity to a new user with `profile`, both or neither; returns whose it is then.

        Where somebody linked the identity first, theirs holds and nothing is written.

        Raises:
            StoreUnavailableError: nothing was written.
            OutcomeUnknownError: the answer was lost and reading back found nothing; the same call again is safe.
        """
        key = keys.identity(issuer, subject)
        link = Item(key, msgspec.msgpack.encode(_IdentityRow(profile.user_id)))
        person = Item(keys.profile(profile.user_id), msgspec.msgpack.encode(profile), version=profile.version)
        try:
            await self._items.transact([Put(link, Absent()), Put(person, Absent())])
        except (ConditionFailedError, OutcomeUnknownError):
            stored = await self.load_user(issuer, subject)
            if stored is None:
                raise
            return stored
        return profile.user_id
