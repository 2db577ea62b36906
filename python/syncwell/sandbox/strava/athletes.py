"""How Strava shows an athlete."""

from __future__ import annotations

from syncwell.sandbox.people import Person


def show_athlete(person: Person) -> dict[str, object]:
    """Returns the SummaryAthlete (`resource_state` 2)."""
    first_name, _, last_name = person.name.partition(" ")
    return {
        "id": int(person.user_id),
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
