"""Access tokens as workers see them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import NoReturn

from syncwell.domain.records import ConnectionId, UserId


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A provider's access token with the generation it belongs to. Prints as ***, refuses serialisation."""

    value: str = field(repr=False)
    generation: int
    expires_at_ms: int

    def __str__(self) -> str:
        return "AccessToken(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an access token is never serialised")


class TokenSource(ABC):
    """Where a worker gets access tokens; refresh tokens never leave the credentials service."""

    @abstractmethod
    async def access_token(
        self, user_id: UserId, connection_id: ConnectionId, *, rejected_generation: int | None = None
    ) -> AccessToken:
        """Returns a token that is good now; `rejected_generation` is the one that a provider just answered 401 to.

        Raises:
            ReauthenticationNeededError: the grant is gone.
            NotFoundError: no such connection of this user, or it was revoked.
            SecretStoreUnavailableError: the credentials service cannot be reached or cannot open its secrets.
        """
