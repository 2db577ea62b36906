"""Jobs cross gRPC whole, and nonsense is refused with the field that is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.sync_worker.job_messages import decision_message, job_message, request_of
from syncwell.api.common.v1 import common_pb2
from syncwell.api.sync.v1 import sync_pb2 as pb
from syncwell.domain.errors import InvalidInputError
from syncwell.domain.job_reasons import WaitReason
from syncwell.domain.jobs import Counts, DateRange, Job, JobId, JobMode, JobRequest, JobState, Priority
from syncwell.domain.records import ConnectionId, DataType, RecordId, UserId
from syncwell.domain.resolution import Action, Decision, Outcome, Reason

USER = UserId("usr_1")
REQUEST = JobRequest(
    USER,
    ConnectionId("a"),
    ConnectionId("b"),
    DataType.WORKOUT,
    JobMode.HISTORICAL,
    Priority.LOW,
    DateRange(1_000, 2_000),
    is_dry_run=True,
)
JOB = Job(
    JobId("job_1"),
    REQUEST,
    "f",
    JobState.QUEUED,
    5_000,
    6_000,
    version=4,
    attempt=2,
    retry_at_ms=9_000,
    wait_reason=WaitReason.PROVIDER_THROTTLED,
    counts=Counts(created=1, failed=2),
)


def spec(**changes: object) -> pb.JobSpec:
    message = pb.JobSpec(
        source_connection_id="a", destination_connection_id="b", data_type=common_pb2.DATA_TYPE_WORKOUT, mode="manual"
    )
    for name, value in changes.items():
        setattr(message, name, value)
    return message


def test_request_survives_the_round_trip() -> None:
    """What a job asks for comes back from its message unchanged."""
    assert request_of(USER, job_message(JOB).spec) == REQUEST


def test_message_tells_state_wait_and_counts() -> None:
    """A waiting job says why and until when; one that does not wait says nothing of it."""
    message = job_message(JOB)
    running = job_message(replace(JOB, state=JobState.RUNNING, retry_at_ms=None, wait_reason=None))

    assert (message.state, message.wait_reason, message.retry_time.ToMilliseconds()) == (
        pb.Job.STATE_QUEUED,
        "provider_throttled",
        9_000,
    )
    assert (message.counts.created_count, message.counts.failed_count, message.attempt_count) == (1, 2, 2)
    assert (running.wait_reason, running.HasField("retry_time")) == ("", False)


@pytest.mark.parametrize("state", list(JobState))
def test_every_state_has_its_number(state: JobState) -> None:
    """No state is left out of the table."""
    assert pb.Job.State.Name(job_message(replace(JOB, state=state)).state) == f"STATE_{state}"


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (spec(source_connection_id=""), "spec"),
        (spec(mode="weekly"), "mode"),
        (spec(priority="urgent"), "priority"),
        (spec(data_type=common_pb2.DATA_TYPE_UNSPECIFIED), "data_type"),
    ],
)
def test_wrong_value_is_named(message: pb.JobSpec, field: str) -> None:
    """A caller learns which field is wrong."""
    with pytest.raises(InvalidInputError) as refused:
        request_of(USER, message)
    assert refused.value.fields["field"] == field


def test_half_a_range_is_refused() -> None:
    """A range without its end is a mistake, not an open range."""
    message = spec(mode="historical")
    message.range_start_time.FromMilliseconds(1)

    with pytest.raises(InvalidInputError):
        request_of(USER, message)


def test_decision_without_score_says_so() -> None:
    """A decision that judged no pair has no score and no destination."""
    bare = Decision(RecordId("r"), Action.NONE, Outcome.SKIPPED, Reason.ECHO)
    judged = replace(bare, score=0.25, destination_id=RecordId("d"), evidence={"gap_s": 3})

    assert not decision_message(bare).HasField("score")
    assert decision_message(judged) == pb.Decision(
        source_record_id="r",
        destination_record_id="d",
        outcome="skipped",
        reason="echo",
        score=0.25,
        evidence={"gap_s": "3"},
    )
