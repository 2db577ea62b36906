"""What the credentials service can be told."""

from __future__ import annotations

from pydantic import Field

from syncwell.runtime.provider_settings import ProviderFileSettings


class Settings(ProviderFileSettings):
    """Settings of the credentials service."""

    refresh_call_seconds: float = Field(default=20.0, gt=0, le=30)  # the service's callers wait 30 s
    refresh_lease_seconds: float = Field(default=45.0, gt=0, le=300)  # the call and storing its answer
    refresh_pause_seconds: float = Field(default=30.0, gt=0, le=600)  # after a failed attempt
    revocation_sweep_seconds: float = Field(default=5.0, gt=0, le=600)  # between looks at grants to end
