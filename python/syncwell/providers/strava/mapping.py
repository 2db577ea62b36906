"""Strava's activities as canonical records."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout, Lap, Provenance
from syncwell.api.record.v1.record_pb2 import Sport as ProtoSport
from syncwell.domain.records import DataType, RecordId, RecordMetadata
from syncwell.providers.strava.payloads import Activity
from syncwell.providers.strava.settings import PROVIDER
from syncwell.providers.strava.sports import sport_of

# `(GMT-05:00) America/New_York`: the label is the zone's standard offset all year, the name is the truth.
TIME_ZONE = re.compile(r"\(GMT[+-][0-9]{2}:[0-9]{2}\) ([A-Za-z][A-Za-z0-9_+\-/]{0,63})")
# An athlete who hides starts makes Strava show one second past local midnight.
HIDDEN_START = "T00:00:01Z"


def metadata_of(activity: Activity) -> RecordMetadata:
    """Returns what a listing tells of an activity; listings carry no notes."""
    return RecordMetadata(
        record_id=RecordId(str(activity.id)),
        data_type=DataType.WORKOUT,
        sport=sport_of(activity.native_type, is_trainer=bool(activity.trainer)),
        start_ms=epoch_ms(activity.start_date),
        elapsed_ms=activity.elapsed_time * 1000,
        version=version_of(activity),
        moving_ms=None if activity.moving_time is None else activity.moving_time * 1000,
        distance_m=activity.distance,
        utc_offset_s=None if activity.utc_offset is None else round(activity.utc_offset),
        external_id=activity.external_id or "",
        device_name=activity.device_name or "",
        native_type=activity.native_type,
        is_start_hidden=(activity.start_date_local or "").endswith(HIDDEN_START),
        is_manual=bool(activity.manual),
        title=activity.name or "",
        notes=activity.description or "",
    )


def version_of(activity: Activity) -> str:
    """Returns a hash of the fields that listings and details share: equal until the person changes one of them."""
    parts = (
        activity.name,
        activity.native_type,
        activity.start_date.isoformat(),
        activity.elapsed_time,
        activity.moving_time,
        activity.distance,
        bool(activity.trainer),
        bool(activity.manual),
        activity.utc_offset,
    )
    return hashlib.blake2b(repr(parts).encode(), digest_size=12).hexdigest()


def workout_of(activity: Activity) -> CanonicalWorkout:
    """Returns the workout of a detailed activity, without its points."""
    workout = CanonicalWorkout(
        provenance=Provenance(
            provider=PROVIDER,
            record_id=str(activity.id),
            device_name=activity.device_name or "",
            native_type=activity.native_type,
        ),
        sport=ProtoSport.ValueType(sport_of(activity.native_type, is_trainer=bool(activity.trainer))),
        utc_offset_s=None if activity.utc_offset is None else round(activity.utc_offset),
        time_zone=zone_of(activity.timezone or ""),
        elapsed_ms=activity.elapsed_time * 1000,
        moving_ms=None if activity.moving_time is None else activity.moving_time * 1000,
        distance_m=activity.distance,
        energy_kcal=activity.calories,
        elevation_gain_m=activity.total_elevation_gain,
        average_heart_rate_bpm=beats(activity.average_heartrate),
        max_heart_rate_bpm=beats(activity.max_heartrate),
        title=activity.name or "",
        notes=activity.description or "",
        is_manual=bool(activity.manual),
        is_indoor=bool(activity.trainer),
    )
    workout.start_time.FromMilliseconds(epoch_ms(activity.start_date))
    for each in activity.laps or ():
        lap = Lap(elapsed_ms=each.elapsed_time * 1000, distance_m=each.distance)
        lap.start_time.FromMilliseconds(epoch_ms(each.start_date))
        workout.laps.append(lap)
    return workout


def zone_of(label: str) -> str:
    """Returns the IANA name in Strava's label; empty when there is none."""
    found = TIME_ZONE.fullmatch(label)
    return found[1] if found else ""


def beats(value: float | None) -> int | None:
    """Returns a heart rate as a whole number; None when absent or absurd."""
    return round(value) if value is not None and 0 < value < 1000 else None


def epoch_ms(moment: datetime) -> int:
    """Returns epoch milliseconds of an aware moment."""
    return round(moment.timestamp() * 1000)
