"""Connections of a person to providers, and what is synced between them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from syncwell.domain.records import ConnectionId, DataType, UserId
from syncwell.domain.resolution import Strategy


class ConnectionStatus(StrEnum):
    """Where a connection is in its life."""

    PENDING = "pending"
    ACTIVE = "active"
    NEEDS_REAUTH = "needs_reauth"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Connection:
    """One account of one person at one provider. `generation` rises whenever its grant changes."""

    connection_id: ConnectionId
    user_id: UserId
    provider: str
    external_user_id: str
    display_name: str
    status: ConnectionStatus
    generation: int
    version: int
    created_at_ms: int
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SyncConfig:
    """A standing wish: keep `data_type` of the destination like the source."""

    user_id: UserId
    source_connection_id: ConnectionId
    destination_connection_id: ConnectionId
    data_type: DataType
    strategy: Strategy
    is_enabled: bool
    propagates_deletes: bool
    version: int

    @property
    def config_id(self) -> str:
        """Returns the id that REST uses; made of what identifies the pair."""
        return config_id(self.source_connection_id, self.destination_connection_id, self.data_type)


def config_id(source: ConnectionId, destination: ConnectionId, data_type: DataType) -> str:
    """Returns the id of the config of a pair and type."""
    return f"{source}--{destination}--{data_type}"
