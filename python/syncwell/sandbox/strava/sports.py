"""Strava's sport types: which exist, what a file's sport becomes, which belong to one family."""

from __future__ import annotations

SPORT_TYPES = frozenset(
    {
        "AlpineSki",
        "BackcountrySki",
        "Badminton",
        "Basketball",
        "Canoeing",
        "Cricket",
        "Crossfit",
        "Dance",
        "EBikeRide",
        "Elliptical",
        "EMountainBikeRide",
        "Golf",
        "GravelRide",
        "Handcycle",
        "HighIntensityIntervalTraining",
        "Hike",
        "IceSkate",
        "InlineSkate",
        "Kayaking",
        "Kitesurf",
        "MountainBikeRide",
        "NordicSki",
        "Padel",
        "Pickleball",
        "Pilates",
        "Racquetball",
        "Ride",
        "RockClimbing",
        "RollerSki",
        "Rowing",
        "Run",
        "Sail",
        "Skateboard",
        "Snowboard",
        "Snowshoe",
        "Soccer",
        "Squash",
        "StairStepper",
        "StandUpPaddling",
        "Surfing",
        "Swim",
        "TableTennis",
        "Tennis",
        "TrailRun",
        "Velomobile",
        "VirtualRide",
        "VirtualRow",
        "VirtualRun",
        "Volleyball",
        "Walk",
        "WeightTraining",
        "Wheelchair",
        "Windsurf",
        "Workout",
        "Yoga",
    }
)

# The old `type` knows fewer sports; the rest are their own.
OLD_TYPES = {
    "TrailRun": "Run",
    "MountainBikeRide": "Ride",
    "GravelRide": "Ride",
    "EMountainBikeRide": "EBikeRide",
    "VirtualRow": "Rowing",
    **dict.fromkeys(
        ("Badminton", "Basketball", "Cricket", "Dance", "HighIntensityIntervalTraining", "Padel"), "Workout"
    ),
    **dict.fromkeys(
        ("Pickleball", "Pilates", "Racquetball", "Squash", "TableTennis", "Tennis", "Volleyball"), "Workout"
    ),
}

FILE_SPORTS = {
    ("running", "trail"): "TrailRun",
    ("running", "virtual_activity"): "VirtualRun",
    ("running", ""): "Run",
    ("cycling", "mountain"): "MountainBikeRide",
    ("cycling", "gravel_cycling"): "GravelRide",
    ("cycling", "virtual_activity"): "VirtualRide",
    ("cycling", "hand_cycling"): "Handcycle",
    ("cycling", "e_bike_fitness"): "EBikeRide",
    ("cycling", "e_bike_mountain"): "EMountainBikeRide",
    ("cycling", ""): "Ride",
    ("e_biking", ""): "EBikeRide",
    ("swimming", ""): "Swim",
    ("walking", ""): "Walk",
    ("hiking", ""): "Hike",
    ("rowing", ""): "Rowing",
    ("paddling", ""): "Kayaking",
    ("kayaking", ""): "Kayaking",
    ("stand_up_paddleboarding", ""): "StandUpPaddling",
    ("surfing", ""): "Surfing",
    ("windsurfing", ""): "Windsurf",
    ("kitesurfing", ""): "Kitesurf",
    ("sailing", ""): "Sail",
    ("alpine_skiing", "backcountry"): "BackcountrySki",
    ("alpine_skiing", ""): "AlpineSki",
    ("cross_country_skiing", ""): "NordicSki",
    ("snowboarding", ""): "Snowboard",
    ("snowshoeing", ""): "Snowshoe",
    ("inline_skating", ""): "InlineSkate",
    ("ice_skating", ""): "IceSkate",
    ("rock_climbing", ""): "RockClimbing",
    ("soccer", ""): "Soccer",
    ("basketball", ""): "Basketball",
    ("tennis", ""): "Tennis",
    ("golf", ""): "Golf",
    ("hiit", ""): "HighIntensityIntervalTraining",
    ("training", "strength_training"): "WeightTraining",
    ("training", "yoga"): "Yoga",
    ("training", "pilates"): "Pilates",
    ("fitness_equipment", "elliptical"): "Elliptical",
    ("fitness_equipment", "stair_climbing"): "StairStepper",
    ("fitness_equipment", "indoor_rowing"): "Rowing",
}

INDOOR_SUB_SPORTS = frozenset({"treadmill", "indoor_cycling", "spin", "indoor_running", "indoor_rowing"})

FAMILIES = (
    ("run", ("Run", "TrailRun", "VirtualRun")),
    ("walk", ("Walk", "Hike", "Snowshoe")),
    (
        "ride",
        (
            "Ride",
            "MountainBikeRide",
            "GravelRide",
            "EBikeRide",
            "EMountainBikeRide",
            "VirtualRide",
            "Velomobile",
            "Handcycle",
        ),
    ),
    ("row", ("Rowing", "VirtualRow")),
    ("ski", ("AlpineSki", "BackcountrySki", "NordicSki", "RollerSki", "Snowboard")),
)


def sport_type_of(sport: str, sub_sport: str) -> str:
    """Returns the sport type that Strava detects for a file; unknown sports are Workout."""
    return FILE_SPORTS.get((sport, sub_sport)) or FILE_SPORTS.get((sport, "")) or "Workout"


def family_of(sport_type: str) -> str:
    """Returns the name under which alike sports are compared."""
    return next((family for family, members in FAMILIES if sport_type in members), sport_type)


def old_type_of(sport_type: str) -> str:
    """Returns the deprecated `type` of a sport type."""
    return OLD_TYPES.get(sport_type, sport_type)
