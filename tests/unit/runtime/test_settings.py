from __future__ import annotations

from pathlib import Path

import pytest

from syncwell.domain.errors import SetupError
from syncwell.runtime.clock import OffsetClock, SystemClock, make_clock
from syncwell.runtime.crash_points import NoCrashPoints, make_crash_points
from syncwell.runtime.settings import SOCKET_PATH_MAX, InstallationSettings, Profile, load, prepare_directories


def test_wrong_setting_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that cannot be read is reported under the name that the user set."""
    monkeypatch.setenv("SYNCWELL_DRAIN_SECONDS", "soon")

    with pytest.raises(SetupError, match="SYNCWELL_DRAIN_SECONDS"):
        load(InstallationSettings)


def test_long_data_directory_gets_short_sockets(tmp_path: Path) -> None:
    """Sockets stay within the kernel's limit however deep the data directory lies."""
    settings = InstallationSettings(data_dir=tmp_path / ("deep" * 40))

    assert len(settings.address_of("sync_worker").removeprefix("unix:")) <= SOCKET_PATH_MAX
    assert settings.address_of("store") != InstallationSettings(data_dir=tmp_path / ("hole" * 40)).address_of("store")


def test_directories_are_private(tmp_path: Path) -> None:
    """Only the installation's user can look into its directories."""
    settings = InstallationSettings(data_dir=tmp_path / "data")

    prepare_directories(settings)

    for folder in (settings.data_dir, settings.run_dir, settings.keys_dir, settings.blobs_dir, settings.files_dir):
        assert folder.stat().st_mode & 0o077 == 0


def test_unusable_data_directory_is_a_set_up_error(tmp_path: Path) -> None:
    """A file in the place of the data directory is reported with the variable to change."""
    (tmp_path / "data").write_text("not a folder")

    with pytest.raises(SetupError, match="SYNCWELL_DATA_DIR"):
        prepare_directories(InstallationSettings(data_dir=tmp_path / "data"))


@pytest.mark.parametrize("crash_at", ["point", "point:", "point:0", ":1", "point:x"])
def test_malformed_crash_point_is_refused(crash_at: str) -> None:
    """`SYNCWELL_CRASH_AT` must say a point and a visit."""
    with pytest.raises(SetupError, match="point:n"):
        make_crash_points(InstallationSettings(crash_at=crash_at))


def test_production_refuses_test_hooks(tmp_path: Path) -> None:
    """Crash points and shared test clocks cannot be armed in production."""
    with pytest.raises(SetupError, match="production"):
        make_crash_points(InstallationSettings(profile=Profile.PRODUCTION, crash_at="sync_worker.after_upload:1"))
    with pytest.raises(SetupError, match="production"):
        make_clock(InstallationSettings(profile=Profile.PRODUCTION, clock_file=tmp_path / "clock"))


def test_without_hooks_nothing_is_armed() -> None:
    """The defaults give real time and no crash."""
    settings = InstallationSettings()

    assert isinstance(make_clock(settings), SystemClock)
    assert isinstance(make_crash_points(settings), NoCrashPoints)


def test_offset_clock_is_shared(tmp_path: Path) -> None:
    """Moving the clock in one process moves it for every process that maps the file."""
    from datetime import timedelta

    path = tmp_path / "clock"
    OffsetClock.create(path)
    one, other = OffsetClock(path), OffsetClock(path)
    before = other.now_ms()

    one.advance(timedelta(hours=3))

    assert other.now_ms() - before >= 3 * 3600 * 1000
