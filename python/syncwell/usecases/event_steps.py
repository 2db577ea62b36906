"""The named places of taking change events where crash tests kill the coalescer."""

from __future__ import annotations

from enum import StrEnum


class EventStep(StrEnum):
    """In the order of the story."""

    BEFORE_ACCEPT = "coalescer.before_accept"
    AFTER_ACCEPT = "coalescer.after_accept"  # durable, not answered
