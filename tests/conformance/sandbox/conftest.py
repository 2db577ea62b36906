"""Running sandboxes, as the unit tests use them."""

from __future__ import annotations

from tests.unit.sandbox.conftest import garmin, strava

__all__ = ["garmin", "strava"]
