"""`POST /uploads` and its polls."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from starlette.responses import Response

from syncwell.domain.errors import InvalidFileError, LimitExceededError
from syncwell.sandbox.answers import json_answer
from syncwell.sandbox.books import CallKind
from syncwell.sandbox.door import Call, Endpoint
from syncwell.sandbox.forms import Form
from syncwell.sandbox.strava.activities import Activity, Origin
from syncwell.sandbox.strava.errors import fault_answer, not_found
from syncwell.sandbox.strava.sports import INDOOR_SUB_SPORTS, SPORT_TYPES, sport_type_of
from syncwell.sandbox.strava.uploads import UPLOADS_MAX, Status, Upload, duplicate_text, named_with_extension
from syncwell.sandbox.track import Track
from syncwell.sandbox.track_files import DATA_TYPES, read_track

if TYPE_CHECKING:
    from syncwell.sandbox.strava.sandbox import StravaSandbox

FIRST_UPLOAD_ID = 9_100_000_001
PROCESSING_SECONDS = 1.0  # the last poll waits this long rather than say "being processed" once more
FILE_BYTES_MAX = 25 * 1024 * 1024  # Strava's published bound
NAMES_BY_HOUR = ((5, "Night"), (11, "Morning"), (14, "Lunch"), (18, "Afternoon"), (22, "Evening"), (24, "Night"))


@dataclass(frozen=True, slots=True)
class SentFile:
    """What a client sent to be processed."""

    name: str
    content: bytes = field(repr=False)
    data_type: str
    fields: dict[str, str] = field(repr=False)

    @property
    def external_id(self) -> str:
        """Returns the external id that the activity will carry."""
        given = self.fields.get("external_id")
        return named_with_extension(given, self.data_type) if given else self.name

    @property
    def digest(self) -> str:
        """Returns the hash by which the very same file is known again."""
        return sha256(self.content).hexdigest()


class StravaUploads:
    """Takes files and makes activities of them."""

    def __init__(self, sandbox: StravaSandbox) -> None:
        self._sandbox = sandbox
        self._uploads: dict[int, Upload] = {}
        self._unprocessed: asyncio.Queue[tuple[Upload, SentFile]] = asyncio.Queue(UPLOADS_MAX)

    def endpoints(self) -> list[Endpoint]:
        """Returns the paths."""
        writes, reads = ("activity:write",), ("activity:write", "activity:read", "activity:read_all")
        return [
            Endpoint("POST", "/api/v3/uploads", CallKind.UPLOAD, self._post, scopes=writes),
            Endpoint("GET", "/api/v3/uploads/{upload_id:int}", CallKind.READ, self._poll, scopes=reads),
        ]

    async def _post(self, call: Call) -> Response:
        form = call.form()
        refusal = _refused(form)
        if refusal is not None:
            return refusal
        file = form.files["file"]
        sent = SentFile(file.name, file.content, form.fields["data_type"], form.fields)
        if len(self._uploads) >= UPLOADS_MAX:
            raise LimitExceededError(f"more than {UPLOADS_MAX} uploads")
        upload = self._open(call, sent)
        call.ids["upload"] = str(upload.upload_id)
        if not self._sandbox.settings.duplicate_at_post:
            self._unprocessed.put_nowait((upload, sent))
            return json_answer(upload.shown(Status.PROCESSING), 201)
        await self._process(upload, sent)
        status = Status.PROCESSING if upload.error is None else Status.FAILED
        return json_answer(upload.shown(status, error=upload.error), 201)

    async def run(self) -> None:
        """Processes what was sent, one file after the other, until it is cancelled."""
        while True:
            await self._process(*await self._unprocessed.get())
            self._unprocessed.task_done()

    async def until_processed(self) -> None:
        """Waits until everything that was sent is processed."""
        await self._unprocessed.join()

    async def _process(self, upload: Upload, sent: SentFile) -> None:
        try:
            track = await asyncio.to_thread(read_track, sent.content, sent.data_type)
        except InvalidFileError as exc:
            self._fail(upload, exc.message)
        else:
            self._settle(upload, sent, track)
        upload.processed.set()

    async def _poll(self, call: Call) -> Response:
        upload = self._uploads.get(call.request.path_params["upload_id"])
        if upload is None or upload.user_id != call.user_id:
            return not_found("Upload")
        call.ids["upload"] = str(upload.upload_id)
        if upload.polls_left == 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(upload.processed.wait(), PROCESSING_SECONDS)
        return json_answer(upload.poll())

    def _open(self, call: Call, sent: SentFile) -> Upload:
        upload = Upload(
            upload_id=self._sandbox.ids.number("upload", first=FIRST_UPLOAD_ID),
            user_id=call.user_id,
            external_id=sent.external_id,
            polls_left=self._sandbox.settings.processing_polls,
        )
        self._uploads[upload.upload_id] = upload
        return upload

    def _fail(self, upload: Upload, error: str) -> None:
        upload.error = error
        self._sandbox.books.count("uploads_refused", user=upload.user_id, upload=upload.upload_id)

    def _settle(self, upload: Upload, sent: SentFile, track: Track) -> None:
        """Makes the activity or refuses a duplicate, without an await between the check and the deed."""
        switches = self._sandbox.settings
        wanted = sent.fields.get("sport_type", "")
        sport_type = wanted if wanted in SPORT_TYPES else sport_type_of(track.sport, track.sub_sport)
        twin = self._sandbox.activities.find_duplicate(
            upload.user_id, track.start, track.elapsed_s, sport_type, sent.digest
        )
        if twin is not None and switches.refuse_duplicates:
            self._fail(upload, duplicate_text(sent.name, twin, switches.duplicate_text))
            return
        upload.activity = self._make(upload, sent, track, sport_type)
        self._sandbox.add_activity(upload.activity)
        self._sandbox.books.count("uploads_accepted", user=upload.user_id, upload=upload.upload_id)

    def _make(self, upload: Upload, sent: SentFile, track: Track, sport_type: str) -> Activity:
        person = self._sandbox.people.get(upload.user_id)
        now_ms = self._sandbox.clock.now_ms()
        activity = Activity(
            activity_id=self._sandbox.next_activity_id(),
            user_id=upload.user_id,
            origin=Origin.UPLOAD,
            name=sent.fields.get("name", ""),
            sport_type=sport_type,
            start=track.start,
            elapsed_s=track.elapsed_s,
            moving_s=track.moving_s,
            distance_m=track.distance_m,
            timezone=person.timezone,
            created_ms=now_ms,
            visible_ms=now_ms + self._sandbox.settings.visibility_lag_seconds * 1000,
            description=sent.fields.get("description"),
            ascent_m=track.ascent_m,
            calories=track.calories,
            external_id=sent.external_id,
            upload_id=upload.upload_id,
            trainer=is_ticked(sent.fields.get("trainer")) or track.sub_sport in INDOOR_SUB_SPORTS,
            commute=is_ticked(sent.fields.get("commute")),
            device_name=track.device_name or None,
            track=track,
            file_digest=sent.digest,
        )
        activity.name = activity.name or default_name(activity)
        return activity


def default_name(activity: Activity) -> str:
    """Returns the title that Strava invents from the local hour and the sport, such as "Morning Run"."""
    hour = activity.start.astimezone(activity.zone).hour
    part = next(name for end, name in NAMES_BY_HOUR if hour < end)
    return f"{part} {activity.sport_type}"


def is_ticked(text: str | None) -> bool:
    """Reads a flag of a form."""
    return (text or "").lower() in ("1", "true", "on")


def _refused(form: Form) -> Response | None:
    file = form.files.get("file")
    if file is None:
        return fault_answer(400, "Upload", "file", "missing")
    if form.fields.get("data_type") not in DATA_TYPES:
        return fault_answer(400, "Upload", "data_type", "invalid")
    if len(file.content) > FILE_BYTES_MAX:
        return fault_answer(413, "Upload", "file", "too large")
    return None
