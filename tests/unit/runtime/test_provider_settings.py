"""The file that says which providers an installation talks to."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from syncwell.domain.errors import SetupError
from syncwell.runtime.provider_settings import ProviderFileSettings, load_providers
from syncwell.runtime.settings import Profile


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    return write(tmp_path / "strava.secret", "marker-secret\n")


def settings(path: Path | None, *, sandbox: bool = False, profile: Profile = Profile.EMBEDDED) -> ProviderFileSettings:
    return ProviderFileSettings(providers_file=path, sandbox=sandbox, profile=profile)


def table(secret: Path, extra: str = "", name: str = "strava") -> str:
    return f'[{name}]\nclient_id = "12345"\nclient_secret_file = "{secret}"\n{extra}\n'


def test_without_a_file_there_are_no_providers() -> None:
    """An installation without the file runs, and connects nothing."""
    assert load_providers(settings(None)).settings == ()


def test_live_provider(tmp_path: Path, secret: Path) -> None:
    """Client id and secret are all that a live provider needs; the secret never prints."""
    choice = load_providers(settings(write(tmp_path / "p.toml", table(secret))))

    (strava,) = choice.settings
    assert (strava.provider, strava.client_id, strava.client_secret) == ("strava", "12345", "marker-secret")
    assert strava.token_url.startswith("https://www.strava.com/")
    assert "marker" not in repr(choice)


def test_agreed_call_limits(tmp_path: Path, secret: Path) -> None:
    """Limits that a provider agreed to replace its published ones, live and in a sandbox; without any, those hold."""
    limits = "window_limits = { overall_day = 4000, read_day = 3000 }\n"
    path = tmp_path / "p.toml"
    (live,) = load_providers(settings(write(path, table(secret, limits)))).settings
    sandboxed = limits + 'base_url = "http://127.0.0.1:8431"'
    (moved,) = load_providers(settings(write(path, table(secret, sandboxed)), sandbox=True)).settings
    (plain,) = load_providers(settings(write(path, table(secret)))).settings

    assert live.window_limits == moved.window_limits == {"overall_day": 4000, "read_day": 3000}
    assert plain.window_limits == {}
    assert not live.allows_private_addresses


def test_sandbox(tmp_path: Path, secret: Path) -> None:
    """A base URL moves every address, paths unchanged, and opens private addresses."""
    text = table(secret, 'base_url = "http://127.0.0.1:8431"\nvisibility_lag_seconds = 2')
    choice = load_providers(settings(write(tmp_path / "p.toml", text), sandbox=True))

    (strava,) = choice.settings
    assert strava.token_url == "http://127.0.0.1:8431/oauth/token"
    assert strava.allows_private_addresses
    assert choice.visibility_lags == {"strava": timedelta(seconds=2)}


@pytest.mark.parametrize(("sandbox", "profile"), [(False, Profile.EMBEDDED), (True, Profile.PRODUCTION)])
def test_sandbox_must_be_allowed(tmp_path: Path, secret: Path, sandbox: bool, profile: Profile) -> None:
    """A base URL counts only where sandboxes are switched on, and never in production."""
    path = write(tmp_path / "p.toml", table(secret, 'base_url = "http://127.0.0.1:8431"'))

    with pytest.raises(SetupError, match="SYNCWELL_SANDBOX"):
        load_providers(settings(path, sandbox=sandbox, profile=profile))


def test_files_must_be_private(tmp_path: Path, secret: Path) -> None:
    """A file that others can read is refused with the command that mends it."""
    path = write(tmp_path / "p.toml", table(secret), mode=0o640)
    with pytest.raises(SetupError, match=f"chmod 600 {path}"):
        load_providers(settings(path))

    path.chmod(0o600)
    secret.chmod(0o604)
    with pytest.raises(SetupError, match=f"chmod 600 {secret}"):
        load_providers(settings(path))


@pytest.mark.parametrize(
    "text",
    [
        "[strava",
        "strava = 3",
        "[strava]\nclient_id = 5",
        '[strava]\nclient_id = "5"',
        '[strava]\nclient_id = "5"\nclient_secret_file = "SECRET"\nclient_secret = "marker-inline"',
        '[nobody]\nclient_id = "5"\nclient_secret_file = "SECRET"',
        '[strava]\nclient_id = ""\nclient_secret_file = "SECRET"',
        '[strava]\nclient_id = "5"\nclient_secret_file = "/nowhere/at/all"',
        '[strava]\nclient_id = "5"\nclient_secret_file = "SECRET"\nwindow_limits = { overall_day = "many" }',
        '[strava]\nclient_id = "5"\nclient_secret_file = "SECRET"\nbase_url = "not a url"',
    ],
)
def test_wrong_files_are_told_without_secrets(tmp_path: Path, secret: Path, text: str) -> None:
    """Every mistake ends in a set-up error that quotes no secret."""
    path = write(tmp_path / "p.toml", text.replace("SECRET", str(secret)))

    with pytest.raises(SetupError) as caught:
        load_providers(settings(path, sandbox=True))
    assert "marker" not in str(caught.value)


def test_missing_file_is_told(tmp_path: Path) -> None:
    """A file that is not there is named together with its setting."""
    with pytest.raises(SetupError, match="SYNCWELL_PROVIDERS_FILE"):
        load_providers(settings(tmp_path / "nowhere.toml"))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"#" * 70_000])
def test_strange_files_are_told(tmp_path: Path, content: bytes) -> None:
    """Neither binary nor endless files are parsed."""
    path = tmp_path / "p.toml"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(SetupError):
        load_providers(settings(path))
