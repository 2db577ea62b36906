"""The development issuer's key stays private and stays the same."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from syncwell.adapters.identity.development_issuer import KEY_FILE, DevelopmentIssuer
from syncwell.cli.token import mint_development_token
from syncwell.domain.errors import InvalidInputError, SetupError
from syncwell.runtime.settings import InstallationSettings, Profile
from tests.unit.fakes.clock import FakeClock


def test_key_file_is_private_and_made_once(tmp_path: Path) -> None:
    """The file can be read by its owner only, and a second start uses the same key."""
    DevelopmentIssuer(tmp_path)
    content = (tmp_path / KEY_FILE).read_bytes()
    DevelopmentIssuer(tmp_path)

    assert (tmp_path / KEY_FILE).read_bytes() == content
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


def test_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """An open key file stops the start and says how to mend it."""
    DevelopmentIssuer(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o644)

    with pytest.raises(SetupError, match="chmod 600"):
        DevelopmentIssuer(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"rubbish", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_damaged_key_file_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    """A key file that is none stops the start and says how to mend it."""
    (tmp_path / KEY_FILE).write_bytes(content)
    (tmp_path / KEY_FILE).chmod(0o600)

    with pytest.raises(SetupError, match="remove it"):
        DevelopmentIssuer(tmp_path)


@pytest.mark.parametrize(
    ("subject", "lifetime"),
    [("", timedelta(hours=1)), ("x" * 300, timedelta(hours=1)), ("robin", timedelta(0)), ("robin", timedelta(days=31))],
)
def test_odd_wishes_are_refused(tmp_path: Path, subject: str, lifetime: timedelta) -> None:
    """A token needs a name and an end."""
    with pytest.raises(InvalidInputError):
        DevelopmentIssuer(tmp_path).mint(subject, clock=FakeClock(), lifetime=lifetime)


def test_production_mints_nothing(tmp_path: Path) -> None:
    """Where real people sign in there is no development token."""
    settings = InstallationSettings(data_dir=tmp_path, profile=Profile.PRODUCTION)

    with pytest.raises(SetupError, match="production"):
        mint_development_token(settings, user="robin", hours=1)
    assert list(tmp_path.iterdir()) == []
