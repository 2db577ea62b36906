"""Makes a connection to a folder of files: nobody's consent is asked, so it is active at once."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.errors import OutcomeUnknownError
from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.clock import Clock
from syncwell.ports.history import History
from syncwell.ports.item_store import ItemStore
from syncwell.repositories.accounts import Accounts, ExternalOwner, connection_put, owner_put
from syncwell.usecases.recorded_step import recorded

MakeFolder = Callable[[str], None]
RandomBytes = Callable[[int], bytes]


class ConnectFolder:
    """Gives a person a folder of their own. `make_folder` makes the folder of an account, whose id is always fresh."""

    def __init__(
        self,
        items: ItemStore,
        *,
        provider: str,
        make_folder: MakeFolder,
        clock: Clock,
        random_bytes: RandomBytes,
        history: History,
    ) -> None:
        self._items = items
        self._provider = provider
        self._make_folder = make_folder
        self._clock = clock
        self._random_bytes = random_bytes
        self._history = history

    async def run(self, user_id: UserId) -> Connection:
        """Returns the new connection; each call makes another one, with another folder.

        Raises:
            ProviderUnavailableError: the folder cannot be made; nothing was stored.
            StoreUnavailableError: nothing was stored; an empty folder is left.
        """
        connection = self._connection_of(user_id)
        with recorded(
            self._history,
            "connection.link",
            user=user_id,
            connection=connection.connection_id,
            generation=connection.generation,
        ):
            # The folder first: a connection is never without it, and an empty folder harms nobody.
            self._make_folder(connection.external_user_id)
            await self._store(connection)
        return connection

    def _connection_of(self, user_id: UserId) -> Connection:
        account = self._fresh_id().hex
        return Connection(
            connection_id=ConnectionId(f"conn_{self._fresh_id()}"),
            user_id=user_id,
            provider=self._provider,
            external_user_id=account,
            display_name=f"Folder {account[:8]}",
            status=ConnectionStatus.ACTIVE,
            generation=1,
            version=1,
            created_at_ms=self._clock.now_ms(),
        )

    async def _store(self, connection: Connection) -> None:
        owner = ExternalOwner(
            connection.provider, connection.external_user_id, connection.user_id, connection.connection_id, version=1
        )
        try:
            await self._items.transact([owner_put(owner), connection_put(connection)])
        except OutcomeUnknownError:
            stored = await Accounts(self._items).load_connection(connection.user_id, connection.connection_id)
            if stored != connection:
                raise

    def _fresh_id(self) -> uuid.UUID:
        return uuid.UUID(bytes=self._random_bytes(16), version=4)
