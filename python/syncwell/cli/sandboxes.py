"""A Garmin and a Strava of the sandbox as processes of their own, and the controls that only sandboxes have."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias  # reason: answers are JSON of the sandboxes

import aiohttp

from syncwell.domain.errors import SetupError
from syncwell.runtime.parentage import SUPERVISOR_VARIABLE
from syncwell.runtime.supervisor import python_module

START_SECONDS_MAX = 15.0
STOP_SECONDS_MAX = 5.0
CONTROL_SECONDS_MAX = 30.0
CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105 - the sandbox's own, worth nothing elsewhere
USER = "robin"

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"


@dataclass(frozen=True, slots=True)
class SandboxControl:
    """One running sandbox."""

    provider: str
    url: str
    _session: aiohttp.ClientSession

    async def post(self, path: str, body: Json) -> dict[str, Any]:
        """Calls a control path and returns its answer.

        Raises:
            SetupError: the sandbox refused.
        """
        return await self._send("POST", path, body)

    async def patch(self, path: str, body: Json) -> dict[str, Json]:
        """Changes what is behind a control path; see `post`."""
        return await self._send("PATCH", path, body)

    async def _send(self, method: str, path: str, body: Json) -> dict[str, Json]:
        async with self._session.request(method, f"{self.url}/_control{path}", json=body) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise SetupError(f"the {self.provider} sandbox refused {path}: {text[:200]}")
            return dict(json.loads(text)) if text else {}

    async def books(self) -> dict[str, Json]:
        """Returns everything that the sandbox was asked and holds."""
        async with self._session.get(f"{self.url}/_control/books") as answer:
            return dict(await answer.json())


class SandboxWorld:
    """Both sandboxes, with one person in each."""

    def __init__(self, garmin: SandboxControl, strava: SandboxControl, environment: dict[str, str]) -> None:
        self.garmin = garmin
        self.strava = strava
        self.environment = environment

    @classmethod
    @asynccontextmanager
    async def running(
        cls, data_dir: Path, environment: Mapping[str, str], *, visibility_lag_seconds: int | None = None
    ) -> AsyncIterator[SandboxWorld]:
        """Starts both; stops them afterwards. `environment` is what the processes get on top of ours.

        `visibility_lag_seconds` tells SyncWell how long a written record may stay out of listings, where that shall
        differ from the real provider's.
        """
        async with AsyncExitStack() as stack:
            timeout = aiohttp.ClientTimeout(total=CONTROL_SECONDS_MAX)
            session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
            controls = {}
            for provider in ("garmin", "strava"):
                url = await stack.enter_async_context(_process(provider, environment))
                controls[provider] = SandboxControl(provider, url, session)
                await controls[provider].post("/users", {"id": USER, "name": "Robin Example", "auto_grant": True})
            providers_file = _write_providers_file(data_dir, controls, visibility_lag_seconds)
            yield cls(
                controls["garmin"],
                controls["strava"],
                {"SYNCWELL_PROVIDERS_FILE": str(providers_file), "SYNCWELL_SANDBOX": "true"},
            )

    async def seed_recordings(self, folder: Path) -> int:
        """Gives the person's Garmin every recording of `folder`, as if a watch had just uploaded them."""
        uploaded_at = datetime.now(tz=UTC).isoformat()
        paths = await asyncio.to_thread(lambda: sorted(folder.glob("*.fit")))
        seeds: list[Json] = [
            {"user_id": USER, "file": base64.b64encode(content).decode(), "uploaded_at": uploaded_at}
            for content in [await asyncio.to_thread(path.read_bytes) for path in paths]
        ]
        await self.garmin.post("/records", seeds)
        return len(seeds)


@asynccontextmanager
async def _process(provider: str, environment: Mapping[str, str]) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        *python_module("syncwell.sandbox", provider, "--port", "0"),
        "--client-id",
        CLIENT_ID,
        "--client-secret",
        CLIENT_SECRET,
        env={**os.environ, **environment, SUPERVISOR_VARIABLE: str(os.getpid())},
        stdout=asyncio.subprocess.PIPE,
        process_group=0,
    )
    try:
        yield await _read_url(provider, process)
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(STOP_SECONDS_MAX):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _read_url(provider: str, process: asyncio.subprocess.Process) -> str:
    if process.stdout is None:
        raise SetupError(f"the {provider} sandbox has no output")
    try:
        async with asyncio.timeout(START_SECONDS_MAX):
            line = await process.stdout.readline()
    except TimeoutError:
        raise SetupError(f"the {provider} sandbox did not start within {START_SECONDS_MAX:.0f} s") from None
    if not line:
        raise SetupError(f"the {provider} sandbox ended at once; its lines above say why")
    return str(json.loads(line)["url"])


def _write_providers_file(
    data_dir: Path, controls: Mapping[str, SandboxControl], visibility_lag_seconds: int | None
) -> Path:
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = data_dir / "sandbox-client-secret"
    _write_private(secret, CLIENT_SECRET)
    lag = "" if visibility_lag_seconds is None else f"visibility_lag_seconds = {visibility_lag_seconds}\n"
    tables = [
        f'[{provider}]\nbase_url = "{control.url}"\nclient_id = "{CLIENT_ID}"\nclient_secret_file = "{secret}"\n{lag}'
        for provider, control in sorted(controls.items())
    ]
    path = data_dir / "sandbox-providers.toml"
    _write_private(path, "\n".join(tables))
    return path


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
