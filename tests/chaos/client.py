"""A client as the API wants one: it repeats what had no good answer, under the same Idempotency-Key."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any  # reason: answers are JSON that the OpenAPI document types

import aiohttp

from syncwell.ports.history import History, Op
from tests.chaos.checkers import TERMINAL_STATES

REQUEST_SECONDS = 12.0
GIVE_UP_SECONDS = 45.0
PAUSE_SECONDS = 0.05
TRY_AGAIN = frozenset({409, 429, 502, 503})


@dataclass
class RetryingClient:
    """Speaks to the gateway for one person; every request and its end is in the history.

    `on_wait` is called after an answer that asks for patience, so that a test can let time pass.
    """

    http: aiohttp.ClientSession
    url: str
    token: str = field(repr=False)
    history: History
    on_wait: Callable[[], Awaitable[None]]

    async def change(self, path: str, body: Mapping[str, object], *, key: str = "") -> tuple[int, dict[str, Any]]:
        """Posts `body` until it is answered for good; returns status and body."""
        key = key or str(uuid.uuid4())
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while True:
                status, answer = await self._post_once(path, body, key)
                if status and status not in TRY_AGAIN:
                    return status, answer
                if status:
                    await self.on_wait()
                await asyncio.sleep(PAUSE_SECONDS)

    async def submit(self, source: str, destination: str, *, key: str = "") -> str:
        """Asks for a sync of workouts; returns the accepted job's id."""
        wish = {
            "sourceConnectionId": source,
            "destinationConnectionId": destination,
            "dataType": "workout",
            "mode": "manual",
            "priority": "high",
        }
        status, answer = await self.change("/v1/sync-jobs", wish, key=key)
        assert status == 202, answer
        return str(answer["jobId"])

    async def job(self, job_id: str) -> dict[str, Any]:
        """Returns a job, however long the gateway takes to be back."""
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while True:
                try:
                    async with self.http.get(f"{self.url}/v1/sync-jobs/{job_id}", headers=self._headers()) as answer:
                        if answer.status == 200:
                            return dict(await answer.json())
                except (aiohttp.ClientError, TimeoutError):
                    pass
                await asyncio.sleep(PAUSE_SECONDS)

    async def finished(self, job_id: str) -> dict[str, Any]:
        """Returns a job that has ended; lets time pass while it waits, and leaves time alone while it runs."""
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while (job := await self.job(job_id))["status"] not in TERMINAL_STATES:
                if job["status"] != "RUNNING":
                    await self.on_wait()
                await asyncio.sleep(PAUSE_SECONDS)
        self.history.record(Op.OK, "job.seen", job=job_id, state=str(job["status"]))
        return job

    async def _post_once(self, path: str, body: Mapping[str, object], key: str) -> tuple[int, dict[str, Any]]:
        """Returns status and answer; 0 where there was none."""
        ids = {"route": path, "key": _digest(key.encode())}
        self.history.record(Op.INVOKE, "http.request", **ids)
        headers = {**self._headers(), "Idempotency-Key": key}
        try:
            async with self.http.post(self.url + path, json=body, headers=headers) as answer:
                content = await answer.read()
                found: dict[str, Any] = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError):
            self.history.record(Op.INFO, "http.request", **ids)
            return 0, {}
        op = Op.OK if answer.status < 400 else Op.INFO if answer.status >= 500 else Op.FAIL
        job = found.get("jobId") if op is Op.OK else None
        self.history.record(
            op, "http.request", **ids, status=answer.status, body=_digest(content), job=job and str(job)
        )
        return answer.status, found

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()
