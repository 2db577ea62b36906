"""Sync configs."""

from __future__ import annotations

from collections.abc import Sequence

from services.gateway.bodies import decode_changed_sync_config, decode_new_sync_config, strategy_of
from services.gateway.call import Answer, Call, json_answer
from services.gateway.operations import Kind, Operation
from services.gateway.views import config_view
from syncwell.domain.connections import SyncConfig
from syncwell.domain.records import ConnectionId
from syncwell.repositories.accounts import Accounts
from syncwell.usecases.keep_sync_configs import ConfigChange, KeepSyncConfigs


class ConfigRoutes:
    """A person's standing wishes."""

    def __init__(self, accounts: Accounts, keep: KeepSyncConfigs) -> None:
        self._accounts = accounts
        self._keep = keep

    def operations(self) -> Sequence[Operation]:
        """Returns the operations of this file."""
        root, one = "/v1/sync-configs", "/v1/sync-configs/{configId}"
        return (
            Operation("listSyncConfigs", "GET", root, Kind.READ, self.list_configs),
            Operation("createSyncConfig", "POST", root, Kind.CHANGE, self.create, has_body=True),
            Operation("getSyncConfig", "GET", one, Kind.READ, self.get),
            Operation("updateSyncConfig", "PUT", one, Kind.CHANGE, self.update, has_body=True),
            Operation("deleteSyncConfig", "DELETE", one, Kind.CHANGE, self.delete),
        )

    async def list_configs(self, call: Call) -> Answer:
        """Returns all of them."""
        call.refuse_unknown_query()
        stored = await self._accounts.load_configs(call.user_id)
        return json_answer(200, {"syncConfigs": [config_view(each) for each in stored]})

    async def get(self, call: Call) -> Answer:
        """Returns one."""
        call.refuse_unknown_query()
        return json_answer(200, config_view(await self._keep.load(call.user_id, call.params["configId"])))

    async def create(self, call: Call) -> Answer:
        """Makes one."""
        body = decode_new_sync_config(call.body)
        wanted = SyncConfig(
            user_id=call.user_id,
            source_connection_id=ConnectionId(body.source_connection_id),
            destination_connection_id=ConnectionId(body.destination_connection_id),
            data_type=body.data_type,
            strategy=strategy_of(body.conflict_strategy),
            is_enabled=body.is_enabled,
            propagates_deletes=body.deletes,
            version=1,
        )
        return json_answer(201, config_view(await self._keep.create(wanted)))

    async def update(self, call: Call) -> Answer:
        """Changes one."""
        body = decode_changed_sync_config(call.body)
        change = ConfigChange(strategy_of(body.conflict_strategy), body.is_enabled, body.deletes, body.version)
        return json_answer(200, config_view(await self._keep.change(call.user_id, call.params["configId"], change)))

    async def delete(self, call: Call) -> Answer:
        """Removes one."""
        await self._keep.remove(call.user_id, call.params["configId"])
        return Answer(204)
