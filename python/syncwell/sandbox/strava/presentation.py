"""How Strava shows an activity: the summary, the detail, the streams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha1

from syncwell.sandbox.strava.activities import Activity, local_wall_time, zone_label
from syncwell.sandbox.strava.athletes import athlete_id_of
from syncwell.sandbox.strava.sports import old_type_of
from syncwell.sandbox.track import TrackPoint

MOVING_MPS_MIN = 0.3

STREAMS: dict[str, Callable[[TrackPoint], object]] = {
    "time": lambda point: point.offset_s,
    "distance": lambda point: point.distance_m,
    "latlng": lambda point: None if point.position is None else list(point.position),
    "altitude": lambda point: point.altitude_m,
    "velocity_smooth": lambda point: point.speed_mps,
    "heartrate": lambda point: point.heart_rate_bpm,
    "cadence": lambda point: point.cadence_rpm,
    "watts": lambda point: point.power_w,
    "temp": lambda point: point.temperature_c,
    "moving": lambda point: None if point.speed_mps is None else point.speed_mps > MOVING_MPS_MIN,
}


def show_summary(activity: Activity) -> dict[str, object]:
    """Returns the SummaryActivity (`resource_state` 2)."""
    return _shown(activity, 2) | {
        "map": {
            "id": f"a{activity.activity_id}",
            "summary_polyline": activity.measures.summary_polyline,
            "resource_state": 2,
        },
    }


def show_detail(activity: Activity) -> dict[str, object]:
    """Returns the DetailedActivity (`resource_state` 3)."""
    return _shown(activity, 3) | {
        "map": {
            "id": f"a{activity.activity_id}",
            "polyline": activity.measures.polyline,
            "resource_state": 3,
            "summary_polyline": activity.measures.summary_polyline,
        },
        "description": activity.description,
        "calories": activity.calories,
        "segment_efforts": [],
        "best_efforts": [],
        "splits_metric": [],
        "laps": [],
        "photos": {"primary": None, "count": 0},
        "hide_from_home": activity.hide_from_home,
        "embed_token": sha1(str(activity.activity_id).encode(), usedforsecurity=False).hexdigest(),
        "available_zones": [],
    }


def show_streams(activity: Activity, keys: Sequence[str]) -> dict[str, dict[str, object]]:
    """Returns the streams among `keys` (all, where empty) for which the file has values."""
    points = activity.track.points if activity.track is not None else ()
    columns = {key: [value(point) for point in points] for key, value in STREAMS.items() if not keys or key in keys}
    kept = {key: _filled(column) for key, column in columns.items() if any(value is not None for value in column)}
    series_type = "distance" if any(point.distance_m is not None for point in points) else "time"
    return {
        key: {"data": column, "series_type": series_type, "original_size": len(column), "resolution": "high"}
        for key, column in kept.items()
    }


def _filled(column: list[object]) -> list[object]:
    """Strava's streams have no gaps: a missing value repeats the one before it, at the start the first there is."""
    last = next(value for value in column if value is not None)
    filled = []
    for value in column:
        last = last if value is None else value
        filled.append(last)
    return filled


def _shown(activity: Activity, resource_state: int) -> dict[str, object]:
    local, offset_s = local_wall_time(activity.shown_start, activity.zone)
    measures = activity.measures
    shown: dict[str, object] = {
        "resource_state": resource_state,
        "athlete": {"id": athlete_id_of(activity.user_id), "resource_state": 1},
        "name": activity.name,
        "distance": float(activity.distance_m),
        "moving_time": activity.moving_s,
        "elapsed_time": activity.elapsed_s,
        "total_elevation_gain": float(activity.ascent_m),
        "type": old_type_of(activity.sport_type),
        "sport_type": activity.sport_type,
        "workout_type": None,
        "id": activity.activity_id,
        "start_date": _utc_text(activity.shown_start),
        "start_date_local": _utc_text(local),
        "timezone": zone_label(activity),
        "utc_offset": offset_s,
        "location_city": None,
        "location_state": None,
        "location_country": None,
        "achievement_count": 0,
        "kudos_count": 0,
        "comment_count": 0,
        "athlete_count": 1,
        "photo_count": 0,
        "trainer": activity.trainer,
        "commute": activity.commute,
        "manual": activity.manual,
        "private": activity.private,
        "visibility": "only_me" if activity.private else "everyone",
        "flagged": False,
        "gear_id": activity.gear_id,
        "start_latlng": list(measures.start),
        "end_latlng": list(measures.end),
        "average_speed": round(activity.distance_m / activity.moving_s, 3) if activity.moving_s else 0.0,
        "max_speed": measures.max_speed,
        "has_heartrate": measures.has_heart_rate,
        "heartrate_opt_out": False,
        "display_hide_heartrate_option": False,
        "upload_id": activity.upload_id,
        "external_id": activity.external_id,
        "from_accepted_tag": False,
        "pr_count": 0,
        "total_photo_count": 0,
        "has_kudoed": False,
    }
    return shown | measures.shown | _optional(activity)


def _optional(activity: Activity) -> dict[str, object]:
    found: dict[str, object] = {}
    if activity.upload_id is not None:
        found["upload_id_str"] = str(activity.upload_id)
    if activity.device_name:
        found["device_name"] = activity.device_name
    return found


def _utc_text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
