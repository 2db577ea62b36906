"""The named places of a sweep, and of publishing, where crash tests kill a process."""

from __future__ import annotations

from enum import StrEnum


class SweepStep(StrEnum):
    """What the scheduler has just done for jobs that were lost."""

    AFTER_READY = "scheduler.after_ready"  # the row is ready, no hint sent
    AFTER_HINT = "scheduler.after_hint"


class OutboxStep(StrEnum):
    """What has just been done for a fact; whoever publishes it reaches these."""

    BEFORE_APPEND = "outbox.before_append"
    AFTER_APPEND = "outbox.after_append"  # in the log, and still in the outbox
