"""Garmin's activity types as our sports."""

from __future__ import annotations

from collections.abc import Mapping

from syncwell.domain.records import Sport

TO_CANONICAL: Mapping[str, Sport] = {
    "RUNNING": Sport.RUN,
    "STREET_RUNNING": Sport.RUN,
    "TRACK_RUNNING": Sport.RUN,
    "ULTRA_RUN": Sport.RUN,
    "TRAIL_RUNNING": Sport.TRAIL_RUN,
    "TREADMILL_RUNNING": Sport.TREADMILL_RUN,
    "INDOOR_RUNNING": Sport.TREADMILL_RUN,
    "VIRTUAL_RUN": Sport.TREADMILL_RUN,
    "WALKING": Sport.WALK,
    "CASUAL_WALKING": Sport.WALK,
    "SPEED_WALKING": Sport.WALK,
    "HIKING": Sport.HIKE,
    "RUCKING": Sport.HIKE,
    "CYCLING": Sport.RIDE,
    "ROAD_BIKING": Sport.RIDE,
    "TRACK_CYCLING": Sport.RIDE,
    "MOUNTAIN_BIKING": Sport.MTB_RIDE,
    "ENDURO_MTB": Sport.MTB_RIDE,
    "GRAVEL_CYCLING": Sport.GRAVEL_RIDE,
    "CYCLOCROSS": Sport.GRAVEL_RIDE,
    "E_BIKE_FITNESS": Sport.EBIKE_RIDE,
    "E_BIKE_MOUNTAIN": Sport.EBIKE_RIDE,
    "INDOOR_CYCLING": Sport.INDOOR_RIDE,
    "VIRTUAL_RIDE": Sport.INDOOR_RIDE,
    "HANDCYCLING": Sport.HAND_CYCLE,
    "LAP_SWIMMING": Sport.SWIM_POOL,
    "OPEN_WATER_SWIMMING": Sport.SWIM_OPEN,
    "SWIMMING": Sport.SWIM,
    "ROWING": Sport.ROW,
    "INDOOR_ROWING": Sport.ROW_INDOOR,
    "KAYAKING": Sport.PADDLE,
    "PADDLING": Sport.PADDLE,
    "STAND_UP_PADDLEBOARDING": Sport.PADDLE,
    "SURFING": Sport.SURF,
    "KITEBOARDING": Sport.SURF,
    "WINDSURFING": Sport.SURF,
    "SAILING": Sport.SAIL,
    "RESORT_SKIING": Sport.SKI_ALPINE,
    "BACKCOUNTRY_SKIING": Sport.SKI_BACKCOUNTRY,
    "CROSS_COUNTRY_SKIING": Sport.SKI_NORDIC,
    "SKATE_SKIING": Sport.SKI_NORDIC,
    "SNOWBOARDING": Sport.SNOWBOARD,
    "SNOW_SHOE": Sport.SNOWSHOE,
    "SKATING": Sport.SKATE,
    "INLINE_SKATING": Sport.SKATE,
    "STRENGTH_TRAINING": Sport.STRENGTH,
    "HIIT": Sport.HIIT,
    "ELLIPTICAL": Sport.ELLIPTICAL,
    "STAIR_CLIMBING": Sport.STAIRS,
    "FLOOR_CLIMBING": Sport.STAIRS,
    "YOGA": Sport.YOGA,
    "PILATES": Sport.PILATES,
    "ROCK_CLIMBING": Sport.CLIMB,
    "BOULDERING": Sport.CLIMB,
    "INDOOR_CLIMBING": Sport.CLIMB,
    "TENNIS": Sport.RACKET,
    "TABLE_TENNIS": Sport.RACKET,
    "BADMINTON": Sport.RACKET,
    "SQUASH": Sport.RACKET,
    "RACQUETBALL": Sport.RACKET,
    "PADDELBALL": Sport.RACKET,
    "PICKLEBALL": Sport.RACKET,
    "SOCCER": Sport.TEAM,
    "BASKETBALL": Sport.TEAM,
    "VOLLEYBALL": Sport.TEAM,
    "CRICKET": Sport.TEAM,
    "RUGBY": Sport.TEAM,
    "GOLF": Sport.GOLF,
    "DANCE": Sport.DANCE,
    "BOXING": Sport.MARTIAL,
    "MIXED_MARTIAL_ARTS": Sport.MARTIAL,
    "WHEELCHAIR_PUSH_WALK": Sport.WHEELCHAIR,
    "WHEELCHAIR_PUSH_RUN": Sport.WHEELCHAIR,
    "MULTI_SPORT": Sport.MULTISPORT,
}
# Garmin renames types by suffix (`ROWING_V2`, `SNOWBOARDING_WS`); what they mean stays.
SUFFIXES = ("_V2", "_WS")
INDOOR = frozenset({Sport.TREADMILL_RUN, Sport.INDOOR_RIDE, Sport.ROW_INDOOR})


def sport_of(native: str) -> Sport:
    """Returns our sport for Garmin's; an unknown type is `OTHER`, its name stays in `native_type`."""
    name = native.upper()
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return TO_CANONICAL.get(name, Sport.OTHER)
