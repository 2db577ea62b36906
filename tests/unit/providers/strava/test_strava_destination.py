"""Writing to Strava: end states, duplicates, unknown outcomes, edits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncwell.api.record.v1.record_pb2 import SPORT_INDOOR_RIDE, SPORT_RUN, CanonicalWorkout
from syncwell.domain.errors import (
    InvalidInputError,
    ProviderInvalidAnswerError,
    ProviderRefusedError,
    ProviderThrottledError,
    ProviderUnavailableError,
)
from syncwell.domain.records import EditableField, RecordId
from syncwell.ports.clock import Clock
from syncwell.ports.roles import Window
from syncwell.providers.files.fit_reader import read_fit
from syncwell.providers.response import Response
from syncwell.providers.strava.destination import StravaDestination, upload_form
from tests.unit.providers.recorded import recorded_exchanges, recorded_json
from tests.unit.providers.stages import ScriptedSession, answer

PROCESSING = {"id": 5, "status": "Your activity is still being processed.", "error": None, "activity_id": None}
READY = {"id": 5, "status": "Your activity is ready.", "error": None, "activity_id": 99}
FAILED = "There was an error processing your activity."
HTML = "ride.fit duplicate of <a href='/activities/123' target='_blank'>Morning Ride 2</a>"


class WaitingClock(Clock):
    """Waits take no time and are counted."""

    def __init__(self) -> None:
        self.waits: list[timedelta] = []

    def now_ms(self) -> int:
        return 0

    async def sleep(self, duration: timedelta) -> None:
        self.waits.append(duration)


def workout() -> CanonicalWorkout:
    """Returns a small ride on a trainer."""
    ride = CanonicalWorkout(sport=SPORT_INDOOR_RIDE, elapsed_ms=60_000, title="Evening", notes="Legs")
    ride.start_time.FromMilliseconds(1_760_000_000_000)
    return ride


def failed(error: str) -> dict[str, object]:
    """Returns the end state of a refused upload."""
    return {"id": 5, "status": FAILED, "error": error, "activity_id": None}


async def test_upload_carries_everything_that_strava_has_a_field_for() -> None:
    """Title, notes, sport, trainer and external id travel beside a FIT file that can be read."""
    session, clock = ScriptedSession([answer(201, PROCESSING), answer(200, READY)]), WaitingClock()
    written = await StravaDestination(clock).write(session, workout(), external_id="ext-1")
    assert (written.record_id, written.was_duplicate) == ("99", False)
    upload = session.asked[0]
    assert (upload.method, upload.path, upload.is_write) == ("POST", "uploads", True)
    assert upload.form == {
        "data_type": "fit",
        "external_id": "ext-1",
        "sport_type": "Ride",
        "trainer": "1",
        "name": "Evening",
        "description": "Legs",
    }
    assert upload.upload is not None
    name, content = upload.upload
    assert name == "ext-1.fit"
    (read,) = read_fit(content)
    assert (read.sport, read.elapsed_ms) == (SPORT_INDOOR_RIDE, 60_000)


async def test_polls_are_paced_and_bounded() -> None:
    """Polls come a second apart or slower, and end in an unknown outcome."""
    session, clock = ScriptedSession([answer(201, PROCESSING), *[answer(200, PROCESSING)] * 50]), WaitingClock()
    with pytest.raises(ProviderUnavailableError):
        await StravaDestination(clock).write(session, workout(), external_id="x")
    assert len(clock.waits) == len(session.asked) - 1 <= 10
    assert min(clock.waits) >= timedelta(seconds=1)


async def test_recorded_duplicate_is_a_success() -> None:
    """The recorded conversation that ends in a duplicate leads to the activity there."""
    session = ScriptedSession([*recorded_exchanges("strava_create_upload_file_with_error.json")])
    written = await StravaDestination(WaitingClock()).write(session, workout(), external_id="x")
    assert (written.record_id, written.was_duplicate) == ("8319193780", True)


@pytest.mark.parametrize(
    "answers",
    [
        [answer(201, PROCESSING), answer(200, failed(HTML))],
        [answer(201, failed(HTML))],
        [answer(201, failed("ride.tcx duplicate of activity 123"))],
        [answer(400, failed("ride.tcx duplicate of activity 123"))],
        [answer(409, {"message": "x", "errors": [{"code": "ride.fit duplicate of activity 123"}]})],
    ],
)
async def test_every_form_of_duplicate(answers: list[Response | Exception]) -> None:
    """Both texts are understood, after polls and at POST time."""
    written = await StravaDestination(WaitingClock()).write(ScriptedSession(answers), workout(), external_id="x")
    assert (written.record_id, written.was_duplicate) == ("123", True)


@pytest.mark.parametrize(
    "answers",
    [
        [answer(201, PROCESSING), answer(200, failed("The file is empty."))],
        [answer(201, PROCESSING), answer(200, {**PROCESSING, "status": "The created activity has been deleted."})],
        [answer(400, {"message": "Bad Request", "errors": [{"resource": "Upload", "field": "file", "code": "empty"}]})],
        [answer(403, b"<html>")],
    ],
)
async def test_refusals_are_final(answers: list[Response | Exception]) -> None:
    """A file that Strava cannot use, a deleted result and a plain 4xx are refused for good."""
    with pytest.raises(ProviderRefusedError):
        await StravaDestination(WaitingClock()).write(ScriptedSession(answers), workout(), external_id="x")


@pytest.mark.parametrize(
    "trouble",
    [
        ProviderThrottledError("no budget", retry_after=timedelta(minutes=9)),
        ProviderUnavailableError("lost"),
        ProviderInvalidAnswerError("html"),
        answer(200, b"{"),
        answer(404, b""),
    ],
)
async def test_trouble_after_acceptance_is_of_unknown_outcome(trouble: Response | Exception) -> None:
    """Once the upload was taken, no error may claim that nothing was done."""
    session = ScriptedSession([answer(201, PROCESSING), trouble])
    with pytest.raises(ProviderUnavailableError):
        await StravaDestination(WaitingClock()).write(session, workout(), external_id="x")


async def test_unreadable_acceptance_is_of_unknown_outcome() -> None:
    """A success without a body that can be read may have made the activity."""
    with pytest.raises(ProviderUnavailableError):
        await StravaDestination(WaitingClock()).write(ScriptedSession([answer(201, b"")]), workout(), external_id="x")


async def test_spent_budget_before_the_upload_passes_through() -> None:
    """When the upload itself was not made, the caller may know it."""
    session = ScriptedSession([ProviderThrottledError("no budget", retry_after=timedelta(minutes=9))])
    with pytest.raises(ProviderThrottledError):
        await StravaDestination(WaitingClock()).write(session, workout(), external_id="x")


@pytest.mark.parametrize("shown", ["mine", "mine.fit"])
async def test_find_knows_the_id_with_and_without_extension(shown: str) -> None:
    """Strava appends the extension of the file to the external id."""
    listing = recorded_json("strava_listing.json")
    assert isinstance(listing, list)
    listing[1]["external_id"] = shown
    window = Window(start_ms=1_420_000_000_000, end_ms=1_800_000_000_000)
    session = ScriptedSession([answer(200, listing)])
    found = await StravaDestination(WaitingClock()).find(session, external_id="mine", window=window)
    assert found is not None
    assert found.record_id == str(listing[1]["id"])
    assert found.version
    assert (
        await StravaDestination(WaitingClock()).find(
            ScriptedSession([answer(200, listing), answer(200, [])]), external_id="min", window=window
        )
        is None
    )


async def test_edit_sends_the_named_fields_only() -> None:
    """A change of title says nothing of notes or sport, and answers with the listing's version."""
    (recorded,) = recorded_exchanges("strava_update_activity.json")
    session = ScriptedSession([recorded])
    updated = await StravaDestination(WaitingClock()).update(session, RecordId("7"), {EditableField.TITLE: "New"})
    assert session.asked[0].form == {"name": "New"}
    assert (session.asked[0].method, session.asked[0].path) == ("PUT", "activities/7")
    assert updated.version


async def test_sport_is_changed_by_its_name() -> None:
    """An indoor sport becomes the type and the trainer flag."""
    (recorded,) = recorded_exchanges("strava_update_activity.json")
    session = ScriptedSession([recorded])
    fields = {EditableField.SPORT: "INDOOR_RIDE", EditableField.NOTES: ""}
    await StravaDestination(WaitingClock()).update(session, RecordId("7"), fields)
    assert session.asked[0].form == {"sport_type": "Ride", "trainer": "1", "description": ""}


@pytest.mark.parametrize("fields", [{}, {EditableField.SPORT: "QUIDDITCH"}])
async def test_change_of_nothing_is_refused_unasked(fields: dict[EditableField, str]) -> None:
    """An empty change and an unknown sport never reach Strava."""
    session = ScriptedSession([])
    with pytest.raises(InvalidInputError):
        await StravaDestination(WaitingClock()).update(session, RecordId("7"), fields)


async def test_delete_is_refused_unasked() -> None:
    """Strava has no delete, and is not asked."""
    with pytest.raises(ProviderRefusedError):
        await StravaDestination(WaitingClock()).delete(ScriptedSession([]), RecordId("7"))


def test_plain_run_is_no_trainer() -> None:
    """The trainer flag is sent for indoor sports only."""
    assert "trainer" not in upload_form(CanonicalWorkout(sport=SPORT_RUN), "x")


async def test_what_fit_cannot_say_is_refused_without_a_call() -> None:
    """A workout that no FIT file can hold is refused for good before anything is sent."""
    session, ride = ScriptedSession([]), workout()
    ride.start_time.FromMilliseconds(0)
    with pytest.raises(ProviderRefusedError, match="1998") as caught:
        await StravaDestination(WaitingClock()).write(session, ride, external_id="ext-1")
    assert caught.value.fields == {"provider": "strava", "reason": "invalid_record"}
    assert session.asked == []
