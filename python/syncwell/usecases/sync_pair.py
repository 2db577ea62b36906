"""Loads what a job works on: both connections, their providers' roles, the wish that joins them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from syncwell.domain.connections import Connection, ConnectionStatus, config_id
from syncwell.domain.errors import ConflictError, NotFoundError, ReauthenticationNeededError, UnsupportedPairError
from syncwell.domain.jobs import Job, JobRequest
from syncwell.domain.records import ConnectionId, UserId
from syncwell.domain.resolution import Strategy
from syncwell.ports.roles import Capabilities, Destination, ProviderRegistry, Source
from syncwell.ports.sealer import Purpose, Sealer
from syncwell.repositories import keys
from syncwell.repositories.accounts import Accounts

FINGERPRINT_KEY_BYTES = 16

OnConnection = Callable[[Connection], None]


@dataclass(frozen=True, slots=True)
class SyncPair:
    """Two accounts of one person. `listing` reads the destination; None where it cannot be read."""

    request: JobRequest
    source: Connection
    destination: Connection
    reading: Source
    writing: Destination
    listing: Source | None
    source_can: Capabilities
    destination_can: Capabilities
    strategy: Strategy
    fingerprint_key: bytes = field(repr=False)

    @property
    def source_account(self) -> str:
        """Returns the name of the account that is read."""
        return keys.account(self.source.provider, self.source.external_user_id)

    @property
    def destination_account(self) -> str:
        """Returns the name of the account that is written."""
        return keys.account(self.destination.provider, self.destination.external_user_id)


class LoadPair:
    """Reads the pair of a job, strongly: a revoked connection is never used after its claim."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        registry: ProviderRegistry,
        sealer: Sealer,
        visibility_lags: Mapping[str, timedelta],
        on_connection: OnConnection | None,
    ) -> None:
        self._accounts = accounts
        self._registry = registry
        self._sealer = sealer
        self._visibility_lags = visibility_lags
        self._on_connection = on_connection

    async def load(self, job: Job) -> SyncPair:
        """Returns the pair of `job`; see `load_request`."""
        return await self.load_request(job.request)

    async def load_request(self, request: JobRequest) -> SyncPair:
        """Returns the pair that `request` names.

        Raises:
            NotFoundError: a connection was revoked.
            ReauthenticationNeededError: a connection waits for its owner to connect again.
            ConflictError: a connection was never confirmed.
            UnsupportedPairError: the providers cannot carry the data type.
            SecretStoreUnavailableError: the key for fingerprints cannot be read now.
        """
        source = await self._active(request.user_id, request.source_connection_id)
        destination = await self._active(request.user_id, request.destination_connection_id)
        reading, writing = self._registry.get(source.provider), self._registry.get(destination.provider)
        if reading.source is None or writing.destination is None:
            raise UnsupportedPairError(f"{source.provider} cannot be synced to {destination.provider}")
        key = await self._sealer.derive(Purpose.FINGERPRINTS, owner=request.user_id)
        return SyncPair(
            request=request,
            source=source,
            destination=destination,
            reading=reading.source,
            writing=writing.destination,
            listing=writing.source,
            source_can=reading.capabilities,
            destination_can=self._as_installed(writing.capabilities),
            strategy=await self._strategy(request),
            fingerprint_key=key[:FINGERPRINT_KEY_BYTES],
        )

    def lag_of(self, provider: str) -> timedelta:
        """Returns how long a record of `provider` may stay out of its listings."""
        return self._as_installed(self._registry.get(provider).capabilities).visibility_lag

    async def _active(self, user_id: UserId, connection_id: ConnectionId) -> Connection:
        connection = await self._accounts.load_connection(user_id, connection_id)
        if connection is None or connection.status is ConnectionStatus.REVOKED:
            raise NotFoundError("the connection was revoked", connection_id=connection_id)
        if connection.status is ConnectionStatus.NEEDS_REAUTH:
            raise ReauthenticationNeededError("connect the account again", provider=connection.provider)
        if connection.status is not ConnectionStatus.ACTIVE:
            raise ConflictError(f"the connection is {connection.status}", connection_id=connection_id)
        if self._on_connection is not None:
            self._on_connection(connection)
        return connection

    def _as_installed(self, capabilities: Capabilities) -> Capabilities:
        lag = self._visibility_lags.get(capabilities.provider)
        return capabilities if lag is None else replace(capabilities, visibility_lag=lag)

    async def _strategy(self, request: JobRequest) -> Strategy:
        config = await self._accounts.load_config(request.user_id, config_id_of(request))
        return Strategy.NEWEST_WINS if config is None else config.strategy


def config_id_of(request: JobRequest) -> str:
    """Returns the id of the config that joins the pair of `request`, whether there is one or not."""
    return config_id(request.source_connection_id, request.destination_connection_id, request.data_type)
