"""`syncwell connect-files` against a real store process."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncwell.adapters.identity.development_issuer import ISSUER
from syncwell.cli.connect_files import connect_files
from syncwell.domain.connections import ConnectionStatus
from syncwell.domain.errors import InvalidInputError, SetupError
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.identities import Identities
from syncwell.runtime.backends import open_backends
from syncwell.runtime.settings import Profile
from tests.contract.store_process import ROOT, StoreProcess

SECONDS_MAX = 30


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreProcess]:
    process = StoreProcess(tmp_path_factory.mktemp("data"))
    process.start()
    yield process
    process.end()


async def syncwell(store: StoreProcess, *arguments: str) -> tuple[int | None, str, str]:
    """Runs the command line on the store's installation; returns exit code, standard output and error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from syncwell.cli.main import main; main()",
        *arguments,
        env=store.environment(),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(SECONDS_MAX):
        output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


async def test_each_call_makes_a_connection_with_a_folder(store: StoreProcess) -> None:
    """Connection and folder are there, belong to the user of `syncwell token`, and are shared with nobody."""
    anns = [await connect_files(store.settings, user="ann") for _ in range(2)]
    bobs = await connect_files(store.settings, user="bob")

    async with open_backends(store.settings) as backends:
        ann = await Identities(backends.items).load_user(ISSUER, "ann")
        assert ann is not None
        stored = await Accounts(backends.items).load_connections(ann)
    assert set(stored) == {connection for connection, _ in anns}
    assert {one.status for one in stored} == {ConnectionStatus.ACTIVE}
    assert bobs[0].user_id != ann
    folders = {folder for _, folder in [*anns, bobs]}
    assert len(folders) == 3
    for folder in folders:
        assert folder.parent == store.settings.files_dir
        assert os.stat(folder).st_mode & 0o077 == 0


async def test_names_are_checked(store: StoreProcess) -> None:
    """A user has a name, and in production an identity provider that knows it."""
    with pytest.raises(InvalidInputError):
        await connect_files(store.settings, user="")
    production = store.settings.model_copy(update={"profile": Profile.PRODUCTION, "clock_file": None})
    with pytest.raises(SetupError, match="--issuer"):
        await connect_files(production, user="ann")
    connection, _ = await connect_files(production, user="ann", issuer="https://issuer.example")
    async with open_backends(store.settings) as backends:
        known = await Identities(backends.items).load_user("https://issuer.example", "ann")
    assert known == connection.user_id


async def test_command_prints_connection_and_folder(store: StoreProcess) -> None:
    """What a person needs next stands on standard output, and the folder takes files."""
    code, output, errors = await syncwell(store, "connect-files", "--user", "carol")

    assert code == 0, errors
    lines = dict(line.split(": ", 1) for line in output.splitlines())
    assert lines["connection"].startswith("conn_")
    assert Path(lines["folder"]).is_dir()


async def test_without_the_store_it_says_so(tmp_path: Path) -> None:
    """A system that does not run is one line and exit code 2, and leaves no connection."""
    code, output, errors = await syncwell(StoreProcess(tmp_path), "connect-files", "--user", "ann")

    assert (code, output) == (2, "")
    assert errors.startswith("syncwell: ")
    assert len(errors.splitlines()) == 1
