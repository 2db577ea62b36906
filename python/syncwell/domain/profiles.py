"""What SyncWell keeps about a person beside connections: the tier that sets their limits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from syncwell.domain.records import UserId


class Tier(StrEnum):
    """The subscription level; everybody begins FREE."""

    FREE = "FREE"
    PRO = "PRO"


@dataclass(frozen=True, slots=True)
class Profile:
    """One person. `version` guards every change."""

    user_id: UserId
    tier: Tier
    created_at_ms: int
    version: int = 1
