"""Strava's streams as points."""

from __future__ import annotations

import msgspec
import pytest

from syncwell.providers.strava.payloads import NumberStream, PlaceStream, Streams
from syncwell.providers.strava.tracks import segments_of
from tests.unit.providers.recorded import recorded_body


def test_streams_become_points_in_our_units() -> None:
    """Each stream lands in its field and unit; a missing sample stays missing."""
    streams = Streams(
        time=NumberStream([0, 1.5, 3]),
        latlng=PlaceStream([(48.1234567, -11.5), None, (91.0, 0.0)]),
        altitude=NumberStream([-3.25, None, 8849]),
        distance=NumberStream([0, 4.2, 8.4]),
        velocity_smooth=NumberStream([0, 2.801, None]),
        heartrate=NumberStream([120, 0, 99_999]),
        cadence=NumberStream([80, 81, 82]),
        watts=NumberStream([None, 250, 251]),
        temp=NumberStream([-5, 0, 40]),
    )
    first, second, third = segments_of(streams)[0].points
    assert (first.latitude_e7, first.longitude_e7, first.altitude_cm) == (481_234_567, -115_000_000, -325)
    assert (second.offset_ms, second.distance_cm, second.speed_mm_s, second.power_w) == (1500, 420, 2801, 250)
    assert not second.HasField("latitude_e7")
    assert not second.HasField("altitude_cm")
    assert not second.HasField("heart_rate_bpm")
    assert not third.HasField("latitude_e7")
    assert not third.HasField("heart_rate_bpm")
    assert (third.temperature_c, third.cadence_rpm) == (40, 82)


def test_pauses_and_bounds_begin_segments() -> None:
    """A gap of half a minute is a pause; a thousand points fill a segment without being one."""
    times = [*range(1500), 1528, 1558, 1559]
    segments = segments_of(Streams(time=NumberStream([float(each) for each in times])))
    assert [len(each.points) for each in segments] == [1000, 501, 2]
    assert [each.follows_pause for each in segments] == [False, False, True]


@pytest.mark.parametrize(
    "streams", [Streams(), msgspec.json.decode(recorded_body("strava_streams_without_time.json"), type=Streams)]
)
def test_streams_without_time_have_no_points(streams: Streams) -> None:
    """Without times there is no track, whatever else was measured."""
    assert segments_of(streams) == []


def test_stream_of_another_length_is_left_out() -> None:
    """A stream that does not fit the times is not guessed into place."""
    streams = Streams(time=NumberStream([0, 1]), heartrate=NumberStream([100]), latlng=PlaceStream([(1.0, 2.0)]))
    points = segments_of(streams)[0].points
    assert not any(each.HasField("heart_rate_bpm") or each.HasField("latitude_e7") for each in points)


def test_disordered_times_are_put_in_order() -> None:
    """Points come in time order even where the samples did not."""
    segments = segments_of(Streams(time=NumberStream([2, None, 1])))
    assert [each.offset_ms for each in segments[0].points] == [1000, 2000]
