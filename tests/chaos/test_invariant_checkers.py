"""The checkers of I2, I3, I7, I12 and I13 are shown to fail on the histories that their bugs leave."""

from __future__ import annotations

from tests.chaos.checkers import (
    check_attempts,
    check_cursor_honesty,
    check_no_lost_update,
    check_one_job_per_key,
    check_single_owner,
)
from tests.chaos.history import HistoryEvent, Value


def ok(kind: str, t: int = 0, **ids: Value) -> HistoryEvent:
    return HistoryEvent(t, "ok", kind, ids)


def put(sort: str, version: int, fence: int = 0, partition: str = "USER#u") -> HistoryEvent:
    return ok("store.put", partition=partition, sort=sort, version=version, fence=fence)


def intend(record: str, job: str, fence: int) -> HistoryEvent:
    ids: dict[str, Value] = {"record": record, "job": job, "fence": fence, "external_id": f"x-{record}"}
    return HistoryEvent(0, "invoke", "record.write", ids)


def test_equal_answers_to_a_key_pass() -> None:
    """A replay with the same body, and other keys with other bodies, are as they must be."""
    answers = [ok("http.request", route="r", key=key, body=body, job=body) for key, body in ("aA", "aA", "bB")]
    assert check_one_job_per_key([*answers, ok("job.accept", job="A", replay=False)]) == []


def test_a_key_with_two_jobs_is_found() -> None:
    """I2 finds job ids that do not follow from the key."""
    answers = [ok("http.request", route="r", key="a", body=body, job=body) for body in "AB"]
    assert len(check_one_job_per_key(answers)) == 2


def test_a_job_that_is_made_twice_is_found() -> None:
    """I2 finds an insert without its condition."""
    made = [ok("job.accept", job="A", replay=False)] * 2
    assert check_one_job_per_key(made) == ["A was made 2 times"]
    assert check_one_job_per_key([made[0], ok("job.accept", job="A", replay=True)]) == []


def test_versions_that_rise_pass() -> None:
    """Gaps, deletions and rows that are written whole are as they must be."""
    life = [put("JOB#a", 1), put("JOB#a", 3), ok("store.delete", partition="USER#u", sort="JOB#a"), put("JOB#a", 1)]
    assert check_no_lost_update([*life, put("OUTBOX#e", 1), put("OUTBOX#e", 1)]) == []


def test_a_version_that_comes_twice_is_found() -> None:
    """I3 finds the second of two writers that read the same version."""
    assert len(check_no_lost_update([put("JOB#a", 1), put("JOB#a", 2), put("JOB#a", 2)])) == 1


def test_a_cursor_up_to_what_is_there_passes() -> None:
    """A cursor may go as far as every record before it stands at the destination."""
    moved = ok("cursor.move", job="j", until_ms=50)
    events = [intend("s", "j", 1), ok("strava.records_created", external_id="x-s.fit"), moved]
    ended = ok("job.commit", job="j", state="SUCCEEDED")
    assert check_cursor_honesty([*events, ended], destination="strava", listed_at_ms={"s": 40, "later": 60}) == []


def test_a_cursor_before_the_write_is_found() -> None:
    """I7 finds a cursor that passes a record which the destination does not hold yet."""
    moved = ok("cursor.move", job="j", until_ms=50)
    events = [intend("s", "j", 1), moved, ok("strava.records_created", external_id="x-s.fit")]
    ended = ok("job.commit", job="j", state="SUCCEEDED")
    wrong = check_cursor_honesty([*events, ended], destination="strava", listed_at_ms={"s": 40})
    assert wrong == ["j moved the cursor past s, which is not there"]


def test_a_cursor_of_a_failed_job_is_found() -> None:
    """I7 finds a job that moves the cursor and does not end well."""
    events = [ok("cursor.move", job="j", until_ms=50), ok("job.commit", job="j", state="FAILED")]
    assert check_cursor_honesty(events, destination="strava", listed_at_ms={}) == [
        "j moved the cursor and did not end well"
    ]


def test_writes_of_the_present_owner_pass() -> None:
    """Rows under the newest fence, and links of a job whose claim still holds, are as they must be."""
    link = put("strava:1#s", 1, fence=1, partition="LINK#u#garmin:1")
    events = [put("JOB#j", 1, 1), intend("s", "j", 1), link, put("JOB#j", 2, 2), put("DECISION#j#0", 1, 2)]
    assert check_single_owner(events) == []


def test_a_late_owner_is_found() -> None:
    """I12 finds link, decision and job rows that a worker writes after another's claim."""
    link = put("strava:1#s", 1, fence=1, partition="LINK#u#garmin:1")
    claims = [put("JOB#j", 1, 1), intend("s", "j", 1), put("JOB#j", 2, 2)]
    for late in (link, put("DECISION#j#0", 1, 1), put("JOB#j", 3, 1)):
        assert len(check_single_owner([*claims, late])) == 1


def test_attempts_that_count_failures_only_pass() -> None:
    """A deferral leaves the count, a failure adds one, and who is given up has a cause."""
    events = [
        ok("job.claim", job="j", attempt=0),
        ok("job.wait", job="j", attempt=0, reason="provider_throttled"),
        ok("job.claim", job="j", attempt=0),
        ok("job.wait", job="j", attempt=1, reason="retry_after_error"),
        ok("job.commit", job="j", attempt=2, state="FAILED", reason="internal"),
    ]
    assert check_attempts(events) == []


def test_miscounted_attempts_are_found() -> None:
    """I13 finds a deferral that counts, a sixth attempt, and an end without a cause."""
    claim = ok("job.claim", job="j", attempt=0)
    for bad in (
        ok("job.wait", job="j", attempt=1, reason="provider_throttled"),
        ok("job.wait", job="j", attempt=0, reason="retry_after_error"),
        ok("job.claim", job="j", attempt=6),
        ok("job.commit", job="j", attempt=1, state="FAILED", reason=None),
    ):
        assert len(check_attempts([claim, bad])) == 1
