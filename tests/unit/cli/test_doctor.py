from __future__ import annotations

import socket
from pathlib import Path

import pytest

from syncwell.cli import doctor
from syncwell.cli.doctor import Finding, examine, print_findings
from syncwell.cli.installation import free_port
from syncwell.runtime.settings import InstallationSettings, prepare_directories


def finding(findings: list[Finding], subject: str) -> Finding:
    (found,) = [one for one in findings if one.subject == subject]
    return found


@pytest.fixture
def settings(tmp_path: Path) -> InstallationSettings:
    return InstallationSettings(data_dir=tmp_path / "data")


async def test_a_fresh_set_up_is_healthy(
    settings: InstallationSettings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a good machine every finding is fine and the exit code is 0."""
    monkeypatch.setattr(doctor, "FREE_BYTES_MIN", 0)
    findings = await examine(settings, free_port())

    assert [one for one in findings if one.cure] == []
    assert print_findings(findings) == 0
    assert "✗" not in capsys.readouterr().out


async def test_a_taken_port_is_found(settings: InstallationSettings, capsys: pytest.CaptureFixture[str]) -> None:
    """A gateway port that another program holds is named with a way out, and the exit code is 1."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        findings = await examine(settings, holder.getsockname()[1])

    assert "--port" in finding(findings, "gateway port").cure
    assert print_findings(findings) == 1
    assert "→" in capsys.readouterr().out


async def test_a_readable_key_file_is_found(settings: InstallationSettings) -> None:
    """A key file that others can read is named with the command that closes it."""
    prepare_directories(settings)
    key = settings.keys_dir / "tokens.1.key"
    key.write_bytes(b"secret")
    key.chmod(0o644)

    assert finding(await examine(settings, free_port()), "key file").cure == f"chmod 600 {key}"


async def test_a_damaged_database_is_found(settings: InstallationSettings) -> None:
    """A database file that cannot be opened is reported, not raised."""
    prepare_directories(settings)
    settings.store_path.write_bytes(b"this is no database, but it is long enough to be looked at" * 100)

    assert "restore" in finding(await examine(settings, free_port()), "store").cure


async def test_a_full_disk_is_found(settings: InstallationSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little free space is reported before the store stops writing."""
    monkeypatch.setattr(doctor, "FREE_BYTES_MIN", 1 << 62)

    assert "free some space" in finding(await examine(settings, free_port()), "disk").cure
