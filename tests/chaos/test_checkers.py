"""Each checker is shown to fail on the bug that it exists for."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.checkers import check_no_duplicate, check_no_lost_job
from tests.chaos.history import HistoryEvent, read_history


def accept(job: str, t: int = 0) -> HistoryEvent:
    return HistoryEvent(t, "ok", "job.accept", {"job": job})


def commit(job: str, t: int = 10, state: str = "SUCCEEDED") -> HistoryEvent:
    return HistoryEvent(t, "ok", "job.commit", {"job": job, "state": state})


def intend(source: str, external: str, t: int = 1) -> HistoryEvent:
    return HistoryEvent(t, "invoke", "record.write", {"record": source, "external_id": external})


def created(record: str, external: str, origin: str = "upload", t: int = 2) -> HistoryEvent:
    ids = {"record": record, "external_id": f"{external}.fit", "origin": origin}
    return HistoryEvent(t, "ok", "strava.records_created", ids)


def test_finished_jobs_pass() -> None:
    """A history in which every accepted job ends passes I1."""
    events = [accept("a"), accept("b"), commit("a"), commit("b", state="FAILED")]

    assert check_no_lost_job(events, faults_end_ms=0, bound_ms=60_000) == []


def test_a_lost_job_is_found() -> None:
    """I1 finds a job that was accepted and never reached a terminal state."""
    events = [accept("a"), commit("a", state="QUEUED")]

    assert check_no_lost_job(events, faults_end_ms=0, bound_ms=60_000) == ["a was accepted and never finished"]


def test_a_job_that_ends_too_late_is_found() -> None:
    """I1 counts the bound from the end of the faults."""
    events = [accept("a"), commit("a", t=70_001)]

    assert check_no_lost_job(events, faults_end_ms=10_000, bound_ms=60_000) != []
    assert check_no_lost_job(events, faults_end_ms=20_000, bound_ms=60_000) == []


def test_one_record_each_passes() -> None:
    """A history in which each source record stands once passes I4; seeds of the destination do not count."""
    events = [intend("s1", "x1"), created("d1", "x1"), created("d9", "other-app", origin="seed")]

    assert check_no_duplicate(events, destination="strava", expected_source_ids={"s1"}) == []


def test_a_second_write_after_a_crash_is_found() -> None:
    """I4 finds the record that a worker without ask-before-write uploads again."""
    events = [intend("s1", "x1"), created("d1", "x1"), intend("s1", "x1", t=5), created("d2", "x1", t=6)]

    assert check_no_duplicate(events, destination="strava", expected_source_ids={"s1"}) == [
        "s1 stands 2 times: ['d1', 'd2']"
    ]


def test_missing_and_uninvited_records_are_found() -> None:
    """I4 compares with the whole expected set in both directions."""
    events = [intend("s2", "x2"), created("d2", "x2")]

    assert check_no_duplicate(events, destination="strava", expected_source_ids={"s1"}) == [
        "s1 is missing",
        "s2 should not be there",
    ]


def test_a_write_without_intention_is_found() -> None:
    """I4 finds what was written behind the ledger's back."""
    events = [created("d1", "x1")]

    assert len(check_no_duplicate(events, destination="strava", expected_source_ids=set())) == 1


def test_a_line_cut_by_a_kill_is_left_out(tmp_path: Path) -> None:
    """A file that ends within a line still gives the events before it, in order of time over all files."""
    (tmp_path / "a.jsonl").write_bytes(b'{"t":5,"op":"ok","kind":"job.accept","job":"a"}\n{"t":6,"op":"o')
    (tmp_path / "b.jsonl").write_bytes(b'{"t":3,"op":"ok","kind":"job.accept","job":"b"}\n')

    assert [event.text("job") for event in read_history(tmp_path)] == ["b", "a"]
