"""Sealed grants, one row a connection: the only place where tokens rest (design D8)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from enum import StrEnum

import msgspec

from syncwell.domain.connections import Connection
from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.item_store import Delete, Item, ItemStore, Put, VersionEquals
from syncwell.ports.roles import TokenGrant
from syncwell.ports.sealer import Purpose, Sealer
from syncwell.repositories import keys
from syncwell.repositories.accounts import replaces


class GrantState(StrEnum):
    """Whether somebody is refreshing, and whether we know how the last refresh ended."""

    STABLE = "stable"
    REFRESHING = "refreshing"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a pending connection waits for: the code that its person's browser was shown, as a digest."""

    digest: bytes = field(repr=False)
    expires_at_ms: int
    wrong_count: int = 0

    @classmethod
    def of(cls, code: str, *, expires_at_ms: int) -> Confirmation:
        """Returns what to keep of a code of at least 128 random bits; fewer would need more than a plain digest."""
        return cls(_digest(code), expires_at_ms)

    def fits(self, code: str) -> bool:
        """Tells, in the same time for every answer, whether this is the code."""
        return hmac.compare_digest(self.digest, _digest(code))

    def is_over(self, now_ms: int) -> bool:
        """Tells whether the code counts no more, right or wrong."""
        return now_ms >= self.expires_at_ms


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A grant and the life of its refresh.

    `generation` is the connection's when the grant was stored. `busy_until_ms` is the end of the refresher's lease, or
    the earliest time of the next attempt where the last one failed. `retry_count` counts repetitions of a refresh whose
    outcome is unknown. `holder` tells one claim from another. `confirmation` is there while the connection is pending.
    `version` guards every change.
    """

    connection_id: ConnectionId
    user_id: UserId
    provider: str
    generation: int
    issued_at_ms: int
    expires_at_ms: int
    sealed: bytes = field(repr=False)
    state: GrantState = GrantState.STABLE
    busy_until_ms: int = 0
    retry_count: int = 0
    holder: str = ""
    version: int = 1
    confirmation: Confirmation | None = None


class _Secret(msgspec.Struct, frozen=True):
    """What is sealed; never leaves this file."""

    access_token: str
    refresh_token: str
    expires_at_ms: int
    scopes: tuple[str, ...]


class Grants:
    """Reads grant rows, and seals and opens what they hold."""

    def __init__(self, items: ItemStore, sealer: Sealer) -> None:
        self._items = items
        self._sealer = sealer

    async def load(self, connection_id: ConnectionId) -> GrantRow | None:
        """Reads the row strongly, sealed.

        Raises:
            StoreUnavailableError: nothing was read.
        """
        item = await self._items.get(keys.token(connection_id))
        return None if item is None else replace(_ROW.decode(item.body), version=item.version)

    async def seal(
        self,
        connection: Connection,
        grant: TokenGrant,
        *,
        now_ms: int,
        version: int,
        confirmation: Confirmation | None = None,
    ) -> GrantRow:
        """Returns the stable row of a new grant, of the connection's generation.

        Raises:
            SecretStoreUnavailableError: the key cannot be read.
        """
        return GrantRow(
            connection_id=connection.connection_id,
            user_id=connection.user_id,
            provider=connection.provider,
            generation=connection.generation,
            issued_at_ms=now_ms,
            expires_at_ms=grant.expires_at_ms,
            sealed=await self.seal_for(connection.user_id, connection.connection_id, grant),
            version=version,
            confirmation=confirmation,
        )

    async def open(self, row: GrantRow) -> TokenGrant:
        """Returns the grant in a row.

        Raises:
            SecretStoreUnavailableError: the key cannot be read.
            InvalidInputError: the row was changed, or belongs to another connection.
        """
        return await self.open_for(row.user_id, row.connection_id, row.sealed)

    async def seal_for(self, user_id: UserId, connection_id: ConnectionId, grant: TokenGrant) -> bytes:
        """Returns the grant sealed to one connection of one user."""
        secret = _Secret(grant.access_token, grant.refresh_token, grant.expires_at_ms, grant.scopes)
        owner = _owner(user_id, connection_id)
        return await self._sealer.seal(Purpose.TOKENS, msgspec.msgpack.encode(secret), owner=owner)

    async def open_for(self, user_id: UserId, connection_id: ConnectionId, sealed: bytes) -> TokenGrant:
        """Returns what `seal_for` sealed to the same connection."""
        plaintext = await self._sealer.open(Purpose.TOKENS, sealed, owner=_owner(user_id, connection_id))
        secret = _SECRET.decode(plaintext)
        return TokenGrant(secret.access_token, secret.refresh_token, secret.expires_at_ms, secret.scopes)


def grant_put(row: GrantRow) -> Put:
    """Returns the write of a row; it replaces the version before its own."""
    item = Item(keys.token(row.connection_id), msgspec.msgpack.encode(row), version=row.version)
    return Put(item, replaces(row.version))


def grant_delete(row: GrantRow) -> Delete:
    """Returns the removal of a row as it was read."""
    return Delete(keys.token(row.connection_id), VersionEquals(row.version))


_ROW = msgspec.msgpack.Decoder(GrantRow)
_SECRET = msgspec.msgpack.Decoder(_Secret)


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "replace")).digest()


def _owner(user_id: UserId, connection_id: ConnectionId) -> str:
    return f"{user_id}/{connection_id}"
