"""The control API of a sandbox, under `/_control`: what the real provider has no door for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from syncwell.domain.errors import InvalidInputError, LimitExceededError, NotFoundError
from syncwell.sandbox.answers import empty_answer, json_answer
from syncwell.sandbox.faults import Fault
from syncwell.sandbox.forms import read_body
from syncwell.sandbox.people import Person
from syncwell.sandbox.sandbox import Sandbox, decoded, decoded_records

CONTROL_BYTES_MAX = 128 * 1024 * 1024  # a seed of many files in base64
PREFIX = "/_control"

Action = Callable[[Request, bytes], Response]


class ClockMove(msgspec.Struct, forbid_unknown_fields=True):
    """Moves, freezes (at a moment, or now) or thaws the clock, in this order: freeze, advance, thaw."""

    advance_seconds: float = 0
    freeze: bool = False
    freeze_at: datetime | None = None
    thaw: bool = False


class UserNamed(msgspec.Struct, forbid_unknown_fields=True):
    """A body that names a person."""

    user_id: str
    scopes: list[str] | None = None


class ControlApi:
    """Serves the control paths over whichever sandbox stands."""

    def __init__(self, sandbox: Callable[[], Sandbox], reset: Callable[[], None]) -> None:
        self._current = sandbox
        self._reset = reset

    def routes(self) -> list[Route]:
        """Returns the routes."""
        table: list[tuple[str, str, Action]] = [
            ("GET", "/health", self._health),
            ("POST", "/users", self._put_users),
            ("GET", "/users", self._show_users),
            ("POST", "/sign-in", self._sign_in),
            ("POST", "/records", self._seed_records),
            ("GET", "/records", self._show_records),
            ("PATCH", "/records/{record_id}", self._edit_record),
            ("DELETE", "/records/{record_id}", self._delete_record),
            ("GET", "/settings", self._show_settings),
            ("PATCH", "/settings", self._change_settings),
            ("POST", "/settings", self._change_settings),
            ("GET", "/clock", self._health),
            ("POST", "/clock", self._move_clock),
            ("POST", "/faults", self._add_faults),
            ("GET", "/faults", self._show_faults),
            ("DELETE", "/faults", self._clear_faults),
            ("POST", "/grants", self._grant),
            ("POST", "/grants/revoke", self._revoke),
            ("POST", "/grants/expire", self._expire),
            ("GET", "/books", self._show_books),
            ("POST", "/reset", self._start_anew),
        ]
        return [Route(PREFIX + path, _guarded(action), methods=[method]) for method, path, action in table]

    def _health(self, _request: Request, _body: bytes) -> Response:
        sandbox = self._current()
        return json_answer({"provider": sandbox.provider, "now_ms": sandbox.clock.now_ms(), "ready": True})

    def _put_users(self, _request: Request, body: bytes) -> Response:
        people = decoded_records(body, Person)
        for person in people:
            self._current().people.put(person)
        return json_answer({"ids": [person.user_id for person in people]}, 201)

    def _show_users(self, _request: Request, _body: bytes) -> Response:
        return json_answer(self._current().people.all())

    def _sign_in(self, _request: Request, body: bytes) -> Response:
        self._current().people.sign_in(decoded(body, UserNamed).user_id)
        return empty_answer()

    def _seed_records(self, _request: Request, body: bytes) -> Response:
        return json_answer({"ids": self._current().seed_records(body)}, 201)

    def _show_records(self, _request: Request, _body: bytes) -> Response:
        return json_answer(self._current().show_records())

    def _edit_record(self, request: Request, body: bytes) -> Response:
        self._current().edit_record(request.path_params["record_id"], body)
        return empty_answer()

    def _delete_record(self, request: Request, _body: bytes) -> Response:
        self._current().delete_record(request.path_params["record_id"])
        return empty_answer()

    def _show_settings(self, _request: Request, _body: bytes) -> Response:
        return json_answer(self._current().settings)

    def _change_settings(self, _request: Request, body: bytes) -> Response:
        return json_answer(self._current().change_settings(body))

    def _move_clock(self, request: Request, body: bytes) -> Response:
        move = decoded(body, ClockMove)
        clock = self._current().clock
        if move.freeze or move.freeze_at is not None:
            clock.freeze(move.freeze_at)
        clock.advance(timedelta(seconds=move.advance_seconds))
        if move.thaw:
            clock.thaw()
        self._current().wake()
        return self._health(request, body)

    def _add_faults(self, _request: Request, body: bytes) -> Response:
        faults = decoded_records(body, Fault)
        for fault in faults:
            self._current().faults.add(fault)
        return json_answer({"standing": len(self._current().faults.standing())}, 201)

    def _show_faults(self, _request: Request, _body: bytes) -> Response:
        return json_answer(self._current().faults.standing())

    def _clear_faults(self, _request: Request, _body: bytes) -> Response:
        self._current().faults.clear()
        return empty_answer()

    def _grant(self, _request: Request, body: bytes) -> Response:
        wanted, sandbox = decoded(body, UserNamed), self._current()
        scopes = sandbox.default_scopes() if wanted.scopes is None else tuple(wanted.scopes)
        grant = sandbox.grants.grant_directly(sandbox.people.get(wanted.user_id).user_id, scopes)
        return json_answer({"access_token": grant.access_token, "refresh_token": grant.refresh_token}, 201)

    def _revoke(self, _request: Request, body: bytes) -> Response:
        return json_answer({"revoked": self._current().revoke_user(decoded(body, UserNamed).user_id)})

    def _expire(self, _request: Request, body: bytes) -> Response:
        self._current().grants.expire_access(decoded(body, UserNamed).user_id)
        return empty_answer()

    def _show_books(self, _request: Request, _body: bytes) -> Response:
        return json_answer(self._current().show_books())

    def _start_anew(self, _request: Request, _body: bytes) -> Response:
        self._reset()
        return empty_answer()


def _guarded(action: Action) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        try:
            return action(request, await read_body(request, bytes_max=CONTROL_BYTES_MAX))
        except NotFoundError as exc:
            return json_answer({"error": exc.message}, 404)
        except LimitExceededError as exc:
            return json_answer({"error": exc.message}, 413)
        except InvalidInputError as exc:
            return json_answer({"error": exc.message}, 400)

    return serve
