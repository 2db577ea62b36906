"""Key files: private, made once, rotated by adding."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from syncwell.adapters.embedded.key_file_sealer import KeyFileSealer
from syncwell.domain.errors import InvalidInputError, SecretStoreUnavailableError
from syncwell.ports.sealer import Purpose

TOKENS = Purpose.TOKENS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


async def test_keys_are_made_private(folder: Path) -> None:
    """First use makes one key file for the purpose, readable by its owner only, and leaves nothing else."""
    await KeyFileSealer(folder).seal(TOKENS, b"x", owner="u")

    assert [path.name for path in folder.iterdir()] == ["tokens.1.key"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "tokens.1.key").stat().st_mode & 0o777 == 0o600
    assert len((folder / "tokens.1.key").read_bytes()) == 32


async def test_first_uses_at_once_agree(folder: Path) -> None:
    """Processes that start together end up with one key."""
    sealers = [KeyFileSealer(folder) for _ in range(8)]
    keys = await asyncio.gather(*[asyncio.to_thread(_derive, sealer) for sealer in sealers])

    assert len(set(keys)) == 1


@pytest.mark.parametrize(("path", "mode"), [("tokens.1.key", 0o640), ("tokens.1.key", 0o604), (".", 0o750)])
async def test_key_that_others_can_read_is_refused(folder: Path, path: str, mode: int) -> None:
    """The message gives the command that mends it, and never the key."""
    await KeyFileSealer(folder).seal(TOKENS, b"x", owner="u")
    key = (folder / "tokens.1.key").read_bytes()
    (folder / path).chmod(mode)

    with pytest.raises(SecretStoreUnavailableError, match=r"chmod [67]00 ") as caught:
        await KeyFileSealer(folder).seal(TOKENS, b"x", owner="u")
    assert key.hex() not in str(caught.value)
    assert repr(key) not in str(caught.value)


async def test_newest_key_seals_and_all_open(folder: Path) -> None:
    """Adding a key rotates without a restart; what the old one sealed still opens."""
    sealer = KeyFileSealer(folder)
    old = await sealer.seal(TOKENS, b"old", owner="u")
    _add_key(folder, 2)
    new = await sealer.seal(TOKENS, b"new", owner="u")

    assert (old[6], new[6]) == (1, 2)
    for reader in (sealer, KeyFileSealer(folder)):
        assert await reader.open(TOKENS, old, owner="u") == b"old"
        assert await reader.open(TOKENS, new, owner="u") == b"new"


async def test_derived_keys_survive_rotation(folder: Path) -> None:
    """A derived key is the same each time, whatever keys were added."""
    sealer = KeyFileSealer(folder)
    before = await sealer.derive(TOKENS, owner="u")
    _add_key(folder, 2)

    assert await sealer.derive(TOKENS, owner="u") == before


async def test_value_of_a_removed_key_stays_shut(folder: Path) -> None:
    """Destroying a key destroys what it sealed, in running processes too."""
    sealer = KeyFileSealer(folder)
    sealed = await sealer.seal(TOKENS, b"x", owner="u")
    _add_key(folder, 2)
    (folder / "tokens.1.key").unlink()

    with pytest.raises(InvalidInputError):
        await sealer.open(TOKENS, sealed, owner="u")


async def test_key_number_cannot_be_changed(folder: Path) -> None:
    """The header is sealed with the rest."""
    sealer = KeyFileSealer(folder)
    sealed = await sealer.seal(TOKENS, b"x", owner="u")
    (folder / "tokens.2.key").write_bytes((folder / "tokens.1.key").read_bytes())
    (folder / "tokens.2.key").chmod(0o600)

    with pytest.raises(InvalidInputError):
        await sealer.open(TOKENS, sealed[:6] + b"\2" + sealed[7:], owner="u")


async def test_opening_makes_no_keys(folder: Path) -> None:
    """Where all keys are gone, opening says so instead of making new ones."""
    sealer = KeyFileSealer(folder)
    sealed = await sealer.seal(TOKENS, b"x", owner="u")
    (folder / "tokens.1.key").unlink()

    with pytest.raises(SecretStoreUnavailableError, match="backup"):
        await sealer.open(TOKENS, sealed, owner="u")
    assert list(folder.iterdir()) == []


async def test_damaged_key_is_refused(folder: Path) -> None:
    """A key file of another length is not used."""
    await KeyFileSealer(folder).seal(TOKENS, b"x", owner="u")
    (folder / "tokens.1.key").write_bytes(b"short")

    with pytest.raises(SecretStoreUnavailableError, match="32 bytes"):
        await KeyFileSealer(folder).seal(TOKENS, b"x", owner="u")


async def test_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    """No plaintext fallback: without a folder nothing is sealed."""
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(SecretStoreUnavailableError):
        await KeyFileSealer(tmp_path / "file" / "keys").seal(TOKENS, b"x", owner="u")


def _derive(sealer: KeyFileSealer) -> bytes:
    return asyncio.run(sealer.derive(TOKENS, owner="u"))


def _add_key(folder: Path, number: int) -> None:
    descriptor = os.open(folder / f"tokens.{number}.key", os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(descriptor, bytes([number]) * 32)
    os.close(descriptor)
