"""A whole SyncWell as `syncwell up` starts it, with sandboxes as providers and a person who connected both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from bench.rounds import BenchFailedError
from syncwell.cli.demo.rest import Person
from syncwell.cli.installation import GatewayAddress, free_port, project_root, service_specs
from syncwell.cli.sandboxes import USER, SandboxWorld
from syncwell.cli.token import mint_development_token
from syncwell.domain.errors import SyncWellError
from syncwell.runtime.settings import InstallationSettings, prepare_directories
from syncwell.runtime.supervisor import Supervisor

TOKEN_HOURS = 4.0
CALL_SECONDS_MAX = 20.0


@dataclass(frozen=True, slots=True)
class Installation:
    """What runs. `source` and `destination` are the person's active connections."""

    settings: InstallationSettings
    gateway: GatewayAddress
    supervisor: Supervisor
    sandboxes: SandboxWorld
    token: str = field(repr=False)
    source: str
    destination: str
    log: Path


@asynccontextmanager
async def running_installation(
    folder: Path, *, without: Collection[str] = (), environment: Mapping[str, str] | None = None
) -> AsyncIterator[Installation]:
    """Starts every service but those in `without`; the person's consents go through the real pages of the sandboxes.

    Needs asyncio's own event loop, as `syncwell up` does.

    Raises:
        BenchFailedError: it cannot be started or connected; the message says why.
    """
    settings = InstallationSettings(data_dir=folder / "data")
    gateway = GatewayAddress(port=free_port())
    prepare_directories(settings)
    log = folder / "services.log"
    async with AsyncExitStack() as stack:
        lines = stack.enter_context(log.open("w"))
        try:
            world = await stack.enter_async_context(SandboxWorld.running(settings.data_dir, {}))
            specs = service_specs(settings, gateway, {**world.environment, **(environment or {})})
            supervisor = Supervisor(
                [spec for spec in specs if spec.name not in without],
                cwd=project_root(),
                write_line=lambda name, line: print(f"{name}: {line}", file=lines),
            )
            await supervisor.start()
            stack.push_async_callback(supervisor.stop)
            token = mint_development_token(settings, user=USER, hours=TOKEN_HOURS)
            timeout = aiohttp.ClientTimeout(total=CALL_SECONDS_MAX)
            async with aiohttp.ClientSession(timeout=timeout) as session:
                person = Person(session, gateway.url, token)
                source, destination = await person.connect("garmin"), await person.connect("strava")
        except SyncWellError as exc:
            lines.flush()
            raise BenchFailedError(f"SyncWell could not be set up: {exc}; {log.read_text()[-800:]}") from exc
        yield Installation(settings, gateway, supervisor, world, token, source, destination, log)
