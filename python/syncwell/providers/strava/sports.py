"""Strava's sport types and ours, both ways."""

from __future__ import annotations

from collections.abc import Mapping

from syncwell.domain.records import Sport

TO_CANONICAL: Mapping[str, Sport] = {
    "Run": Sport.RUN,
    "TrailRun": Sport.TRAIL_RUN,
    "VirtualRun": Sport.TREADMILL_RUN,
    "Walk": Sport.WALK,
    "Hike": Sport.HIKE,
    "Ride": Sport.RIDE,
    "Velomobile": Sport.RIDE,
    "MountainBikeRide": Sport.MTB_RIDE,
    "GravelRide": Sport.GRAVEL_RIDE,
    "EBikeRide": Sport.EBIKE_RIDE,
    "EMountainBikeRide": Sport.EBIKE_RIDE,
    "VirtualRide": Sport.INDOOR_RIDE,
    "Handcycle": Sport.HAND_CYCLE,
    "Swim": Sport.SWIM,
    "Rowing": Sport.ROW,
    "VirtualRow": Sport.ROW_INDOOR,
    "Kayaking": Sport.PADDLE,
    "Canoeing": Sport.PADDLE,
    "StandUpPaddling": Sport.PADDLE,
    "Surfing": Sport.SURF,
    "Kitesurf": Sport.SURF,
    "Windsurf": Sport.SURF,
    "Sail": Sport.SAIL,
    "AlpineSki": Sport.SKI_ALPINE,
    "BackcountrySki": Sport.SKI_BACKCOUNTRY,
    "NordicSki": Sport.SKI_NORDIC,
    "RollerSki": Sport.SKI_NORDIC,
    "Snowboard": Sport.SNOWBOARD,
    "Snowshoe": Sport.SNOWSHOE,
    "IceSkate": Sport.SKATE,
    "InlineSkate": Sport.SKATE,
    "Skateboard": Sport.SKATE,
    "WeightTraining": Sport.STRENGTH,
    "HighIntensityIntervalTraining": Sport.HIIT,
    "Crossfit": Sport.HIIT,
    "Elliptical": Sport.ELLIPTICAL,
    "StairStepper": Sport.STAIRS,
    "Yoga": Sport.YOGA,
    "Pilates": Sport.PILATES,
    "RockClimbing": Sport.CLIMB,
    "Tennis": Sport.RACKET,
    "TableTennis": Sport.RACKET,
    "Badminton": Sport.RACKET,
    "Squash": Sport.RACKET,
    "Racquetball": Sport.RACKET,
    "Padel": Sport.RACKET,
    "Pickleball": Sport.RACKET,
    "Soccer": Sport.TEAM,
    "Basketball": Sport.TEAM,
    "Volleyball": Sport.TEAM,
    "Cricket": Sport.TEAM,
    "Golf": Sport.GOLF,
    "Dance": Sport.DANCE,
    "Wheelchair": Sport.WHEELCHAIR,
    "Workout": Sport.OTHER,
}

INDOOR: Mapping[Sport, Sport] = {
    Sport.RUN: Sport.TREADMILL_RUN,
    Sport.RIDE: Sport.INDOOR_RIDE,
    Sport.ROW: Sport.ROW_INDOOR,
}

# Families without a type of their own at Strava become a plain workout rather than a wrong name.
FROM_CANONICAL: Mapping[Sport, str] = {
    Sport.RUN: "Run",
    Sport.TRAIL_RUN: "TrailRun",
    Sport.TREADMILL_RUN: "Run",
    Sport.WALK: "Walk",
    Sport.HIKE: "Hike",
    Sport.RIDE: "Ride",
    Sport.MTB_RIDE: "MountainBikeRide",
    Sport.GRAVEL_RIDE: "GravelRide",
    Sport.EBIKE_RIDE: "EBikeRide",
    Sport.INDOOR_RIDE: "Ride",
    Sport.HAND_CYCLE: "Handcycle",
    Sport.SWIM_POOL: "Swim",
    Sport.SWIM_OPEN: "Swim",
    Sport.SWIM: "Swim",
    Sport.ROW: "Rowing",
    Sport.ROW_INDOOR: "Rowing",
    Sport.PADDLE: "Kayaking",
    Sport.SURF: "Surfing",
    Sport.SAIL: "Sail",
    Sport.SKI_ALPINE: "AlpineSki",
    Sport.SKI_BACKCOUNTRY: "BackcountrySki",
    Sport.SKI_NORDIC: "NordicSki",
    Sport.SNOWBOARD: "Snowboard",
    Sport.SNOWSHOE: "Snowshoe",
    Sport.SKATE: "InlineSkate",
    Sport.STRENGTH: "WeightTraining",
    Sport.HIIT: "HighIntensityIntervalTraining",
    Sport.ELLIPTICAL: "Elliptical",
    Sport.STAIRS: "StairStepper",
    Sport.YOGA: "Yoga",
    Sport.PILATES: "Pilates",
    Sport.CLIMB: "RockClimbing",
    Sport.RACKET: "Workout",
    Sport.TEAM: "Workout",
    Sport.GOLF: "Golf",
    Sport.DANCE: "Dance",
    Sport.MARTIAL: "Workout",
    Sport.WHEELCHAIR: "Wheelchair",
    Sport.MULTISPORT: "Workout",
    Sport.OTHER: "Workout",
}

ON_TRAINER = frozenset({Sport.TREADMILL_RUN, Sport.INDOOR_RIDE, Sport.ROW_INDOOR})
NATIVE_BY_LETTERS: Mapping[str, str] = {native.lower(): native for native in TO_CANONICAL}


def sport_of(native: str, *, is_trainer: bool) -> Sport:
    """Returns our sport for Strava's; an unknown type is `OTHER`, its name stays in `native_type`."""
    sport = TO_CANONICAL.get(native, Sport.OTHER)
    return INDOOR.get(sport, sport) if is_trainer else sport


def native_of(sport: Sport, *, native_type: str = "") -> str:
    """Returns Strava's type for ours; another provider's own word decides inside a family where Strava knows it."""
    letters = "".join(each for each in native_type.lower() if each.isalpha())
    hint = NATIVE_BY_LETTERS.get(letters, "")
    return hint if TO_CANONICAL.get(hint) is sport else FROM_CANONICAL[sport]
