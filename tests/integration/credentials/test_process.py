"""The service as a process: killed between answer and row, stopped in the middle of a refresh, badly set up."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from syncwell.domain.errors import ReauthenticationNeededError, SecretStoreUnavailableError
from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.connector import Callback
from syncwell.sandbox.faults import Fault, FaultKind
from syncwell.sandbox.people import Person
from syncwell.sandbox.server import SandboxHost, serving
from syncwell.sandbox.strava.sandbox import StravaSandbox
from tests.contract.store_process import StoreProcess
from tests.integration.credentials.service_process import CredentialsProcess

ANN, BOB = UserId("usr_ann"), UserId("usr_bob")
REDIRECT = "http://127.0.0.1:8080/callback"
PAST_THE_END = timedelta(hours=7)
PAST_THE_LEASE = timedelta(seconds=46)


@dataclass
class Bed:
    """The process, its store and its provider."""

    service: CredentialsProcess
    sandbox: StravaSandbox
    http: aiohttp.ClientSession
    codes: list[str] = field(default_factory=list)

    def advance(self, duration: timedelta) -> None:
        self.service.store.clock.advance(duration)
        self.sandbox.clock.advance(duration)

    async def connect(self, user_id: UserId, person: str) -> ConnectionId:
        """Walks the whole road for one person."""
        self.sandbox.people.put(Person(user_id=person))
        self.sandbox.people.sign_in(person)
        connections = self.service.connections()
        consent = await connections.begin(user_id, "strava", redirect_uri=REDIRECT)
        async with self.http.get(consent.url, allow_redirects=False) as answer:
            query = parse_qs(urlsplit(answer.headers["Location"]).query)
        done = await connections.complete("strava", Callback(state=query["state"][0], code=query["code"][0]))
        connection_id, code = done.connection.connection_id, done.confirmation_code or ""
        self.codes.append(code)
        return (await connections.confirm(user_id, connection_id, code)).connection_id


@pytest.fixture
async def bed(tmp_path: Path) -> AsyncIterator[Bed]:
    store = StoreProcess(tmp_path)
    host = SandboxHost(StravaSandbox)
    async with serving(host) as url, aiohttp.ClientSession() as http:
        assert isinstance(host.sandbox, StravaSandbox)
        service = CredentialsProcess(store, _environment(tmp_path, url), tmp_path / "credentials.log")
        try:
            await asyncio.to_thread(store.start)
            yield Bed(service, host.sandbox, http)
        finally:
            await service.end()
            store.end()


def _environment(folder: Path, url: str) -> dict[str, str]:
    secret, providers = folder / "strava.secret", folder / "providers.toml"
    secret.write_text("sandbox-secret")
    providers.write_text(
        f'[strava]\nclient_id = "sandbox-client"\nclient_secret_file = "{secret}"\nbase_url = "{url}"\n'
    )
    for path in (secret, providers):
        path.chmod(0o600)
    return {"SYNCWELL_PROVIDERS_FILE": str(providers), "SYNCWELL_SANDBOX": "true"}


async def test_kill_between_answer_and_row(bed: Bed) -> None:
    """After kill -9 with rotated tokens unsaved: one repetition after the lease, then the person; others go on."""
    await bed.service.start(SYNCWELL_CRASH_AT="credentials.before_persist:1")
    ann, bob = await bed.connect(ANN, "1"), await bed.connect(BOB, "2")
    bed.advance(PAST_THE_END)
    with pytest.raises(SecretStoreUnavailableError):
        await bed.service.tokens().access_token(ANN, ann)
    assert await bed.service.ended() == -signal.SIGKILL

    await bed.service.start()
    bob_token = await bed.service.tokens().access_token(BOB, bob)
    bed.advance(PAST_THE_LEASE)
    for _ in range(2):
        with pytest.raises(ReauthenticationNeededError):
            await bed.service.tokens().access_token(ANN, ann)

    assert bob_token.generation == 2
    assert bed.sandbox.books.counter("refresh_token_reuses") == 1
    assert await bed.connect(ANN, "1") == ann
    assert (await bed.service.tokens().access_token(ANN, ann)).generation == 2


async def test_kill_without_rotation_heals(bed: Bed) -> None:
    """Where the provider keeps its refresh tokens, the repetition brings the next generation."""
    bed.sandbox.change_settings(b'{"rotate_refresh": false}')
    await bed.service.start(SYNCWELL_CRASH_AT="credentials.before_persist:1")
    ann = await bed.connect(ANN, "1")
    bed.advance(PAST_THE_END)
    with pytest.raises(SecretStoreUnavailableError):
        await bed.service.tokens().access_token(ANN, ann)
    assert await bed.service.ended() == -signal.SIGKILL

    await bed.service.start()
    bed.advance(PAST_THE_LEASE)

    assert (await bed.service.tokens().access_token(ANN, ann)).generation == 2


async def test_stop_stores_the_refresh_under_way(bed: Bed) -> None:
    """SIGTERM during a slow refresh: the caller gets the token, the row holds it, the exit is clean."""
    await bed.service.start()
    ann = await bed.connect(ANN, "1")
    bed.advance(PAST_THE_END)
    bed.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, latency_ms=500, route="/oauth/token"))
    asked = asyncio.create_task(bed.service.tokens().access_token(ANN, ann))
    async with asyncio.timeout(10):
        while bed.sandbox.faults.standing():
            await asyncio.sleep(0.02)

    bed.service.terminate()

    token = await asked
    assert token.generation == 2
    assert await bed.service.ended() == 0
    await bed.service.start()
    assert (await bed.service.tokens().access_token(ANN, ann)).generation == 2
    assert bed.sandbox.books.counter("token_refreshes") == 1
    assert await bed.service.stop() == 0
    log = bed.service.log.read_text()
    assert "serving" in log, "the scan looks where lines are"
    assert bed.codes[0]
    assert not any(secret in log for secret in (token.value, *bed.codes))


async def test_wrong_providers_file_ends_with_advice(bed: Bed) -> None:
    """A providers file that others can read: exit code 2 and the command that mends it."""
    path = Path(bed.service.environment["SYNCWELL_PROVIDERS_FILE"])
    path.chmod(0o644)

    with pytest.raises(AssertionError, match=f"chmod 600 {path}"):
        await bed.service.start()
    assert await bed.service.ended() == 2
