"""Job ids: one for each user, route and key, and nobody else can tell which."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from syncwell.domain.job_ids import JOB_ID_PREFIX, job_id_for, request_fingerprint
from syncwell.domain.jobs import DateRange, JobMode, JobRequest, Priority
from syncwell.domain.records import ConnectionId, DataType, UserId

KEY = bytes(range(32))
USER = UserId("usr_1")
REQUEST = JobRequest(USER, ConnectionId("a"), ConnectionId("b"), DataType.WORKOUT, JobMode.MANUAL)


def test_id_is_a_random_looking_uuid() -> None:
    """The id has the version and variant bits of a random UUID."""
    parsed = uuid.UUID(job_id_for(KEY, USER, "r", "k").removeprefix(JOB_ID_PREFIX))

    assert (parsed.version, parsed.variant) == (4, uuid.RFC_4122)


def test_id_depends_on_secret_user_route_and_key() -> None:
    """The same four parts give the same id; changing or shifting any gives another."""
    same = job_id_for(KEY, USER, "r", "k")
    others = {
        job_id_for(KEY[::-1], USER, "r", "k"),
        job_id_for(KEY, UserId("usr_2"), "r", "k"),
        job_id_for(KEY, USER, "r2", "k"),
        job_id_for(KEY, USER, "r", "k2"),
        job_id_for(KEY, USER, "rk", ""),
        job_id_for(KEY, UserId("usr_1r"), "", "k"),
    }

    assert same == job_id_for(KEY, USER, "r", "k")
    assert len({same, *others}) == 7


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, user_id=UserId("usr_2")),
        replace(REQUEST, source_connection_id=ConnectionId("c")),
        replace(REQUEST, destination_connection_id=ConnectionId("c")),
        replace(REQUEST, data_type=DataType.STEPS),
        replace(REQUEST, mode=JobMode.WEBHOOK),
        replace(REQUEST, priority=Priority.LOW),
        replace(REQUEST, date_range=DateRange(1, 2)),
        replace(REQUEST, is_dry_run=True),
    ],
)
def test_fingerprint_tells_every_difference(other: JobRequest) -> None:
    """Two requests share a fingerprint only if they ask for the same."""
    assert request_fingerprint(REQUEST) == request_fingerprint(replace(REQUEST))
    assert request_fingerprint(other) != request_fingerprint(REQUEST)
