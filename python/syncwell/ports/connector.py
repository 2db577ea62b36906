"""How the gateway connects accounts; the credentials service stands behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from syncwell.domain.connections import ConnectionStatus
from syncwell.domain.records import ConnectionId, UserId


@dataclass(frozen=True, slots=True)
class Consent:
    """Where to send the person, and until when that works."""

    url: str = field(repr=False)  # holds the one-time state
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class Callback:
    """The query of a provider's redirect; `error` is empty on success, `code` on refusal."""

    state: str = field(repr=False)
    code: str = field(default="", repr=False)
    error: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """A connection as people see it."""

    connection_id: ConnectionId
    provider: str
    display_name: str
    status: ConnectionStatus
    generation: int


@dataclass(frozen=True, slots=True)
class CompletedConsent:
    """A connection after its consent, and the code that confirms it, for the browser of the callback alone.

    Code and `expires_at_ms`, until when it counts, are None where nothing is left to confirm.
    """

    connection: ConnectionView
    confirmation_code: str | None = field(default=None, repr=False)
    expires_at_ms: int | None = None


class Connector(ABC):
    """Opens, completes, confirms and ends connections.

    Every method raises SecretStoreUnavailableError where the credentials service or its key store cannot be reached.
    """

    @abstractmethod
    async def begin(self, user_id: UserId, provider: str, *, redirect_uri: str) -> Consent:
        """Opens a consent that can be completed once within ten minutes.

        Raises:
            NotFoundError: no provider has this id.
            InvalidInputError: the provider has no consent page, or the redirect is no URL that could be registered.
        """

    @abstractmethod
    async def complete(self, provider: str, callback: Callback) -> CompletedConsent:
        """Trades the provider's code for a grant; the state says whose it is.

        The connection is pending, or active where the person had connected this account already and still has it. A
        pending one gives its account away where it is not confirmed within ten minutes.

        Raises:
            InvalidInputError: the state is unknown, too old, used, or of another provider.
            ProviderRefusedError: the person refused (`fields["reason"]` is `access_denied`) or the code was wrong.
            ProviderUnavailableError: the provider did not answer; the person must start again.
            AccountLinkedElsewhereError: another user has this account; the new grant is dropped.
        """

    @abstractmethod
    async def confirm(self, user_id: UserId, connection_id: ConnectionId, confirmation_code: str) -> ConnectionView:
        """Makes a pending connection active; an active one stays as it is.

        The fifth wrong code, and any that comes too late, ends the connection.

        Raises:
            InvalidInputError: there is no code.
            NotFoundError: no such connection of this user, it was revoked or not confirmed in time, or a wrong code.
            ConflictError: the grant is gone; the person must connect again first.
        """

    @abstractmethod
    async def revoke(self, user_id: UserId, connection_id: ConnectionId) -> None:
        """Ends a connection at once for SyncWell, and soon at the provider; ending it twice succeeds.

        Raises:
            NotFoundError: no such connection of this user.
        """

    @abstractmethod
    async def note_deauthorization(self, user_id: UserId, connection_id: ConnectionId) -> None:
        """Ends a connection whose owner has ended it at the provider: no call is made with it any more.

        Noting it twice succeeds.

        Raises:
            NotFoundError: no such connection of this user.
        """
