"""The line that each external write leaves in the recorded history."""

from __future__ import annotations

from syncwell.domain.jobs import Job
from syncwell.domain.links import Link
from syncwell.ports.history import History, Op


def note_write(history: History, op: Op, job: Job, link: Link, **more: str | int | bool | None) -> None:
    """Records one phase of the write that `link` announces, on behalf of `job`."""
    history.record(
        op,
        "record.write",
        user=job.request.user_id,
        job=job.job_id,
        fence=job.fence,
        source=job.request.source_connection_id,
        destination=job.request.destination_connection_id,
        record=link.source_id,
        external_id=link.external_id,
        **more,
    )
