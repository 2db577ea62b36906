"""The named places of a commit where crash tests kill the store."""

from __future__ import annotations

from enum import StrEnum


class StoreStep(StrEnum):
    """In the order of the story; visited by batches that write items."""

    BEFORE_COMMIT = "store.before_commit"
    AFTER_COMMIT = "store.after_commit"  # durable, and nobody has been told
