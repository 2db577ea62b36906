"""Sync configs over the wire."""

from __future__ import annotations

import asyncio

import pytest

from tests.integration.gateway.bed import Bed, Person

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "7a1f3c58-2b7e-4e0f-9d80-3c0b4e0a9b11"


def config_body(source: str, destination: str, /, **changes: object) -> dict[str, object]:
    body: dict[str, object] = {
        "sourceConnectionId": source,
        "destinationConnectionId": destination,
        "dataType": "workout",
    }
    return body | changes


async def made(bed: Bed, person: Person) -> dict[str, object]:
    reply = await person.post("/v1/sync-configs", config_body(*await bed.connected(person)))
    assert reply.status == 201
    body: dict[str, object] = reply.json
    return body


async def test_new_config_has_defaults_and_is_listed(bed: Bed) -> None:
    """A config begins enabled, newest wins, no deletes, version 1."""
    person = bed.person("robin")

    config = await made(bed, person)

    assert (config["conflictStrategy"], config["isEnabled"], config["deletes"]) == ("newest_wins", True, False)
    assert config["version"] == 1
    assert (await person.get("/v1/sync-configs")).json["syncConfigs"] == [config]
    assert (await person.get(f"/v1/sync-configs/{config['configId']}")).json == config


async def test_change_raises_the_version(bed: Bed) -> None:
    """A change that names the version it read is stored under the next one; the strategy is read in any case."""
    person = bed.person("robin")
    path = f"/v1/sync-configs/{(await made(bed, person))['configId']}"
    change = {"conflictStrategy": "SMART_Merge", "isEnabled": False, "deletes": False, "version": 1}

    changed = await person.change("PUT", path, change)

    assert changed.json["version"] == 2
    assert changed.json["conflictStrategy"] == "smart_merge"
    assert (await person.get(path)).json == changed.json


async def test_of_two_changes_of_one_version_one_wins(bed: Bed) -> None:
    """Two writers who read the same version never overwrite each other."""
    person = bed.person("robin")
    path = f"/v1/sync-configs/{(await made(bed, person))['configId']}"
    changes = [
        {"conflictStrategy": "source_wins", "isEnabled": is_enabled, "deletes": False, "version": 1}
        for is_enabled in (True, False)
    ]

    replies = await asyncio.gather(*(person.change("PUT", path, change) for change in changes))

    assert sorted(reply.status for reply in replies) == [200, 409]
    assert next(reply for reply in replies if reply.status == 409).json["code"] == "version_conflict"


async def test_pair_has_one_config(bed: Bed) -> None:
    """A second, different config of a pair is 409; the same one again is found, not made twice."""
    person = bed.person("robin")
    pair = await bed.connected(person)

    first = await person.post("/v1/sync-configs", config_body(*pair))
    same = await person.post("/v1/sync-configs", config_body(*pair))
    other = await person.post("/v1/sync-configs", config_body(*pair, isEnabled=False))

    assert same.json == first.json
    assert (other.status, other.json["code"]) == (409, "conflict")
    assert len((await person.get("/v1/sync-configs")).json["syncConfigs"]) == 1


async def test_key_is_bound_to_its_request(bed: Bed) -> None:
    """The same key replays the same creation and refuses another."""
    person = bed.person("robin")
    pair = await bed.connected(person)

    first = await person.post("/v1/sync-configs", config_body(*pair), key=KEY)
    again = await person.post("/v1/sync-configs", config_body(*pair), key=KEY)
    other = await person.post("/v1/sync-configs", config_body(*pair, isEnabled=False), key=KEY)

    assert again.body == first.body
    assert (again.status, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")


async def test_removed_config_is_gone(bed: Bed) -> None:
    """A removal answers 204, also when it is repeated; with a new key it is 404."""
    person = bed.person("robin")
    path = f"/v1/sync-configs/{(await made(bed, person))['configId']}"

    first = await person.change("DELETE", path, key=KEY)
    again = await person.change("DELETE", path, key=KEY)
    anew = await person.change("DELETE", path)

    assert [first.status, again.status, anew.status] == [204, 204, 404]
    assert (await person.get(path)).status == 404


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"conflictStrategy": "coin_toss"}, "invalid_input"),
        ({"dataType": "steps"}, "unsupported_pair"),
        ({"deletes": True}, "unsupported_pair"),
        ({"version": 1}, "invalid_input"),
    ],
)
async def test_config_that_cannot_work_is_refused(bed: Bed, changes: dict[str, object], code: str) -> None:
    """What the providers cannot serve is refused with the reason."""
    person = bed.person("robin")

    reply = await person.post("/v1/sync-configs", config_body(*await bed.connected(person)) | changes)

    assert (reply.status, reply.json["code"]) == (400, code)


async def test_connection_cannot_feed_itself(bed: Bed) -> None:
    """Source and destination must differ."""
    person = bed.person("robin")
    _, strava = await bed.connected(person)

    reply = await person.post("/v1/sync-configs", config_body(strava, strava))

    assert (reply.status, reply.json["code"]) == (400, "invalid_input")


@pytest.mark.parametrize("config_id", ["x", "a--b--workout", "a--b--nothing", "%23--b--workout", "----"])
async def test_unknown_config_is_not_found(bed: Bed, config_id: str) -> None:
    """An id that is none of the caller's configs is 404, whatever it looks like."""
    assert (await bed.person("robin").get(f"/v1/sync-configs/{config_id}")).status == 404
