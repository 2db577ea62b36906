"""P5, peer: a whole sync job as a team would write it with Celery, Redis and aiohttp, in plain Python.

One worker process with a pool of threads; all of them share one event loop with one HTTP session, because a loop for
each task would be slower. State is in Redis, which syncs nothing to disk.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any  # reason: answers of providers are JSON

import aiohttp
import redis
import redis.asyncio as redis_client
from celery import Celery  # type: ignore[import-untyped]  # it ships none

from bench.peers import plain_resolution
from bench.peers.noop_tally import Tally
from syncwell.domain.records import DataType, EditableField, RecordId, RecordMetadata, Sport
from syncwell.domain.resolution import Action, ResolutionRequest, Strategy

IN_FLIGHT = 32
LEASE_SECONDS = 30
JOB_SECONDS_MAX = 30.0
CALL_SECONDS_MAX = 10.0
DAY_S = 86_400
_SPORTS = {"RUNNING": Sport.RUN, "CYCLING": Sport.RIDE, "Run": Sport.RUN, "Ride": Sport.RIDE}

tally = Tally()
app = Celery("sync", broker=os.environ["BENCH_REDIS"])
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=4, task_acks_late=True)


class Worker:
    """The loop of this process and what its tasks share."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.redis = redis_client.Redis.from_url(
            os.environ["BENCH_REDIS"], max_connections=IN_FLIGHT * 2, decode_responses=True
        )
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, path: str, token: str, params: Mapping[str, str]) -> Any:  # reason: JSON
        """Returns what a provider answers."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=CALL_SECONDS_MAX)
            connector = aiohttp.TCPConnector(limit=IN_FLIGHT * 2)
            self._session = aiohttp.ClientSession(os.environ["BENCH_STUB"], timeout=timeout, connector=connector)
        async with self._session.get(path, params=params, headers={"Authorization": f"Bearer {token}"}) as answer:
            answer.raise_for_status()
            return json.loads(await answer.read())


_is_making = threading.Lock()
_make = cache(Worker)


def worker() -> Worker:
    """Returns the one of this process, made at the first task; tasks begin in many threads at once."""
    with _is_making:
        return _make()


@app.task(name="sync")  # type: ignore[untyped-decorator]  # Celery has no types
def sync(user: str) -> None:
    """Runs one job."""
    asyncio.run_coroutine_threadsafe(_sync(user), worker().loop).result(JOB_SECONDS_MAX)
    tally.note()


def enqueue(count: int) -> None:
    """Makes the rows of `count` people and enqueues a job for each."""
    store = redis.Redis.from_url(os.environ["BENCH_REDIS"])
    for start in range(0, count, 1_000):
        pipeline = store.pipeline(transaction=False)
        for place in range(start, min(start + 1_000, count)):
            for provider in ("garmin", "strava"):
                pipeline.set(f"connection:{place}:{provider}", json.dumps({"status": "active", "account": place}))
                pipeline.set(f"token:{place}:{provider}", "bench")
            pipeline.hset(f"job:{place}", mapping={"state": "QUEUED", "fence": 0})
        pipeline.execute()
    with app.pool.acquire() as connection:
        for place in range(count):
            sync.apply_async((str(place),), connection=connection)


async def _sync(user: str) -> None:
    store = worker().redis
    if not await store.set(f"lease:{user}", "worker", nx=True, ex=LEASE_SECONDS):
        return
    async with store.pipeline(transaction=True) as claim:
        claim.hset(f"job:{user}", "state", "RUNNING")
        claim.hincrby(f"job:{user}", "fence", 1)
        await claim.execute()
    names = [f"{kind}:{user}:{provider}" for provider in ("garmin", "strava") for kind in ("connection", "token")]
    source, source_token, destination, destination_token = map(str, await store.mget(names))
    if json.loads(source)["status"] != "active" or json.loads(destination)["status"] != "active":
        raise ValueError("a connection is not active")
    sources = await _list_garmin(source_token)
    destinations = await _list_strava(destination_token)
    known = await store.hgetall(f"links:{user}")
    decisions = plain_resolution.resolve(
        ResolutionRequest(
            sources=[record for record in sources if record.record_id not in known],
            destinations=destinations,
            strategy=Strategy.NEWEST_WINS,
            fingerprint_key=bytes(16),
            updatable=frozenset({EditableField.TITLE, EditableField.SPORT}),
        )
    )
    async with store.pipeline(transaction=True) as commit:
        for decision in decisions:
            if decision.action is Action.LINK:
                commit.hset(f"links:{user}", decision.source_id, str(decision.destination_id))
        result = {one.source_id: [one.outcome.value, one.reason.value, one.destination_id] for one in decisions}
        commit.hset(f"job:{user}", mapping={"state": "SUCCEEDED", "decisions": json.dumps(result)})
        commit.set(f"cursor:{user}", int(time.time() * 1_000))
        commit.xadd("events", {"user": user, "type": "job_finished"})
        commit.delete(f"lease:{user}")
        await commit.execute()


async def _list_garmin(token: str) -> list[RecordMetadata]:
    now_s = int(time.time())
    records: list[RecordMetadata] = []
    for day in (now_s // DAY_S - 1, now_s // DAY_S):
        params = {
            "uploadStartTimeInSeconds": str(day * DAY_S),
            "uploadEndTimeInSeconds": str(min(day * DAY_S + DAY_S, now_s + 1)),
        }
        found = await worker().fetch("/wellness-api/rest/activities", token, params)
        records += [_garmin_record(one) for one in found]
    return records


async def _list_strava(token: str) -> list[RecordMetadata]:
    now_s = int(time.time())
    records: list[RecordMetadata] = []
    page = 1
    while True:
        params = {"after": str(now_s - 2 * DAY_S), "before": str(now_s + DAY_S), "page": str(page), "per_page": "200"}
        found = await worker().fetch("/api/v3/athlete/activities", token, params)
        if not found:
            return records
        records += [_strava_record(one) for one in found]
        page += 1


def _garmin_record(one: Mapping[str, Any]) -> RecordMetadata:  # reason: JSON
    return RecordMetadata(
        record_id=RecordId(str(one["activityId"])),
        data_type=DataType.WORKOUT,
        sport=_SPORTS[one["activityType"]],
        start_ms=one["startTimeInSeconds"] * 1_000,
        elapsed_ms=one["durationInSeconds"] * 1_000,
        moving_ms=one["durationInSeconds"] * 1_000,
        version=json.dumps(one),
        distance_m=one["distanceInMeters"],
        utc_offset_s=one["startTimeOffsetInSeconds"],
        device_name=one["deviceName"],
        is_manual=one["manual"],
        title=one["activityName"],
    )


def _strava_record(one: Mapping[str, Any]) -> RecordMetadata:  # reason: JSON
    return RecordMetadata(
        record_id=RecordId(str(one["id"])),
        data_type=DataType.WORKOUT,
        sport=_SPORTS[one["sport_type"]],
        start_ms=int(datetime.fromisoformat(one["start_date"]).timestamp() * 1_000),
        elapsed_ms=one["elapsed_time"] * 1_000,
        moving_ms=one["moving_time"] * 1_000,
        version=json.dumps(one),
        distance_m=one["distance"],
        utc_offset_s=int(one["utc_offset"]),
        is_manual=one["manual"],
        title=one["name"],
    )
