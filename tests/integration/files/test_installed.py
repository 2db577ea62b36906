"""`files` is a provider of every installation, beside none or many others."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import aiohttp

from syncwell.cli.installation import free_port, http_probe
from syncwell.cli.token import mint_development_token
from tests.contract.store_process import ROOT, StoreProcess

SECONDS_MAX = 20.0


async def test_gateway_lists_files(tmp_path: Path) -> None:
    """An installation without a providers file lists files with what it can do, and an icon that is there."""
    store = StoreProcess(tmp_path)
    await asyncio.to_thread(store.start)
    port = free_port()
    gateway = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.gateway",
        cwd=ROOT,
        env={**store.environment(), "SYNCWELL_GATEWAY_PORT": str(port)},
    )
    url = f"http://127.0.0.1:{port}"
    try:
        is_up = http_probe(f"{url}/healthz")
        async with asyncio.timeout(SECONDS_MAX):
            while not await is_up():
                assert gateway.returncode is None
                await asyncio.sleep(0.05)
        token = mint_development_token(store.settings, user="ann", hours=1.0)
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(url, headers=headers) as http:
            async with http.get("/v1/providers") as answer:
                (files,) = (await answer.json())["providers"]
            async with http.get(files["providerIconUrl"]) as icon:
                picture = await icon.text()
    finally:
        gateway.terminate()
        await gateway.wait()
        store.end()

    assert (files["provider"], files["readable"], files["writable"]) == ("files", ["workout"], ["workout"])
    assert (files["isConnectable"], files["canDelete"]) == (False, True)
    assert picture.startswith("<svg")
