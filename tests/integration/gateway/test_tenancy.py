"""Nobody reaches what belongs to somebody else, on any route."""

from __future__ import annotations

import pytest

from tests.integration.gateway.bed import Bed
from tests.integration.gateway.test_sync_configs import config_body
from tests.integration.gateway.test_sync_jobs import job_body

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_ids_of_others_do_not_exist(bed: Bed) -> None:
    """Every route answers 404 to an id of another person, as it does to an id of nobody."""
    owner, stranger = bed.person("robin"), bed.person("kim")
    source, destination = await bed.connected(owner)
    config_id = (await owner.post("/v1/sync-configs", config_body(source, destination))).json["configId"]
    job_id = (await owner.post("/v1/sync-jobs", job_body(source, destination))).json["jobId"]
    change = {"conflictStrategy": "source_wins", "isEnabled": False, "deletes": False, "version": 1}

    replies = [
        await stranger.get(f"/v1/sync-jobs/{job_id}"),
        await stranger.get(f"/v1/sync-configs/{config_id}"),
        await stranger.change("PUT", f"/v1/sync-configs/{config_id}", change),
        await stranger.change("DELETE", f"/v1/sync-configs/{config_id}"),
        await stranger.post(f"/v1/connections/{source}/confirm", {"confirmationCode": "x"}),
        await stranger.change("DELETE", f"/v1/connections/{source}"),
        await stranger.post("/v1/sync-configs", config_body(source, destination)),
        await stranger.post("/v1/sync-jobs", job_body(source, destination)),
    ]

    assert [reply.status for reply in replies] == [404] * len(replies)
    assert {reply.json["code"] for reply in replies} == {"not_found"}


async def test_lists_hold_the_callers_own_only(bed: Bed) -> None:
    """A newcomer's lists are empty beside somebody who has plenty."""
    owner, stranger = bed.person("robin"), bed.person("kim")
    source, destination = await bed.connected(owner)
    await owner.post("/v1/sync-configs", config_body(source, destination))
    await owner.post("/v1/sync-jobs", job_body(source, destination))

    assert (await stranger.get("/v1/connections")).json == {"connections": []}
    assert (await stranger.get("/v1/sync-configs")).json == {"syncConfigs": []}
    assert (await stranger.get("/v1/sync-jobs")).json == {"syncJobs": []}


async def test_strangers_source_cannot_be_mixed_with_own_destination(bed: Bed) -> None:
    """A pair of which one side is somebody else's is refused."""
    owner, stranger = bed.person("robin"), bed.person("kim")
    source, _ = await bed.connected(owner)
    _, own_destination = await bed.connected(stranger)

    reply = await stranger.post("/v1/sync-jobs", job_body(source, own_destination))

    assert reply.status == 404
    assert (await stranger.get("/v1/sync-jobs")).json["syncJobs"] == []
