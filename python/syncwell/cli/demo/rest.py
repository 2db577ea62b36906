"""The demo's person: signs in, connects accounts through the consent pages, asks for syncs. REST only."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from typing import Any  # reason: answers are JSON that the OpenAPI document types

import aiohttp

from syncwell.domain.errors import CommandFailedError

JOB_SECONDS_MAX = 50.0
POLL_SECONDS = 0.1
TERMINAL = frozenset({"SUCCEEDED", "PARTIALLY_FAILED", "FAILED", "CANCELLED"})


class Person:
    """Speaks to the gateway with a token, like an app."""

    def __init__(self, session: aiohttp.ClientSession, gateway_url: str, token: str) -> None:
        self._session = session
        self._url = gateway_url
        self._headers = {"Authorization": f"Bearer {token}"}

    async def connect(self, provider: str) -> str:
        """Walks through consent, callback and confirmation; returns the connection's id."""
        consent_url = await self.begin(provider)
        # The browser: redirects lead to our callback, whose code only the one who allowed the access gets to see.
        async with self._session.get(consent_url, headers={"Accept": "application/json"}) as page:
            if page.status != 200 or page.content_type != "application/json":
                raise CommandFailedError(f"the consent of {provider} ended with HTTP {page.status} at {page.url.path}")
            done = await page.json()
        connection_id = str(done["connectionId"])
        if done["status"] == "pending":
            await self.confirm(connection_id, str(done["confirmationCode"]))
        return connection_id

    async def begin(self, provider: str) -> str:
        """Returns the URL where the person allows the access."""
        return str((await self._post(f"/v1/connections/{provider}/authorize", {}))["consentUrl"])

    async def confirm(self, connection_id: str, code: str) -> None:
        """Activates a pending connection with the code that the browser was shown."""
        await self._post(f"/v1/connections/{connection_id}/confirm", {"confirmationCode": code})

    async def keep(self, source: str, destination: str) -> None:
        """Wishes that the workouts of one account are kept in the other."""
        body = {"sourceConnectionId": source, "destinationConnectionId": destination, "dataType": "workout"}
        await self._post("/v1/sync-configs", body)

    async def jobs(self) -> list[dict[str, Any]]:
        """Returns the newest jobs."""
        return list((await self._get("/v1/sync-jobs"))["syncJobs"])

    async def sync(self, source: str, destination: str, *, is_dry_run: bool = False) -> dict[str, Any]:
        """Asks for a sync of workouts and waits for its end; returns the finished job."""
        accepted = await self.submit(source, destination, is_dry_run=is_dry_run)
        return await self.wait(accepted)

    async def submit(self, source: str, destination: str, *, is_dry_run: bool = False) -> str:
        """Asks for a sync of workouts; returns the job's id."""
        body = {
            "sourceConnectionId": source,
            "destinationConnectionId": destination,
            "dataType": "workout",
            "mode": "manual",
            "priority": "high",
            "dryRun": is_dry_run,
        }
        return str((await self._post("/v1/sync-jobs", body))["jobId"])

    async def wait(self, job_id: str) -> dict[str, Any]:
        """Waits for the end of a job.

        Raises:
            CommandFailedError: it did not end in time.
        """
        try:
            async with asyncio.timeout(JOB_SECONDS_MAX):
                # REST is polled here because the demo shows what an app without a socket sees.
                while (job := await self._get(f"/v1/sync-jobs/{job_id}"))["status"] not in TERMINAL:  # noqa: ASYNC110
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise CommandFailedError(f"{job_id} was not finished after {JOB_SECONDS_MAX:.0f} s: {job}") from None
        return job

    async def decisions(self, job_id: str) -> list[dict[str, Any]]:
        """Returns what became of each record of a job."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            query = f"?decisionsCursor={cursor}" if cursor else ""
            page = await self._get(f"/v1/sync-jobs/{job_id}{query}")
            found += page["decisions"]
            cursor = page.get("nextDecisionsCursor") or ""
            if not cursor:
                return found

    async def _post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        headers = {**self._headers, "Idempotency-Key": str(uuid.uuid4())}
        async with self._session.post(self._url + path, json=body, headers=headers) as answer:
            return await _read(answer, path)

    async def _get(self, path: str) -> dict[str, Any]:
        async with self._session.get(self._url + path, headers=self._headers) as answer:
            return await _read(answer, path)


async def _read(answer: aiohttp.ClientResponse, path: str) -> dict[str, Any]:
    body: dict[str, Any] = await answer.json(content_type=None)
    if answer.status >= 400:
        raise CommandFailedError(f"{path} answered {answer.status}: {body.get('detail', body)}")
    return body
