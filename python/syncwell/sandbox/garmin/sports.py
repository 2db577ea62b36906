"""Garmin's activity types for the sports of a FIT file."""

from __future__ import annotations

ACTIVITY_TYPES = {
    ("running", "treadmill"): "TREADMILL_RUNNING",
    ("running", "trail"): "TRAIL_RUNNING",
    ("running", "track"): "TRACK_RUNNING",
    ("running", "street"): "STREET_RUNNING",
    ("running", "indoor_running"): "INDOOR_RUNNING",
    ("running", "virtual_activity"): "VIRTUAL_RUN",
    ("running", ""): "RUNNING",
    ("cycling", "mountain"): "MOUNTAIN_BIKING",
    ("cycling", "gravel_cycling"): "GRAVEL_CYCLING",
    ("cycling", "indoor_cycling"): "INDOOR_CYCLING",
    ("cycling", "spin"): "INDOOR_CYCLING",
    ("cycling", "virtual_activity"): "VIRTUAL_RIDE",
    ("cycling", "road"): "ROAD_BIKING",
    ("cycling", ""): "CYCLING",
    ("swimming", "lap_swimming"): "LAP_SWIMMING",
    ("swimming", "open_water"): "OPEN_WATER_SWIMMING",
    ("swimming", ""): "SWIMMING",
    ("walking", ""): "WALKING",
    ("hiking", ""): "HIKING",
    ("rowing", "indoor_rowing"): "INDOOR_ROWING",
    ("rowing", ""): "ROWING_V2",
    ("kayaking", ""): "KAYAKING_V2",
    ("paddling", ""): "PADDLING_V2",
    ("stand_up_paddleboarding", ""): "STAND_UP_PADDLEBOARDING_V2",
    ("alpine_skiing", "backcountry"): "BACKCOUNTRY_SKIING",
    ("alpine_skiing", ""): "RESORT_SKIING",
    ("cross_country_skiing", ""): "CROSS_COUNTRY_SKIING_WS",
    ("snowboarding", ""): "SNOWBOARDING_WS",
    ("snowshoeing", ""): "SNOW_SHOE_WS",
    ("sailing", ""): "SAILING_V2",
    ("rock_climbing", ""): "ROCK_CLIMBING",
    ("golf", ""): "GOLF",
    ("tennis", ""): "TENNIS_V2",
    ("hiit", ""): "HIIT",
    ("training", "strength_training"): "STRENGTH_TRAINING",
    ("training", "yoga"): "YOGA",
    ("training", "pilates"): "PILATES",
    ("fitness_equipment", "elliptical"): "ELLIPTICAL",
    ("fitness_equipment", "stair_climbing"): "STAIR_CLIMBING",
    ("fitness_equipment", "indoor_rowing"): "INDOOR_ROWING",
}


def activity_type_of(sport: str, sub_sport: str) -> str:
    """Returns Garmin's activity type; unknown sports are OTHER."""
    return ACTIVITY_TYPES.get((sport, sub_sport)) or ACTIVITY_TYPES.get((sport, "")) or "OTHER"
