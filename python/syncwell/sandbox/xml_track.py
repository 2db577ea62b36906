"""Reads TCX and GPX files: times, positions, heart rate and the totals that they carry."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from xml.etree.ElementTree import Element, ParseError  # the types only: defusedxml parses

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from syncwell.domain.errors import InvalidFileError
from syncwell.sandbox.track import Track, TrackPoint, travelled

TCX_SPORTS = {"Running": "running", "Biking": "cycling"}
GPX_SPORTS = {"running": "running", "9": "running", "cycling": "cycling", "1": "cycling", "biking": "cycling"}


def read_tcx_track(content: bytes) -> Track:
    """Reads the first activity of a TCX file.

    Raises:
        InvalidFileError: no well-formed TCX, or no times in it.
    """
    activity = _parse(content, "TCX").find("{*}Activities/{*}Activity")
    if activity is None:
        raise InvalidFileError("The file holds no activity.")
    laps = activity.findall("{*}Lap")
    timed = _timed(activity.findall("{*}Lap/{*}Track/{*}Trackpoint"), "{*}Time")
    starts = [moment for lap in laps if (moment := _moment(lap.get("StartTime"))) is not None]
    timer_s = round(sum(_number(lap, "{*}TotalTimeSeconds") or 0.0 for lap in laps))
    start = min([*starts, *(moment for moment, _ in timed)], default=None)
    if start is None:
        raise InvalidFileError("Time information is missing from file.")
    points = tuple(_tcx_point(node, moment, start) for moment, node in timed)
    elapsed_s = max(timer_s, points[-1].offset_s if points else 0)
    return Track(
        sport=TCX_SPORTS.get(activity.get("Sport", ""), "generic"),
        start=start,
        elapsed_s=elapsed_s,
        moving_s=min(timer_s or elapsed_s, elapsed_s),
        distance_m=round(sum(_number(lap, "{*}DistanceMeters") or 0.0 for lap in laps) or travelled(points), 1),
        points=points,
        calories=sum(_number(lap, "{*}Calories") or 0.0 for lap in laps),
        device_name=activity.findtext("{*}Creator/{*}Name", ""),
    )


def read_gpx_track(content: bytes) -> Track:
    """Reads the tracks of a GPX file as one.

    Raises:
        InvalidFileError: no well-formed GPX, or no times in it.
    """
    root = _parse(content, "GPX")
    timed = _timed(root.findall("{*}trk/{*}trkseg/{*}trkpt"), "{*}time")
    if not timed:
        raise InvalidFileError("Time information is missing from file.")
    start = timed[0][0]
    points = tuple(_gpx_point(node, moment, start) for moment, node in timed)
    elapsed_s = points[-1].offset_s
    return Track(
        sport=GPX_SPORTS.get(root.findtext("{*}trk/{*}type", "").strip().lower(), "generic"),
        start=start,
        elapsed_s=elapsed_s,
        moving_s=elapsed_s,
        distance_m=round(travelled(points), 1),
        points=points,
        device_name=root.get("creator", ""),
    )


def _parse(content: bytes, kind: str) -> Element:
    try:
        root: Element = fromstring(content.lstrip(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as exc:
        raise InvalidFileError(f"Error reading {kind} file.") from exc
    return root


def _timed(nodes: list[Element], path: str) -> list[tuple[datetime, Element]]:
    found = [(moment, node) for node in nodes if (moment := _moment(node.findtext(path))) is not None]
    return sorted(found, key=lambda pair: pair[0])


def _tcx_point(node: Element, moment: datetime, start: datetime) -> TrackPoint:
    return TrackPoint(
        offset_s=int((moment - start).total_seconds()),
        latitude=_number(node, "{*}Position/{*}LatitudeDegrees"),
        longitude=_number(node, "{*}Position/{*}LongitudeDegrees"),
        altitude_m=_number(node, "{*}AltitudeMeters"),
        distance_m=_number(node, "{*}DistanceMeters"),
        speed_mps=_number(node, "{*}Extensions/{*}TPX/{*}Speed"),
        heart_rate_bpm=_whole(node, "{*}HeartRateBpm/{*}Value"),
        cadence_rpm=_whole(node, "{*}Cadence"),
        power_w=_whole(node, "{*}Extensions/{*}TPX/{*}Watts"),
    )


def _gpx_point(node: Element, moment: datetime, start: datetime) -> TrackPoint:
    return TrackPoint(
        offset_s=int((moment - start).total_seconds()),
        latitude=_float(node.get("lat")),
        longitude=_float(node.get("lon")),
        altitude_m=_number(node, "{*}ele"),
        heart_rate_bpm=_whole(node, "{*}extensions/{*}TrackPointExtension/{*}hr"),
        cadence_rpm=_whole(node, "{*}extensions/{*}TrackPointExtension/{*}cad"),
        temperature_c=_whole(node, "{*}extensions/{*}TrackPointExtension/{*}atemp"),
    )


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _float(text: str | None) -> float | None:
    try:
        value = None if text is None else float(text)
    except ValueError:
        return None
    return value if value is not None and isfinite(value) else None


def _number(node: Element, path: str) -> float | None:
    return _float(node.findtext(path))


def _whole(node: Element, path: str) -> int | None:
    value = _number(node, path)
    return None if value is None else round(value)
