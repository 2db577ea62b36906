"""The named places of a sync where crash tests kill the worker."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """Where a run stands; a dead letter names the one that it never got past."""

    CLAIM = "claim"
    LOAD = "load"
    READ_SOURCE = "read_source"
    RECOVER = "recover"
    RESOLVE = "resolve"
    WRITE = "write"
    UNDO = "undo"
    COMMIT = "commit"


class SyncStep(StrEnum):
    """In the order of the story; each names what has just been done, or is about to be."""

    AFTER_CLAIM = "sync_worker.after_claim"
    AFTER_SOURCE_READ = "sync_worker.after_source_read"
    AFTER_RESOLVE = "sync_worker.after_resolve"
    AFTER_PENDING = "sync_worker.after_pending"
    AFTER_UPLOAD = "sync_worker.after_upload"
    AFTER_WRITTEN = "sync_worker.after_written"
    BEFORE_COMMIT = "sync_worker.before_commit"
    AFTER_COMMIT = "sync_worker.after_commit"
