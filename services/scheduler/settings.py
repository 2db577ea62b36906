"""What the scheduler can be told."""

from pydantic import Field

from syncwell.runtime.settings import InstallationSettings


class Settings(InstallationSettings):
    """Settings of the scheduler."""

    sweep_seconds: float = Field(default=1.0, gt=0, le=60)  # bounds how late a lost hint or dead lease is found
    window_seconds: float = Field(default=60.0, gt=0, le=3600)  # the coalescer's; the sweep makes lost jobs by it
