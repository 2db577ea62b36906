"""Writing to Strava: FIT uploads, processed there asynchronously."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.domain.errors import (
    InvalidInputError,
    ProviderInvalidAnswerError,
    ProviderRefusedError,
    ProviderThrottledError,
    ProviderUnavailableError,
)
from syncwell.domain.records import EditableField, RecordId, Sport
from syncwell.ports.clock import Clock
from syncwell.ports.roles import ProviderResponse, ProviderSession, Window, Written
from syncwell.providers.files.fit_writer import write_fit
from syncwell.providers.response import decode
from syncwell.providers.strava.errors import duplicate_of, refuse
from syncwell.providers.strava.listing import fetch_page
from syncwell.providers.strava.mapping import version_of
from syncwell.providers.strava.payloads import Activity, Upload
from syncwell.providers.strava.settings import PROVIDER
from syncwell.providers.strava.sports import ON_TRAINER, native_of

# Processing takes two seconds on the mean; Strava asks for no more than one poll a second, and each is a read.
POLL_DELAYS = tuple(timedelta(seconds=each) for each in (1, 1, 2, 2, 4, 4, 8, 8))
# Strava appends the extension of the file that it was given.
EXTENSION = ".fit"
# A hidden start is listed at local midnight: up to a day before the real one.
HIDDEN_START_MS = 86_400_000


class StravaDestination:
    """Implements `Destination` for workouts. Waits between polls, on the clock it is given."""

    def __init__(self, clock: Clock) -> None:
        """Waits on `clock`."""
        self._clock = clock

    async def write(self, session: ProviderSession, workout: CanonicalWorkout, *, external_id: str) -> Written:
        """Uploads the workout and waits for its end state.

        `version` is empty in the answer: Strava computes the listed fields itself and a read would cost a call.
        """
        try:
            content = await asyncio.to_thread(write_fit, workout)
        except InvalidInputError as exc:
            raise ProviderRefusedError(exc.message, provider=PROVIDER, reason="invalid_record") from exc
        response = await session.request(
            "POST",
            "uploads",
            form=upload_form(workout, external_id),
            upload=(external_id + EXTENSION, content),
            is_write=True,
        )
        if response.status >= 400:
            return refused_upload(response)
        try:
            upload = decode(response, Upload, provider=PROVIDER)
        except ProviderInvalidAnswerError as exc:
            raise outcome_unknown("Strava's answer to the upload cannot be read") from exc
        return await self._await_end(session, upload)

    async def find(self, session: ProviderSession, *, external_id: str, window: Window) -> Written | None:
        """Searches the listing of `window` and of the day before it, where hidden starts are shown."""
        names = (external_id, external_id + EXTENSION)
        wide = Window(start_ms=max(0, window.start_ms - HIDDEN_START_MS), end_ms=window.end_ms)
        cursor: str | None = None
        while True:
            page = await fetch_page(session, wide, cursor)
            for record in page.records:
                if record.external_id in names:
                    return Written(record_id=record.record_id, version=record.version)
            if page.cursor is None:
                return None
            cursor = page.cursor

    async def update(
        self, session: ProviderSession, record_id: RecordId, fields: Mapping[EditableField, str]
    ) -> Written:
        """Changes title, notes or sport."""
        response = await session.request("PUT", f"activities/{record_id}", form=update_form(fields), is_write=True)
        if response.status != 200:
            refuse(response, "change an activity")
        try:
            activity = decode(response, Activity, provider=PROVIDER)
        except ProviderInvalidAnswerError as exc:
            raise outcome_unknown("Strava's answer to the change cannot be read") from exc
        return Written(record_id=record_id, version=version_of(activity))

    async def delete(self, session: ProviderSession, record_id: RecordId) -> None:  # noqa: ARG002 - never asked
        """Refuses: Strava has no delete."""
        raise ProviderRefusedError("Strava lets no application delete activities", provider=PROVIDER)

    async def _await_end(self, session: ProviderSession, upload: Upload) -> Written:
        for delay in POLL_DELAYS:
            ended = end_of(upload)
            if ended is not None:
                return ended
            await self._clock.sleep(delay)
            upload = await poll(session, upload.id)
        ended = end_of(upload)
        if ended is None:
            raise outcome_unknown("Strava is still processing the upload")
        return ended


async def poll(session: ProviderSession, upload_id: int) -> Upload:
    """Returns the state of an upload.

    Whatever goes wrong here, the upload itself was accepted: a spent budget must not read as "nothing was done".
    """
    try:
        response = await session.request("GET", f"uploads/{upload_id}")
        if response.status == 200:
            return decode(response, Upload, provider=PROVIDER)
    except (ProviderThrottledError, ProviderInvalidAnswerError) as exc:
        raise outcome_unknown("the state of the upload cannot be read") from exc
    raise outcome_unknown(f"the state of the upload cannot be read (HTTP {response.status})")


def end_of(upload: Upload) -> Written | None:
    """Returns what became of an upload; None while it is processed.

    Raises:
        ProviderRefusedError: Strava cannot make an activity of it.
    """
    if upload.activity_id is not None:
        return Written(record_id=RecordId(str(upload.activity_id)), version="")
    if upload.error:
        return duplicate_or_refusal(upload.error)
    if "deleted" in (upload.status or ""):
        raise ProviderRefusedError("the athlete deleted what was uploaded", provider=PROVIDER, reason="deleted")
    return None


def refused_upload(response: ProviderResponse) -> Written:
    """Reads a refusal at POST time, where older answers carry the duplicate text already."""
    original = duplicate_of(response.body.decode("utf-8", "replace"))
    if original is None:
        refuse(response, "take the upload")
    return Written(record_id=RecordId(original), version="", was_duplicate=True)


def duplicate_or_refusal(error: str) -> Written:
    """Returns the original that a duplicate names, or raises the refusal."""
    original = duplicate_of(error)
    if original is None:
        raise ProviderRefusedError("Strava cannot process this workout", provider=PROVIDER, reason="processing")
    return Written(record_id=RecordId(original), version="", was_duplicate=True)


def upload_form(workout: CanonicalWorkout, external_id: str) -> dict[str, str]:
    """Returns the fields beside the file; an empty title is left to Strava to invent."""
    sport = Sport(workout.sport) if workout.sport else Sport.OTHER
    form = {
        "data_type": "fit",
        "external_id": external_id,
        "sport_type": native_of(sport, native_type=workout.provenance.native_type),
    }
    if workout.title:
        form["name"] = workout.title
    if workout.notes:
        form["description"] = workout.notes
    if workout.is_indoor or sport in ON_TRAINER:
        form["trainer"] = "1"
    return form


def update_form(fields: Mapping[EditableField, str]) -> dict[str, str]:
    """Returns the form of a change.

    Raises:
        InvalidInputError: nothing to change, or no such sport.
    """
    form: dict[str, str] = {}
    if EditableField.TITLE in fields:
        form["name"] = fields[EditableField.TITLE]
    if EditableField.NOTES in fields:
        form["description"] = fields[EditableField.NOTES]
    if EditableField.SPORT in fields:
        name = fields[EditableField.SPORT].upper()
        if name not in Sport.__members__:
            raise InvalidInputError("there is no such sport", field="sport")
        form["sport_type"] = native_of(Sport[name])
        form["trainer"] = "1" if Sport[name] in ON_TRAINER else "0"
    if not form:
        raise InvalidInputError("a change names at least one field", field="fields")
    return form


def outcome_unknown(message: str) -> ProviderUnavailableError:
    """Returns the error after which the caller asks `find` before writing again."""
    return ProviderUnavailableError(message, provider=PROVIDER)
