"""Facts about a job, as readers of the event log get them."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from syncwell.api.events.v1 import events_pb2
from syncwell.api.sync.v1 import sync_pb2
from syncwell.domain.jobs import Counts, Job, JobState
from syncwell.ports.event_log import Event


def event_of(job: Job) -> Event:
    """Returns the fact that `job` has come to stand as it does; its id is the job's version."""
    event_id = f"evt_{job.job_id}_{job.version}"
    body = events_pb2.Event(
        event_id=event_id,
        user_id=job.request.user_id,
        event_time=_timestamp(job.updated_at_ms),
        correlation_id=job.correlation_id,
    )
    if job.state in (JobState.SUCCEEDED, JobState.PARTIALLY_FAILED):
        body.sync_succeeded.CopyFrom(
            events_pb2.SyncSucceeded(job_id=job.job_id, counts=counts_of(job.counts), version=job.version)
        )
    elif job.state is JobState.FAILED:
        body.sync_failed.CopyFrom(
            events_pb2.SyncFailed(job_id=job.job_id, failure_reason=job.failure_reason or "", version=job.version)
        )
    else:
        body.job_updated.CopyFrom(events_pb2.JobUpdated(job_id=job.job_id, state=job.state.value, version=job.version))
    return Event(event_id, job.request.user_id, body.SerializeToString())


def counts_of(counts: Counts) -> sync_pb2.Counts:
    """Returns `counts` as other services read them."""
    return sync_pb2.Counts(
        created_count=counts.created,
        updated_count=counts.updated,
        merged_count=counts.merged,
        skipped_count=counts.skipped,
        conflicted_count=counts.conflicted,
        failed_count=counts.failed,
    )


def _timestamp(at_ms: int) -> Timestamp:
    stamp = Timestamp()
    stamp.FromMilliseconds(at_ms)
    return stamp
