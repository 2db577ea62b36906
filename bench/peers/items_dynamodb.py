"""P14, peer: moto's DynamoDB server, as a local stand-in of the cloud is used."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any  # reason: the client has no types

import aioboto3  # type: ignore[import-untyped]  # it ships none
from aiobotocore.config import AioConfig  # type: ignore[import-untyped]  # it ships none

from bench.peers.item_contestant import ItemContestant, key_of
from bench.processes import listens_on, running
from bench.waiters import WAITERS
from syncwell.cli.installation import free_port

TABLE = "items"
_REGION = "us-east-1"
_CONDITION = {"ConditionExpression": "v = :seen"}


class DynamoItems(ItemContestant):
    """A table of string keys; keeps nothing on disk, which only helps it."""

    name = "moto DynamoDB"
    settings = (
        f"moto server in memory, aioboto3, {WAITERS} connections, no retries; few items, as each transaction copies all"
    )
    item_count = 512

    def __init__(self, client: Any) -> None:  # reason: the client has no types
        self._client = client

    async def load(self, bodies: list[bytes]) -> None:
        """Makes the table and writes in batches of 25."""
        await self._client.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("p", "s")],
        )
        for start in range(0, len(bodies), 25):
            batch = range(start, min(start + 25, len(bodies)))
            puts = [{"PutRequest": {"Item": _item(number, 1, bodies[number])}} for number in batch]
            await self._client.batch_write_item(RequestItems={TABLE: puts})

    async def read(self, number: int) -> int:
        """A consistent read."""
        answer = await self._client.get_item(TableName=TABLE, Key=_key(number), ConsistentRead=True)
        return int(answer["Item"]["v"]["N"])

    async def write(self, number: int, seen: int, body: bytes) -> None:
        """A conditional put."""
        await self._client.put_item(
            TableName=TABLE, Item=_item(number, seen + 1, body), **_CONDITION, ExpressionAttributeValues=_seen(seen)
        )

    async def transact(self, numbers: list[int], seen: list[int], body: bytes) -> None:
        """A transaction of conditional puts."""
        await self._client.transact_write_items(
            TransactItems=[
                {
                    "Put": {
                        "TableName": TABLE,
                        "Item": _item(number, version + 1, body),
                        **_CONDITION,
                        "ExpressionAttributeValues": _seen(version),
                    }
                }
                for number, version in zip(numbers, seen, strict=True)
            ]
        )


@asynccontextmanager
async def running_dynamodb(folder: Path) -> AsyncIterator[DynamoItems]:
    """Starts moto's server as a process of its own; stops it by its process id."""
    port = free_port()
    arguments = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    async with running(arguments, listens_on(port), log=folder / "moto.log"):
        session = aioboto3.Session("bench", "bench", region_name=_REGION)
        config = AioConfig(max_pool_connections=WAITERS, retries={"max_attempts": 0}, read_timeout=60)
        client = session.client("dynamodb", endpoint_url=f"http://127.0.0.1:{port}", config=config)
        async with client as connected:
            yield DynamoItems(connected)


def _key(number: int) -> dict[str, dict[str, str]]:
    partition, sort = key_of(number)
    return {"p": {"S": partition}, "s": {"S": sort}}


def _item(number: int, version: int, body: bytes) -> dict[str, Any]:  # reason: DynamoDB's own nested shape
    return {**_key(number), "v": {"N": str(version)}, "b": {"B": body}}


def _seen(version: int) -> dict[str, dict[str, str]]:
    return {":seen": {"N": str(version)}}
