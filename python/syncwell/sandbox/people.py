"""The people who have an account at a sandbox."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec

from syncwell.domain.errors import InvalidInputError, LimitExceededError, NotFoundError

PEOPLE_MAX = 100_000


class Person(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, rename={"user_id": "id"}):
    """One account.

    With `auto_grant` the consent page answers at once; `refused_scopes` are the boxes that this person unticks.
    """

    user_id: str
    name: str = "Robin Example"
    auto_grant: bool = True
    timezone: str = "Etc/UTC"
    refused_scopes: tuple[str, ...] = ()
    denies: bool = False
    permissions: tuple[str, ...] = ("ACTIVITY_EXPORT", "HEALTH_EXPORT", "HISTORICAL_DATA_EXPORT")

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError) as exc:
            raise ValueError(f"{self.timezone!r} is no IANA time zone") from exc


class People:
    """All accounts, and who is signed in in the browser that opens the consent page."""

    def __init__(self) -> None:
        self._people: dict[str, Person] = {}
        self._signed_in: str | None = None

    def put(self, person: Person) -> None:
        """Adds an account or replaces it; the first one is signed in.

        Raises:
            LimitExceededError: there are too many.
        """
        if len(self._people) >= PEOPLE_MAX:
            raise LimitExceededError(f"more than {PEOPLE_MAX} people")
        self._people[person.user_id] = person
        if self._signed_in is None:
            self._signed_in = person.user_id

    def get(self, user_id: str) -> Person:
        """Returns an account.

        Raises:
            NotFoundError: nobody has this id.
        """
        if user_id not in self._people:
            raise NotFoundError(f"there is no user {user_id}; seed it with POST /_control/users")
        return self._people[user_id]

    def sign_in(self, user_id: str) -> None:
        """Makes this person the one before the browser."""
        self._signed_in = self.get(user_id).user_id

    def signed_in(self, cookie: str | None) -> Person:
        """Returns who sits before the browser: the one that its cookie names, else the one signed in.

        Raises:
            InvalidInputError: nobody is seeded.
        """
        if cookie is not None and cookie in self._people:
            return self._people[cookie]
        if self._signed_in is None:
            raise InvalidInputError("nobody is signed in; seed a user with POST /_control/users")
        return self._people[self._signed_in]

    def all(self) -> list[Person]:
        """Returns every account."""
        return list(self._people.values())
