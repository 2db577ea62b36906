"""Jobs and decisions between protobuf and the domain."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from syncwell.adapters.grpc.data_types import data_type_of, data_type_to_proto
from syncwell.api.sync.v1 import sync_pb2 as pb
from syncwell.domain.errors import InvalidInputError
from syncwell.domain.jobs import DateRange, Job, JobMode, JobRequest, JobState, Priority
from syncwell.domain.records import ConnectionId, UserId
from syncwell.domain.resolution import Decision
from syncwell.usecases.job_events import counts_of

_STATES = {
    JobState.QUEUED: pb.Job.STATE_QUEUED,
    JobState.RUNNING: pb.Job.STATE_RUNNING,
    JobState.WAITING_DEVICE: pb.Job.STATE_WAITING_DEVICE,
    JobState.SUCCEEDED: pb.Job.STATE_SUCCEEDED,
    JobState.PARTIALLY_FAILED: pb.Job.STATE_PARTIALLY_FAILED,
    JobState.FAILED: pb.Job.STATE_FAILED,
    JobState.CANCELLED: pb.Job.STATE_CANCELLED,
}


def request_of(user_id: UserId, spec: pb.JobSpec) -> JobRequest:
    """Returns what `spec` asks for.

    Raises:
        InvalidInputError: a value is missing or unknown; `field` names it.
    """
    if not spec.source_connection_id or not spec.destination_connection_id:
        raise InvalidInputError("name the source and the destination connection", field="spec")
    return JobRequest(
        user_id=user_id,
        source_connection_id=ConnectionId(spec.source_connection_id),
        destination_connection_id=ConnectionId(spec.destination_connection_id),
        data_type=data_type_of(spec.data_type),
        mode=_mode(spec.mode),
        priority=_priority(spec.priority or Priority.MEDIUM),
        date_range=_range(spec),
        is_dry_run=spec.is_dry_run,
    )


def job_message(job: Job) -> pb.Job:
    """Returns `job` as other services read it."""
    message = pb.Job(
        job_id=job.job_id,
        spec=_spec(job.request),
        state=_STATES[job.state],
        wait_reason=job.wait_reason or "",
        failure_reason=job.failure_reason or "",
        attempt_count=job.attempt,
        counts=counts_of(job.counts),
        create_time=_timestamp(job.created_at_ms),
        update_time=_timestamp(job.updated_at_ms),
        version=job.version,
    )
    if job.retry_at_ms is not None:
        message.retry_time.CopyFrom(_timestamp(job.retry_at_ms))
    return message


def decision_message(decision: Decision) -> pb.Decision:
    """Returns `decision` as other services read it."""
    return pb.Decision(
        source_record_id=decision.source_id,
        destination_record_id=decision.destination_id or "",
        outcome=decision.outcome,
        reason=decision.reason,
        score=decision.score,
        evidence={name: str(value) for name, value in decision.evidence.items()},
    )


def _spec(request: JobRequest) -> pb.JobSpec:
    spec = pb.JobSpec(
        source_connection_id=request.source_connection_id,
        destination_connection_id=request.destination_connection_id,
        data_type=data_type_to_proto(request.data_type),
        mode=request.mode,
        priority=request.priority,
        is_dry_run=request.is_dry_run,
    )
    if request.date_range is not None:
        spec.range_start_time.CopyFrom(_timestamp(request.date_range.start_ms))
        spec.range_end_time.CopyFrom(_timestamp(request.date_range.end_ms))
    return spec


def _range(spec: pb.JobSpec) -> DateRange | None:
    has_start, has_end = spec.HasField("range_start_time"), spec.HasField("range_end_time")
    if has_start is not has_end:
        raise InvalidInputError("a range needs its start and its end", field="range_end_time")
    if not has_start:
        return None
    return DateRange(spec.range_start_time.ToMilliseconds(), spec.range_end_time.ToMilliseconds())


def _mode(text: str) -> JobMode:
    try:
        return JobMode(text)
    except ValueError:
        raise InvalidInputError(f"mode must be one of {', '.join(JobMode)}", field="mode") from None


def _priority(text: str) -> Priority:
    try:
        return Priority(text)
    except ValueError:
        raise InvalidInputError(f"priority must be one of {', '.join(Priority)}", field="priority") from None


def _timestamp(at_ms: int) -> Timestamp:
    stamp = Timestamp()
    stamp.FromMilliseconds(at_ms)
    return stamp
