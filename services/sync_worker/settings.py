"""What the sync worker can be told."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from syncwell.runtime.provider_settings import ProviderFileSettings
from syncwell.usecases.sync_limits import SyncLimits


class Settings(ProviderFileSettings):
    """Settings of the sync worker."""

    lease_seconds: float = Field(default=30.0, ge=2, le=600)  # how long a dead worker can hold a job
    first_window_days: int = Field(default=30, ge=1, le=366)  # how far the first sync of a pair looks back
    batch_messages: int = Field(default=10, ge=1, le=10)  # what the queues of the cloud give in one receive
    receive_seconds: float = Field(default=5.0, gt=0, le=20)  # one long poll; bounds how late a stop is seen
    interactive_jobs: int = Field(default=32, ge=1, le=1000)  # people wait for these: their places are their own
    normal_jobs: int = Field(default=32, ge=1, le=1000)  # bounds memory and sockets
    bulk_jobs: int = Field(default=4, ge=1, le=1000)  # long and patient
    writes_at_once: int = Field(default=4, ge=1, le=64)  # payloads in memory and uploads in flight, for each job
    window_seconds: float = Field(default=60.0, gt=0, le=3600)  # the coalescer's: when a source's next job is due
    watch_seconds: float = Field(default=0.25, gt=0, le=10)  # between two looks at a watched job

    def limits(self) -> SyncLimits:
        """Returns the bounds of one sync."""
        return SyncLimits(
            lease=timedelta(seconds=self.lease_seconds),
            first_window=timedelta(days=self.first_window_days),
            writes_at_once=self.writes_at_once,
        )
