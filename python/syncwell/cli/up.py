"""`syncwell up`: the whole system on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from syncwell.cli.console import ServiceLines
from syncwell.cli.installation import GatewayAddress, project_root, service_specs
from syncwell.cli.sandboxes import SandboxWorld
from syncwell.domain.errors import SetupError
from syncwell.runtime.grpc_server import wait_for_stop
from syncwell.runtime.settings import InstallationSettings, prepare_directories
from syncwell.runtime.supervisor import Supervisor, sole_owner


async def run_up(settings: InstallationSettings, gateway: GatewayAddress, *, with_sandbox: bool) -> None:
    """Runs everything until SIGINT or SIGTERM, then stops it in order.

    With `with_sandbox` a Garmin and a Strava of the sandbox run too and are what the providers' addresses point at.

    Raises:
        SetupError: something cannot run; the message says what to do.
    """
    root = project_root()
    lines = ServiceLines()
    prepare_directories(settings)
    with sole_owner(settings.run_dir):
        async with AsyncExitStack() as stack:
            extra: dict[str, str] = {}
            if with_sandbox:
                world = await stack.enter_async_context(SandboxWorld.running(settings.data_dir, {}))
                await world.seed_recordings(root / "recordings")
                extra = world.environment
            supervisor = Supervisor(service_specs(settings, gateway, extra), cwd=root, write_line=lines.write)
            await supervisor.start()
            stack.push_async_callback(supervisor.stop)
            lines.write("up", f"ready: {gateway.url}/docs; stop with Ctrl-C")
            if with_sandbox:
                lines.write("up", "sandbox accounts are open: connect garmin and strava, any consent is granted")
            await _until_stopped_or_failed(supervisor)


async def _until_stopped_or_failed(supervisor: Supervisor) -> None:
    stopped = asyncio.create_task(wait_for_stop())
    failed = asyncio.create_task(supervisor.wait())
    try:
        done, _ = await asyncio.wait({stopped, failed}, return_when=asyncio.FIRST_COMPLETED)
        if failed in done:
            raise failed.exception() or SetupError("a service cannot run")
    finally:
        for task in (stopped, failed):
            task.cancel()
        await asyncio.gather(stopped, failed, return_exceptions=True)
