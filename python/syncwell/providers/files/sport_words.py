"""The words for sports in files that have no numbers for them: GPX `type`, TCX `Sport`.

There is no standard: Garmin, Strava and others each write their own, so many are understood and one is written.
"""

from __future__ import annotations

from syncwell.domain.records import Sport

_WORD_LENGTH_MAX = 100

_WRITTEN = {
    Sport.RUN: "running",
    Sport.TRAIL_RUN: "trail_running",
    Sport.TREADMILL_RUN: "treadmill_running",
    Sport.WALK: "walking",
    Sport.HIKE: "hiking",
    Sport.RIDE: "cycling",
    Sport.MTB_RIDE: "mountain_biking",
    Sport.GRAVEL_RIDE: "gravel_cycling",
    Sport.EBIKE_RIDE: "e_bike_fitness",
    Sport.INDOOR_RIDE: "indoor_cycling",
    Sport.HAND_CYCLE: "hand_cycling",
    Sport.SWIM_POOL: "lap_swimming",
    Sport.SWIM_OPEN: "open_water_swimming",
    Sport.SWIM: "swimming",
    Sport.ROW: "rowing",
    Sport.ROW_INDOOR: "indoor_rowing",
    Sport.PADDLE: "paddling",
    Sport.SURF: "surfing",
    Sport.SAIL: "sailing",
    Sport.SKI_ALPINE: "resort_skiing",
    Sport.SKI_BACKCOUNTRY: "backcountry_skiing",
    Sport.SKI_NORDIC: "cross_country_skiing",
    Sport.SNOWBOARD: "snowboarding",
    Sport.SNOWSHOE: "snowshoeing",
    Sport.SKATE: "skating",
    Sport.STRENGTH: "strength_training",
    Sport.HIIT: "hiit",
    Sport.ELLIPTICAL: "elliptical",
    Sport.STAIRS: "stair_climbing",
    Sport.YOGA: "yoga",
    Sport.PILATES: "pilates",
    Sport.CLIMB: "rock_climbing",
    Sport.RACKET: "tennis",
    Sport.TEAM: "soccer",
    Sport.GOLF: "golf",
    Sport.DANCE: "dance",
    Sport.MARTIAL: "martial_arts",
    Sport.WHEELCHAIR: "wheelchair",
    Sport.MULTISPORT: "multi_sport",
    Sport.OTHER: "other",
}

_SYNONYMS = {
    Sport.RUN: "run jogging streetrunning trackrunning ultrarun 9",
    Sport.TREADMILL_RUN: "virtualrun virtualrunning indoorrunning treadmill",
    Sport.WALK: "walk casualwalking speedwalking nordicwalking 10",
    Sport.HIKE: "hike backpacking rucking 4",
    Sport.RIDE: "ride biking bike cycle roadbiking roadcycling roadride roadcycling trackcycling 1",
    Sport.MTB_RIDE: "mountainbikeride mountainbiking mountainbike mtb enduromtb",
    Sport.GRAVEL_RIDE: "gravelride gravel cyclocross",
    Sport.EBIKE_RIDE: "ebikeride emountainbikeride ebike ebiking ebikemountain",
    Sport.INDOOR_RIDE: "virtualride indoorride indoorbiking spinning stationarybike 17",
    Sport.HAND_CYCLE: "handcycle handcycling",
    Sport.SWIM_POOL: "poolswimming poolswim swimpool",
    Sport.SWIM_OPEN: "openwaterswim swimopen openwater",
    Sport.SWIM: "swim 16",
    Sport.ROW: "row rowingv2",
    Sport.ROW_INDOOR: "virtualrow rowindoor rowingmachine",
    Sport.PADDLE: "kayaking canoeing standuppaddling standuppaddleboarding sup paddle",
    Sport.SURF: "surf kitesurf windsurf kiteboarding windsurfing",
    Sport.SAIL: "sail",
    Sport.SKI_ALPINE: "alpineski alpineskiing downhillskiing skiing 2",
    Sport.SKI_BACKCOUNTRY: "backcountryski skitouring skibackcountry 3",
    Sport.SKI_NORDIC: "nordicski nordicskiing rollerski skatesskiing 7",
    Sport.SNOWBOARD: "snowboard 12",
    Sport.SNOWSHOE: "snowshoe 13",
    Sport.SKATE: "iceskate iceskating inlineskate inlineskating skateboard skate 5 6",
    Sport.STRENGTH: "weighttraining weights weightlifting strength",
    Sport.HIIT: "highintensityintervaltraining crossfit",
    Sport.STAIRS: "stairstepper stairs floorclimbing",
    Sport.CLIMB: "climbing bouldering indoorclimbing",
    Sport.RACKET: "badminton squash tabletennis pickleball padel racquetball",
    Sport.TEAM: "basketball volleyball cricket rugby hockey football",
    Sport.DANCE: "dancing zumba",
    Sport.MARTIAL: "boxing kickboxing",
    Sport.MULTISPORT: "triathlon duathlon",
}

_INDOOR = frozenset({Sport.TREADMILL_RUN, Sport.INDOOR_RIDE, Sport.ROW_INDOOR, Sport.ELLIPTICAL})


def _key(word: str) -> str:
    return "".join(character for character in word[:_WORD_LENGTH_MAX].lower() if character.isalnum())


_SPORTS = {
    **{_key(sport.name): sport for sport in Sport},
    **{word: sport for sport, words in _SYNONYMS.items() for word in words.split()},
    **{_key(word): sport for sport, word in _WRITTEN.items()},
}


def sport_from_word(word: str) -> Sport:
    """Returns the sport of a word or of Strava's number for it; `Sport.OTHER` where nobody is known to write it."""
    return _SPORTS.get(_key(word), Sport.OTHER)


def sport_to_word(sport: Sport) -> str:
    """Returns the word that Garmin Connect would write."""
    return _WRITTEN[sport]


def is_indoor_sport(sport: Sport) -> bool:
    """Tells whether the sport is done on a trainer, a treadmill or a machine."""
    return sport in _INDOOR
