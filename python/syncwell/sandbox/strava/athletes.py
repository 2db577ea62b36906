"""How Strava shows an athlete."""

from __future__ import annotations

from hashlib import sha256

from syncwell.sandbox.people import Person


def athlete_id_of(user_id: str) -> int:
    """Returns the number of a person at Strava; a seed's name in words becomes a stable number."""
    if user_id.isdecimal():
        return int(user_id)
    return int.from_bytes(sha256(user_id.encode()).digest()[:4], "big") % 1_000_000_000 + 1_000_000


def show_athlete(person: Person) -> dict[str, object]:
    """Returns the SummaryAthlete (`resource_state` 2)."""
    first_name, _, last_name = person.name.partition(" ")
    return {
        "id": athlete_id_of(person.user_id),
        "username": None,
        "resource_state": 2,
        "firstname": first_name,
        "lastname": last_name,
        "city": None,
        "state": None,
        "country": None,
        "sex": None,
        "premium": False,
        "summit": False,
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2020-01-01T00:00:00Z",
        "badge_type_id": 0,
        "weight": None,
        "profile_medium": "",
        "profile": "",
        "friend": None,
        "follower": None,
    }


def show_own_profile(person: Person) -> dict[str, object]:
    """Returns the DetailedAthlete (`resource_state` 3), which only the athlete sees."""
    return show_athlete(person) | {
        "resource_state": 3,
        "measurement_preference": "meters",
        "weight": 70.0,
        "ftp": None,
        "clubs": [],
        "bikes": [],
        "shoes": [],
    }
