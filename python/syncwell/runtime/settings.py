"""What every process of an installation must know; services add their own in `services/*/settings.py`.

All come from the environment (`SYNCWELL_...`); defaults make the embedded profile run on a laptop as it is.
"""

from __future__ import annotations

import hashlib
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from syncwell.domain.errors import SetupError

SettingsT = TypeVar("SettingsT", bound=BaseSettings)
SOCKET_PATH_MAX = 100  # the kernel's limit is 108 bytes with the terminating zero


class Profile(StrEnum):
    """How the installation runs. `embedded` is one machine; `production` refuses test hooks."""

    EMBEDDED = "embedded"
    PRODUCTION = "production"


class InstallationSettings(BaseSettings):
    """Settings that all processes share. Secrets are file paths, never values."""

    model_config = SettingsConfigDict(env_prefix="SYNCWELL_", extra="ignore", frozen=True)

    profile: Profile = Profile.EMBEDDED
    data_dir: Path = Field(default_factory=lambda: Path.home() / ".syncwell")
    log_level: str = "INFO"
    log_format: str = "json"
    history: Path | None = None  # recording is off unless a directory is named
    crash_at: str = ""  # tests only: "point:n"
    clock_file: Path | None = None  # tests only: an offset shared by all processes
    sandbox: bool = False  # lets providers answer from private addresses
    otlp_endpoint: str = ""  # where spans go, e.g. http://localhost:4317; empty: nowhere
    trace_file: Path | None = None  # spans as JSON lines, for tests and a look by hand
    trace_ratio: float = Field(default=1.0, ge=0, le=1)  # the share of traces that begin here and are kept
    drain_seconds: float = Field(default=25.0, gt=0, le=29)  # ECS kills after 30 s

    @property
    def store_path(self) -> Path:
        """Returns the database file."""
        return self.data_dir / "store.db"

    @property
    def keys_dir(self) -> Path:
        """Returns the folder of key files, private to the installation's user."""
        return self.data_dir / "keys"

    @property
    def blobs_dir(self) -> Path:
        """Returns the folder of sealed blobs."""
        return self.data_dir / "blobs"

    @property
    def files_dir(self) -> Path:
        """Returns the folder that holds a folder of workout files for each connection to `files`."""
        return self.data_dir / "files"

    @property
    def run_dir(self) -> Path:
        """Returns the folder of sockets; a short one elsewhere where the data directory's path is too long."""
        natural = self.data_dir / "run"
        if len(str(natural)) + len("/sync_worker.sock") <= SOCKET_PATH_MAX:
            return natural
        digest = hashlib.sha256(str(self.data_dir).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"syncwell-{digest}"

    def address_of(self, service: str) -> str:
        """Returns where `service` listens."""
        return f"unix:{self.run_dir / f'{service}.sock'}"


def prepare_directories(settings: InstallationSettings) -> None:
    """Makes the private directories.

    Raises:
        SetupError: one cannot be made or belongs to somebody else.
    """
    for folder in (settings.data_dir, settings.run_dir, settings.keys_dir, settings.blobs_dir, settings.files_dir):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        except OSError as exc:
            reason = exc.strerror or "unknown"
            raise SetupError(
                f"cannot use {folder}: {reason}; choose another place with SYNCWELL_DATA_DIR", path=str(folder)
            ) from exc


def load(kind: type[SettingsT]) -> SettingsT:
    """Reads settings of `kind` from the environment.

    Raises:
        SetupError: a value is missing or wrong; the message names the variable.
    """
    try:
        return kind()
    except ValidationError as exc:
        lines = [f"SYNCWELL_{'_'.join(map(str, item['loc'])).upper()}: {item['msg']}" for item in exc.errors()]
        raise SetupError("wrong settings: " + "; ".join(lines)) from exc
