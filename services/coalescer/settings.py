"""What the coalescer can be told."""

from pydantic import Field

from syncwell.runtime.settings import InstallationSettings


class Settings(InstallationSettings):
    """Settings of the coalescer."""

    window_seconds: float = Field(default=60.0, gt=0, le=3600)  # spec section 8: one source job in this time
