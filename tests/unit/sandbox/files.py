"""Small activity files for uploads, made here so that each test says what is in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

FIT_RIDE = Path(__file__).parents[3] / "recordings" / "garmin-fenix-5-bike.fit"
START = datetime(2026, 3, 9, 6, 30, tzinfo=UTC)


def tcx(start: datetime = START, *, seconds: int = 600, sport: str = "Running", metres: float = 2000.0) -> bytes:
    """Returns a TCX file with a point a minute."""
    points = "".join(
        f"<Trackpoint><Time>{_text(start + timedelta(seconds=offset))}</Time>"
        f"<Position><LatitudeDegrees>{52.5 + offset / 1e5}</LatitudeDegrees>"
        "<LongitudeDegrees>13.4</LongitudeDegrees></Position><AltitudeMeters>34.5</AltitudeMeters>"
        f"<DistanceMeters>{metres * offset / seconds}</DistanceMeters>"
        "<HeartRateBpm><Value>140</Value></HeartRateBpm></Trackpoint>"
        for offset in range(0, seconds + 1, 60)
    )
    return (
        '<?xml version="1.0"?><TrainingCenterDatabase '
        'xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2"><Activities>'
        f'<Activity Sport="{sport}"><Id>{_text(start)}</Id><Lap StartTime="{_text(start)}">'
        f"<TotalTimeSeconds>{seconds}</TotalTimeSeconds><DistanceMeters>{metres}</DistanceMeters>"
        f"<Calories>120</Calories><Track>{points}</Track></Lap></Activity></Activities></TrainingCenterDatabase>"
    ).encode()


def gpx(start: datetime = START, *, seconds: int = 600) -> bytes:
    """Returns a GPX file with a point a minute."""
    points = "".join(
        f'<trkpt lat="{52.5 + offset / 1e5}" lon="13.4"><ele>30</ele>'
        f"<time>{_text(start + timedelta(seconds=offset))}</time></trkpt>"
        for offset in range(0, seconds + 1, 60)
    )
    return (
        '<gpx version="1.1" creator="Example" xmlns="http://www.topografix.com/GPX/1/1"><trk><type>running</type>'
        f"<trkseg>{points}</trkseg></trk></gpx>"
    ).encode()


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
