"""What every sandbox has: a clock, people, grants, faults, books and settings that can be changed while it runs."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TypeVar

import msgspec
from starlette.routing import BaseRoute

from syncwell.domain.errors import InvalidInputError
from syncwell.ports.history import History
from syncwell.sandbox.books import Books
from syncwell.sandbox.clock import MovableClock
from syncwell.sandbox.faults import FaultBoard
from syncwell.sandbox.history import SilentHistory
from syncwell.sandbox.ids import IdSource
from syncwell.sandbox.oauth import ClientRegistration, GrantBook, TokenRules
from syncwell.sandbox.people import People

Body = TypeVar("Body")


class SandboxSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The switches that all sandboxes share."""

    rotate_refresh: bool = True
    old_refresh_dies: bool = True
    access_token_seconds: int = 21_600
    visibility_lag_seconds: int = 0


class Sandbox(ABC):
    """One provider, from empty to `close`."""

    provider: str

    def __init__(
        self,
        settings: SandboxSettings,
        *,
        client: ClientRegistration | None,
        clock: MovableClock | None,
        history: History | None,
        seed: str,
        books_path: Path | None,
    ) -> None:
        self.settings = settings
        self.client = client or ClientRegistration("sandbox-client", "sandbox-secret")
        self.clock = clock or MovableClock()
        self.ids = IdSource(f"{self.provider}|{seed}")
        self.books = Books(self.provider, self.clock, history or SilentHistory(), books_path)
        self.faults = FaultBoard()
        self.people = People()
        self.grants = GrantBook(self.clock, self.ids, self.books, self.token_rules)

    def change_settings(self, patch: bytes) -> SandboxSettings:
        """Changes the named settings only.

        Raises:
            InvalidInputError: an unknown name or a wrong type.
        """
        try:
            named = msgspec.json.decode(patch, type=dict[str, object])
            merged = {**msgspec.to_builtins(self.settings), **named}
            self.settings = msgspec.convert(merged, type(self.settings))
        except (msgspec.MsgspecError, RecursionError) as exc:
            raise InvalidInputError(f"settings: {exc}") from exc
        self.wake()
        return self.settings

    def revoke_user(self, user_id: str) -> int:
        """Ends every grant of a person and returns how many there were."""
        return self.grants.revoke_user(user_id)

    def show_books(self) -> dict[str, object]:
        """Returns the whole truth: calls, counters, live records of each person, windows of the limits."""
        return {**self.books.show(), "records": self.show_records(), "windows": self.show_windows()}

    def close(self) -> None:
        """Closes the books."""
        self.books.close()

    async def run(self) -> None:
        """Delivers events to applications until it is cancelled; waits for nothing where there are none to deliver."""
        await asyncio.Event().wait()

    def wake(self) -> None:
        """Takes notice of a moved clock or changed settings; nothing to do where nothing waits for them."""
        return

    @abstractmethod
    def token_rules(self) -> TokenRules:
        """Returns how tokens live under the present settings."""

    @abstractmethod
    def routes(self) -> list[BaseRoute]:
        """Returns the provider's own paths."""

    @abstractmethod
    def default_scopes(self) -> tuple[str, ...]:
        """Returns what a grant without a consent page allows."""

    @abstractmethod
    def seed_records(self, body: bytes) -> list[str]:
        """Adds the records of a JSON list and returns their ids.

        Raises:
            InvalidInputError: the list is not what it must be.
            NotFoundError: a record names an unknown user.
        """

    @abstractmethod
    def edit_record(self, record_id: str, body: bytes) -> None:
        """Changes a record as its owner would in the provider's own app.

        Raises:
            InvalidInputError: an unknown field or a wrong type.
            NotFoundError: there is no such record.
        """

    @abstractmethod
    def delete_record(self, record_id: str) -> None:
        """Deletes a record as its owner would.

        Raises:
            NotFoundError: there is no such record.
        """

    @abstractmethod
    def show_records(self) -> dict[str, list[dict[str, object]]]:
        """Returns the records of each person, the deleted ones marked."""

    @abstractmethod
    def show_windows(self) -> list[dict[str, object]]:
        """Returns the windows of the limits with what was counted in each."""


def decoded(body: bytes, kind: type[Body]) -> Body:
    """Reads a JSON body of the control API.

    Raises:
        InvalidInputError: it is not JSON or not of this shape; the message says where.
    """
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.DecodeError, RecursionError) as exc:
        raise InvalidInputError(f"{exc}") from exc


def decoded_records(body: bytes, kind: type[Body]) -> list[Body]:
    """Reads one thing or a JSON list of them.

    Raises:
        InvalidInputError: it is not JSON or not of this shape; the message says where.
    """
    if not body.lstrip().startswith(b"["):
        return [decoded(body, kind)]
    return decoded(body, list[kind])  # type: ignore[valid-type]  # the type is a value here
