"""`python -m bench.load.stub_provider --port N`: lists two workouts as Garmin and as Strava would, and nothing else.

It answers from memory, so that what is measured beside it is not the provider. `GET /count` tells how often it was
asked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from typing import cast
from urllib.parse import parse_qs, urlsplit

import uvloop

DAY_S = 86_400
_SECOND_WORKOUT_S = 5_400


class Answers:
    """What every account holds: a run and a ride of the last hours, under Garmin's ids and under Strava's."""

    def __init__(self, now_s: int) -> None:
        self._upload_day = now_s // DAY_S
        starts = (now_s - 4 * 3_600, now_s - 4 * 3_600 + _SECOND_WORKOUT_S)
        self._garmin = json.dumps([_summary(place, start) for place, start in enumerate(starts)]).encode()
        self._strava = json.dumps([_activity(place, start) for place, start in enumerate(starts)]).encode()
        self.count = 0

    def body_for(self, target: str) -> bytes:
        """Returns the body for a request's target."""
        address = urlsplit(target)
        query = parse_qs(address.query)
        if address.path == "/count":
            return str(self.count).encode()
        self.count += 1
        if address.path.endswith("/athlete/activities"):
            return self._strava if query.get("page", ["1"]) == ["1"] else b"[]"
        day = int(query["uploadStartTimeInSeconds"][0]) // DAY_S
        return self._garmin if day == self._upload_day else b"[]"


class Server(asyncio.Protocol):
    """One connection; requests have no bodies and come one at a time."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class

    def data_received(self, data: bytes) -> None:
        """Answers every whole request."""
        assert self._transport is not None
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            body = self._answers.body_for(head.split(b" ", 2)[1].decode())
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            )


def _summary(place: int, start_s: int) -> dict[str, object]:
    return {
        "activityId": 7_000 + place,
        "activityName": f"Workout {place}",
        "activityType": "RUNNING" if place == 0 else "CYCLING",
        "startTimeInSeconds": start_s,
        "startTimeOffsetInSeconds": 3_600,
        "durationInSeconds": 3_000 + place,
        "distanceInMeters": 9_000.0 + place * 15_000,
        "deviceName": "forerunner955",
        "manual": False,
    }


def _activity(place: int, start_s: int) -> dict[str, object]:
    start = datetime.fromtimestamp(start_s + 3, UTC)
    return {
        "id": 90_000 + place,
        "name": f"Workout {place}",
        "sport_type": "Run" if place == 0 else "Ride",
        "start_date": start.isoformat(),
        "utc_offset": 3_600.0,
        "elapsed_time": 3_002 + place,
        "moving_time": 2_990 + place,
        "distance": 9_010.0 + place * 15_000,
        "manual": False,
    }


async def serve(port: int) -> None:
    """Serves until it is ended."""
    answers = Answers(int(time.time()))
    server = await asyncio.get_running_loop().create_server(lambda: Server(answers), "127.0.0.1", port)
    await server.serve_forever()


def main() -> int:
    """Runs the stub."""
    parser = argparse.ArgumentParser(prog="python -m bench.load.stub_provider")
    parser.add_argument("--port", type=int, required=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(parser.parse_args().port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
