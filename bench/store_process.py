"""The store as it ships: `python -m services.store` on a folder of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.processes import running
from syncwell.cli.installation import GatewayAddress, project_root, service_specs
from syncwell.runtime.backends import Backends, open_backends
from syncwell.runtime.settings import InstallationSettings, prepare_directories


@asynccontextmanager
async def running_store(data_dir: Path) -> AsyncIterator[Backends]:
    """Yields the store's ports over its socket, as every service has them; started by the command of `syncwell up`."""
    settings = InstallationSettings(data_dir=data_dir)
    prepare_directories(settings)
    (spec,) = [spec for spec in service_specs(settings, GatewayAddress(), {}) if spec.name == "store"]
    async with (
        running(
            spec.arguments,
            spec.is_ready,
            log=data_dir / "store.log",
            environment=spec.environment,
            cwd=project_root(),
        ),
        open_backends(settings) as backends,
    ):
        yield backends
