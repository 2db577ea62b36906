"""The roles a provider can play: small protocols, implemented by a folder each.

An adapter never retries, never sleeps and never counts budgets: it makes calls through the `ProviderSession` that it is
given, which does all that once for everybody. It maps the provider's answers to canonical values and its refusals to
the `ProviderError` tree. Sandbox and live service differ in settings only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NoReturn, Protocol

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.domain.connections import Connection
from syncwell.domain.jobs import Priority
from syncwell.domain.records import DataType, EditableField, RecordId, RecordMetadata


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do, by data type; REST shows it as `GET /v1/providers`.

    `lists_by_change_time` says that a listing's window means when records arrived or changed, not when they started.
    `visibility_lag` bounds how long a written record may stay out of `find` and listings. `refuses_duplicates` and
    `has_daily_upsert` say where a blind write is safe.
    """

    provider: str
    display_name: str
    readable: frozenset[DataType]
    writable: frozenset[DataType]
    updatable: frozenset[EditableField] = frozenset()
    can_delete: bool = False
    refuses_duplicates: bool = False
    has_daily_upsert: bool = False
    has_webhooks: bool = False
    lists_by_change_time: bool = False
    visibility_lag: timedelta = timedelta(0)
    cursor_overlap: timedelta = timedelta(hours=48)
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """What a token endpoint answered. Prints as ***, refuses serialisation; sealed before it is stored."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at_ms: int
    scopes: tuple[str, ...] = ()
    external_user_id: str = ""
    display_name: str = ""

    def __reduce__(self) -> NoReturn:
        raise TypeError("a token grant is never serialised as it is")


@dataclass(frozen=True, slots=True)
class SourcePage:
    """A page of metadata; `cursor` continues the listing and is None at the end."""

    records: tuple[RecordMetadata, ...]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A record that exists at the destination now."""

    record_id: RecordId
    version: str
    was_duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open range of times, epoch milliseconds; whose times they are the caller says."""

    start_ms: int
    end_ms: int


class ProviderResponse(Protocol):
    """An answer, read whole within the session's bounds."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Header names in lower case."""
        ...

    @property
    def body(self) -> bytes:
        """The whole body."""
        ...


class ProviderSession(Protocol):
    """Authenticated, budgeted, bounded HTTP on behalf of one connection."""

    @property
    def account(self) -> str:
        """The external user id of the connection: whose records these are, where no token says so."""
        ...

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        upload: tuple[str, bytes] | None = None,
        is_write: bool = False,
        body_bytes_max: int = 8_000_000,
    ) -> ProviderResponse:
        """Calls `path` below the provider's base URL (or an absolute URL on an allowed host).

        `upload` is (file name, content) and turns `form` into a multipart body. 401 has been answered with one
        refresh and one repetition already. Answers 2xx, 4xx (but 401 and 429) come back as they are.

        Raises:
            ProviderThrottledError: the budget is spent or the provider answered 429; nothing was done.
            ProviderUnavailableError: 5xx, time-out, lost connection; the outcome of a write is unknown.
            ProviderInvalidAnswerError: the answer was larger than `body_bytes_max`.
            ReauthenticationNeededError: 401 even with a fresh token, or the grant is gone.
        """
        ...


class OAuth(Protocol):
    """Consent, exchange, refresh, revocation. Called by the credentials service only."""

    def consent_url(self, *, state: str, code_challenge: str, redirect_uri: str) -> str:
        """Returns where to send the person."""
        ...

    async def exchange(self, *, code: str, code_verifier: str, redirect_uri: str) -> TokenGrant:
        """Trades a one-time code for tokens, and learns the external user id (a second call where needed).

        Raises:
            ProviderRefusedError: wrong or used code.
            ProviderUnavailableError: the outcome is unknown.
        """
        ...

    async def refresh(self, refresh_token: str) -> TokenGrant:
        """Trades a refresh token for the next grant. `external_user_id` is empty in the answer.

        Raises:
            ReauthenticationNeededError: the grant is gone.
            ProviderUnavailableError: the outcome is unknown (the old refresh token may be dead).
        """
        ...

    async def revoke(self, access_token: str) -> None:
        """Ends the grant at the provider; a grant that is gone already counts as ended."""
        ...


class Source(Protocol):
    """Reads records."""

    async def has_new_data(self, session: ProviderSession, data_type: DataType, *, since_ms: int) -> bool:
        """Tells with one cheap call whether a listing since `since_ms` could bring news."""
        ...

    async def fetch_metadata(
        self, session: ProviderSession, data_type: DataType, window: Window, *, cursor: str | None = None
    ) -> SourcePage:
        """Returns one page of the records of `window`, bounded to 500.

        `window` ranges over the provider's own times of arrival or change where the capability
        `lists_by_change_time` says so (a record may then have started long before), else over record starts.
        """
        ...

    def fetch_payloads(
        self, session: ProviderSession, records: Sequence[RecordMetadata]
    ) -> AsyncIterator[tuple[RecordId, CanonicalWorkout | None]]:
        """Yields full workouts, one at a time, in any order; None where the record is gone (404).

        Raises:
            InvalidFileError: never; a payload that cannot be read is raised as ProviderInvalidAnswerError whose
                `fields["record_id"]` names it, and the iterator may be started again without it.
        """
        ...


class Destination(Protocol):
    """Writes records."""

    async def write(self, session: ProviderSession, workout: CanonicalWorkout, *, external_id: str) -> Written:
        """Creates the record, carrying `external_id` wherever the provider has a field for it.

        A refusal as duplicate is a success: `was_duplicate` is True and `record_id` names the record there.

        Raises:
            ProviderRefusedError: this record can never be written; the message says why.
            ProviderUnavailableError: the outcome is unknown: ask with `find` before writing again.
        """
        ...

    async def find(self, session: ProviderSession, *, external_id: str, window: Window) -> Written | None:
        """Looks for a record written before under `external_id`, among those that start in `window`."""
        ...

    async def update(
        self, session: ProviderSession, record_id: RecordId, fields: Mapping[EditableField, str]
    ) -> Written:
        """Changes the named fields of a record (the sport as `Sport` name)."""
        ...

    async def delete(self, session: ProviderSession, record_id: RecordId) -> None:
        """Removes a record; one that is gone counts as removed.

        Raises:
            ProviderRefusedError: the provider has no delete.
        """
        ...


class Provider(Protocol):
    """A folder of roles. A role it does not play is None."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    @property
    def oauth(self) -> OAuth | None:
        """Consent and tokens; None for device and file providers."""
        ...

    @property
    def source(self) -> Source | None:
        """Reading."""
        ...

    @property
    def destination(self) -> Destination | None:
        """Writing."""
        ...


class ProviderRegistry(Protocol):
    """Every provider this installation knows."""

    def get(self, provider: str) -> Provider:
        """Returns the provider.

        Raises:
            NotFoundError: no provider has this id.
        """
        ...

    def all(self) -> Sequence[Provider]:
        """Returns every provider, ordered by id."""
        ...


class ProviderSessions(Protocol):
    """Opens sessions; the only road from a use case to a provider."""

    def open(self, connection: Connection, *, priority: Priority, deadline_ms: int) -> ProviderSession:
        """Returns a session of `connection` whose calls all end before `deadline_ms`."""
        ...
