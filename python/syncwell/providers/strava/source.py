"""Reading from Strava."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.domain.errors import ProviderInvalidAnswerError, UnsupportedPairError
from syncwell.domain.records import DataType, RecordId, RecordMetadata
from syncwell.ports.roles import ProviderResponse, ProviderSession, SourcePage, Window
from syncwell.providers.response import decode
from syncwell.providers.strava.errors import refuse
from syncwell.providers.strava.listing import fetch_page, is_in_future
from syncwell.providers.strava.mapping import workout_of
from syncwell.providers.strava.payloads import Activity, Streams
from syncwell.providers.strava.settings import PROVIDER
from syncwell.providers.strava.tracks import segments_of

STREAM_KEYS = "time,distance,latlng,altitude,velocity_smooth,heartrate,cadence,watts,temp"
# A day of one sample a second in every stream stays below this.
STREAMS_BYTES_MAX = 32_000_000


class StravaSource:
    """Implements `Source` for workouts."""

    async def has_new_data(self, session: ProviderSession, data_type: DataType, *, since_ms: int) -> bool:
        """Asks for one activity that starts after `since_ms`; misses late uploads of older ones."""
        refuse_other(data_type)
        response = await session.request(
            "GET", "athlete/activities", params={"after": str(max(0, since_ms // 1000 - 1)), "per_page": "1"}
        )
        if is_in_future(response):
            return False
        if response.status != 200:
            refuse(response, "list activities")
        return bool(decode(response, list[Activity], provider=PROVIDER))

    async def fetch_metadata(
        self, session: ProviderSession, data_type: DataType, window: Window, *, cursor: str | None = None
    ) -> SourcePage:
        """Returns one page of at most 200; see `fetch_page`."""
        refuse_other(data_type)
        return await fetch_page(session, window, cursor)

    async def fetch_payloads(
        self, session: ProviderSession, records: Sequence[RecordMetadata]
    ) -> AsyncIterator[tuple[RecordId, CanonicalWorkout | None]]:
        """Yields each workout from its details and, unless typed in by hand, its streams."""
        for record in records:
            try:
                yield record.record_id, await self._fetch_workout(session, record.record_id)
            except ProviderInvalidAnswerError as exc:
                raise ProviderInvalidAnswerError(exc.message, **{**exc.fields, "record_id": record.record_id}) from exc

    async def _fetch_workout(self, session: ProviderSession, record_id: RecordId) -> CanonicalWorkout | None:
        response = await session.request("GET", f"activities/{record_id}", params={"include_all_efforts": "false"})
        if response.status == 404:
            return None
        if response.status != 200:
            refuse(response, "show an activity")
        activity = decode(response, Activity, provider=PROVIDER)
        workout = workout_of(activity)
        if not activity.manual:
            workout.segments.extend(segments_of(streams_in(await self._fetch_streams(session, record_id))))
        return workout

    async def _fetch_streams(self, session: ProviderSession, record_id: RecordId) -> ProviderResponse:
        return await session.request(
            "GET",
            f"activities/{record_id}/streams",
            params={"keys": STREAM_KEYS, "key_by_type": "true"},
            body_bytes_max=STREAMS_BYTES_MAX,
        )


def streams_in(response: ProviderResponse) -> Streams:
    """Returns the streams of an answer; none where the activity has none (404)."""
    if response.status == 404:
        return Streams()
    if response.status != 200:
        refuse(response, "show streams")
    return decode(response, Streams, provider=PROVIDER)


def refuse_other(data_type: DataType) -> None:
    """Raises for what Strava has no series of."""
    if data_type is not DataType.WORKOUT:
        raise UnsupportedPairError("Strava has workouts only", provider=PROVIDER, data_type=data_type)
