"""`syncwell connect`: links an account of the person at this machine to the running installation."""

from __future__ import annotations

import asyncio
import webbrowser
from collections.abc import Callable

import aiohttp

from syncwell.cli.demo.rest import Person

CALL_SECONDS_MAX = 30.0


async def connect(
    gateway_url: str, token: str, provider: str, *, grants_here: bool, show: Callable[[str], None]
) -> str:
    """Walks through the consent of `provider`; returns the connection's id.

    With `grants_here` this process plays the browser, which only a sandbox lets pass.

    Raises:
        CommandFailedError: the gateway or the provider refused; the message says what.
    """
    timeout = aiohttp.ClientTimeout(total=CALL_SECONDS_MAX)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        person = Person(session, gateway_url, token)
        if grants_here:
            return await person.connect(provider)
        consent_url = await person.begin(provider)
        show(f"allow the access in your browser:\n\n  {consent_url}\n")
        await asyncio.to_thread(webbrowser.open, consent_url)
        show("the page at the end shows a connection id and a confirmation code")
        connection_id = (await asyncio.to_thread(input, "connection id: ")).strip()
        code = (await asyncio.to_thread(input, "confirmation code: ")).strip()
        await person.confirm(connection_id, code)
        return connection_id
