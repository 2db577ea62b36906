"""How Garmin shows activities: the summary, the detail with samples, the file notice."""

from __future__ import annotations

from statistics import fmean

from syncwell.sandbox.garmin.records import GarminActivity
from syncwell.sandbox.garmin.sports import activity_type_of
from syncwell.sandbox.track import Track, TrackPoint


def show_summary(activity: GarminActivity) -> dict[str, object]:
    """Returns the entry of `activities`."""
    shown: dict[str, object] = {
        "userId": activity.user_id,
        "summaryId": str(activity.activity_id),
        "activityId": activity.activity_id,
        "activityName": "Activity",
        "activityType": "OTHER",
        "startTimeInSeconds": int(activity.start.timestamp()),
        "startTimeOffsetInSeconds": 0,
        "durationInSeconds": 0,
        "deviceName": "unknown",
        "manual": False,
        "isWebUpload": False,
    }
    if activity.track is not None:
        shown |= _read_from(activity.track)
    return shown | activity.fields


def show_detail(activity: GarminActivity) -> dict[str, object]:
    """Returns the entry of `activityDetails`."""
    summary = show_summary(activity)
    outer = ("userId", "summaryId", "activityId")
    track = activity.track
    return {
        "userId": summary["userId"],
        "summaryId": f"{summary['summaryId']}-detail",
        "activityId": summary["activityId"],
        "summary": {key: value for key, value in summary.items() if key not in outer},
        "samples": [] if track is None else [_sample(activity, point) for point in track.points],
        "laps": [{"startTimeInSeconds": summary["startTimeInSeconds"]}],
    }


def show_file(activity: GarminActivity, callback_url: str) -> dict[str, object]:
    """Returns the entry of `activityFiles`."""
    summary = show_summary(activity)
    kept = ("userId", "activityId", "activityName", "activityType", "startTimeInSeconds", "manual")
    return {
        "summaryId": f"{summary['summaryId']}-file",
        "fileType": activity.file_type,
        "callbackURL": callback_url,
        **{key: summary[key] for key in kept},
    }


def _read_from(track: Track) -> dict[str, object]:
    shown: dict[str, object] = {
        "activityType": activity_type_of(track.sport, track.sub_sport),
        "startTimeOffsetInSeconds": track.utc_offset_s or 0,
        "durationInSeconds": track.moving_s,
        "distanceInMeters": track.distance_m,
    }
    if track.moving_s:
        shown["averageSpeedInMetersPerSecond"] = track.distance_m / track.moving_s
    if track.calories:
        shown["activeKilocalories"] = round(track.calories)
    if track.ascent_m:
        shown["totalElevationGainInMeters"] = track.ascent_m
    rates = [point.heart_rate_bpm for point in track.points if point.heart_rate_bpm]
    if rates:
        shown["averageHeartRateInBeatsPerMinute"] = round(fmean(rates))
        shown["maxHeartRateInBeatsPerMinute"] = max(rates)
    if track.device_name:
        shown["deviceName"] = track.device_name
    positions = [point.position for point in track.points if point.position is not None]
    if positions:
        shown["startingLatitudeInDegree"], shown["startingLongitudeInDegree"] = positions[0]
    return shown


def _sample(activity: GarminActivity, point: TrackPoint) -> dict[str, object]:
    measured = {
        "latitudeInDegree": point.latitude,
        "longitudeInDegree": point.longitude,
        "elevationInMeters": point.altitude_m,
        "heartRate": point.heart_rate_bpm,
        "speedMetersPerSecond": point.speed_mps,
        "totalDistanceInMeters": point.distance_m,
        "powerInWatts": point.power_w,
    }
    return {
        "startTimeInSeconds": int(activity.start.timestamp()) + point.offset_s,
        **{key: value for key, value in measured.items() if value is not None},
        "clockDurationInSeconds": point.offset_s,
    }
