"""Sync jobs over the wire."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from syncwell.domain.errors import StorageFullError
from syncwell.ports.job_queue import JobClass
from tests.integration.gateway.bed import Bed

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "7a1f3c58-2b7e-4e0f-9d80-3c0b4e0a9b11"


def job_body(source: str, destination: str, /, **changes: object) -> dict[str, object]:
    body: dict[str, object] = {
        "sourceConnectionId": source,
        "destinationConnectionId": destination,
        "dataType": "workout",
        "mode": "manual",
    }
    return body | changes


async def test_accepted_job_is_queued_listed_and_readable(bed: Bed) -> None:
    """A job is answered with 202 once it is durable, hinted to the workers, listed and readable."""
    person = bed.person("robin")
    source, destination = await bed.connected(person)

    accepted = await person.post("/v1/sync-jobs", job_body(source, destination, priority="high"))
    job_id = accepted.json["jobId"]
    listed = await person.get("/v1/sync-jobs")
    read = await person.get(f"/v1/sync-jobs/{job_id}")
    hints = await bed.queue.receive(
        JobClass.INTERACTIVE, limit=1000, visibility=timedelta(seconds=30), wait=timedelta(0)
    )

    assert (accepted.status, accepted.json["status"]) == (202, "QUEUED")
    assert [each["jobId"] for each in listed.json["syncJobs"]] == [job_id]
    assert read.json["status"] == "QUEUED"
    assert read.json["priority"] == "high"
    assert read.json["decisions"] == []
    assert [hint.message.job_id for hint in hints].count(job_id) == 1


async def test_repeated_key_gets_the_same_job_again(bed: Bed) -> None:
    """The same key with the same request is answered as the first time, and marked."""
    person = bed.person("robin")
    body = job_body(*await bed.connected(person))

    first = await person.post("/v1/sync-jobs", body, key=KEY)
    second = await person.post("/v1/sync-jobs", dict(reversed(body.items())), key=KEY.upper())

    assert second.body == first.body
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"


async def test_key_with_another_body_is_refused(bed: Bed) -> None:
    """The same key with another request is 422, and the first job stays as it was."""
    person = bed.person("robin")
    source, destination = await bed.connected(person)
    first = await person.post("/v1/sync-jobs", job_body(source, destination), key=KEY)

    second = await person.post("/v1/sync-jobs", job_body(source, destination, dryRun=True), key=KEY)

    assert (second.status, second.json["code"]) == (422, "idempotency_key_reused")
    assert (await person.get(f"/v1/sync-jobs/{first.json['jobId']}")).json["dryRun"] is False


async def test_equal_requests_at_once_make_one_job(bed: Bed) -> None:
    """Twenty equal requests at the same moment make one job, and all callers learn its id."""
    person = bed.person("robin")
    body = job_body(*await bed.connected(person))

    replies = await asyncio.gather(*(person.post("/v1/sync-jobs", body, key=KEY) for _ in range(20)))

    assert {reply.status for reply in replies} == {202}
    assert len({reply.json["jobId"] for reply in replies}) == 1
    assert sum("Idempotent-Replayed" not in reply.headers for reply in replies) == 1
    assert len((await person.get("/v1/sync-jobs")).json["syncJobs"]) == 1


async def test_same_key_of_another_person_is_independent(bed: Bed) -> None:
    """Two people may use the same key; each gets a job of their own."""
    one, other = bed.person("robin"), bed.person("kim")

    first = await one.post("/v1/sync-jobs", job_body(*await bed.connected(one)), key=KEY)
    second = await other.post("/v1/sync-jobs", job_body(*await bed.connected(other)), key=KEY)

    assert first.status == second.status == 202
    assert first.json["jobId"] != second.json["jobId"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"dataType": "blood"}, "$.dataType"),
        ({"mode": "webhook"}, "$.mode"),
        ({"priority": 1}, "$.priority"),
        ({"dryRun": "yes"}, "$.dryRun"),
        ({"sourceConnectionId": ["a"]}, "$.sourceConnectionId"),
        ({"sourceConnectionId": ""}, "$.sourceConnectionId"),
        ({"userId": "usr_other"}, "$.userId"),
        ({"dateRange": None}, "$.dateRange"),
        ({"mode": "historical", "dateRange": {"startDate": "2026-13-01", "endDate": "2026-01-02"}}, "startDate"),
        ({"mode": "historical", "dateRange": {"startDate": "2026-01-01"}}, "endDate"),
        ({"mode": "historical"}, "dateRange"),
        ({"dateRange": {"startDate": "2026-01-01", "endDate": "2026-01-02"}}, "dateRange"),
    ],
)
async def test_wrong_value_is_refused_with_its_path(bed: Bed, changes: dict[str, object], field: str) -> None:
    """A wrong type, an unknown field or a contradiction is 400 and names the place."""
    person = bed.person("robin")
    body = job_body(*await bed.connected(person)) | changes

    reply = await person.post("/v1/sync-jobs", body)

    assert (reply.status, reply.json["code"]) == (400, "invalid_input")
    assert reply.json["fields"]["field"].endswith(field)
    assert (await person.get("/v1/sync-jobs")).json["syncJobs"] == []


async def test_historical_job_keeps_its_days(bed: Bed) -> None:
    """A historical job shows the days that were asked for, both included."""
    person = bed.person("robin")
    days = {"startDate": "2026-01-01", "endDate": "2026-02-28"}

    accepted = await person.post(
        "/v1/sync-jobs", job_body(*await bed.connected(person), mode="historical", dateRange=days)
    )

    assert (await person.get(f"/v1/sync-jobs/{accepted.json['jobId']}")).json["dateRange"] == days


async def test_pair_that_cannot_be_served_is_refused_with_the_reason(bed: Bed) -> None:
    """Garmin takes no workouts, so a job towards it is refused and says so."""
    person = bed.person("robin")
    source, destination = await bed.connected(person)

    reply = await person.post("/v1/sync-jobs", job_body(destination, source))

    assert (reply.status, reply.json["code"]) == (400, "unsupported_pair")
    assert "garmin" in reply.json["detail"]


async def test_jobs_are_listed_in_pages_newest_first(bed: Bed) -> None:
    """Pages follow each other without gap or repetition."""
    person = bed.person("robin")
    source, destination = await bed.connected(person)
    made = []
    for _ in range(5):
        made.append((await person.post("/v1/sync-jobs", job_body(source, destination))).json["jobId"])
        bed.clock.advance(timedelta(seconds=1))

    seen, path = [], "/v1/sync-jobs?limit=2"
    while True:
        page = (await person.get(path)).json
        seen += [each["jobId"] for each in page["syncJobs"]]
        if "nextCursor" not in page:
            break
        path = f"/v1/sync-jobs?limit=2&cursor={page['nextCursor']}"

    assert seen == made[::-1]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=", "order=up", "limit=1&limit=2"])
async def test_wrong_query_is_refused(bed: Bed, query: str) -> None:
    """A query parameter that is unknown, out of range or given twice is 400."""
    reply = await bed.person("robin").get(f"/v1/sync-jobs?{query}")

    assert reply.status == 400


@pytest.mark.parametrize("cursor", ["nonsense", "%00", "999999999999", "-1"])
async def test_foreign_cursor_is_refused_or_empty(bed: Bed, cursor: str) -> None:
    """A made-up cursor never fails the gateway."""
    person = bed.person("robin")
    accepted = await person.post("/v1/sync-jobs", job_body(*await bed.connected(person)))

    listed = await person.get(f"/v1/sync-jobs?cursor={cursor}")
    read = await person.get(f"/v1/sync-jobs/{accepted.json['jobId']}?decisionsCursor={cursor}")

    assert listed.status in (200, 400)
    assert read.status in (200, 400)


@pytest.mark.parametrize(
    "job_id", ["job_1", "job_d751eea0-ada7-4f6d-b13c-bc79b14991b0", "job_%23", "..%2Fx", "%F0%9F%98%80"]
)
async def test_unknown_job_is_not_found(bed: Bed, job_id: str) -> None:
    """An id that is none of the caller's jobs is 404, whatever it looks like."""
    assert (await bed.person("robin").get(f"/v1/sync-jobs/{job_id}")).status == 404


async def test_full_disk_is_told_as_503_and_nothing_is_accepted(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store refuses writes a job is refused with 503 and Retry-After, and reads go on."""
    person = bed.person("robin")
    body = job_body(*await bed.connected(person))

    async def refuse(*_: object) -> tuple[bool, ...]:
        raise StorageFullError("the disk is full; free some space")

    with monkeypatch.context() as patch:
        patch.setattr(bed.items, "write_each", refuse)
        refused = await person.post("/v1/sync-jobs", body, key=KEY)
        listed = await person.get("/v1/sync-jobs")
    repeated = await person.post("/v1/sync-jobs", body, key=KEY)

    assert (refused.status, refused.json["code"]) == (503, "storage_full")
    assert int(refused.headers["Retry-After"]) >= 1
    assert listed.json["syncJobs"] == []
    assert repeated.status == 202
