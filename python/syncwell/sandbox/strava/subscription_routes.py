"""`/push_subscriptions`: one subscription an application, with the challenge at its start."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from syncwell.sandbox.answers import empty_answer, json_answer
from syncwell.sandbox.books import CallKind
from syncwell.sandbox.callbacks import CallbackAnswer, call_back
from syncwell.sandbox.consent import is_redirect_allowed
from syncwell.sandbox.door import Call, Endpoint
from syncwell.sandbox.strava.errors import fault_answer, not_found
from syncwell.sandbox.strava.events import Subscription

if TYPE_CHECKING:
    from syncwell.sandbox.strava.sandbox import StravaSandbox

FIRST_SUBSCRIPTION_ID = 131_301
CALLBACK_LENGTH_MAX = 255
CHALLENGE_DEADLINE = timedelta(seconds=2)
PATH = "/api/v3/push_subscriptions"


class StravaSubscriptions:
    """Creates, shows and deletes the subscription; the client's credentials stand in for a token."""

    def __init__(self, sandbox: StravaSandbox) -> None:
        self._sandbox = sandbox

    def endpoints(self) -> list[Endpoint]:
        """Returns the paths."""
        kind = CallKind.SUBSCRIPTION
        return [
            Endpoint("POST", PATH, kind, self._create, needs_token=False),
            Endpoint("GET", PATH, kind, self._list, needs_token=False),
            Endpoint("DELETE", PATH + "/{subscription_id:int}", kind, self._delete, needs_token=False),
        ]

    async def _create(self, call: Call) -> Response:
        fields = call.form().fields
        if not self._sandbox.client.is_right(fields.get("client_id"), fields.get("client_secret")):
            return fault_answer(401, "Application", "client_id", "invalid")
        callback_url = fields.get("callback_url", "")
        if not is_redirect_allowed(callback_url) or len(callback_url) > CALLBACK_LENGTH_MAX:
            return fault_answer(400, "PushSubscription", "callback url", "invalid")
        if self._sandbox.events.subscription is not None:
            return fault_answer(400, "PushSubscription", "", "already exists")
        challenge = self._sandbox.ids.text("challenge")[:15]
        asked = {
            "hub.mode": "subscribe",
            "hub.challenge": challenge,
            "hub.verify_token": fields.get("verify_token", ""),
        }
        joint = "&" if "?" in callback_url else "?"
        answer = await call_back("GET", callback_url + joint + urlencode(asked), b"", deadline=CHALLENGE_DEADLINE)
        if not _is_met(answer, challenge):
            return fault_answer(400, "PushSubscription", "callback url", "GET to callback URL does not return 200")
        created_at = self._sandbox.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        number = self._sandbox.ids.number("subscription", first=FIRST_SUBSCRIPTION_ID)
        self._sandbox.events.subscription = Subscription(number, callback_url, created_at)
        return json_answer(self._shown(self._sandbox.events.subscription), 201)

    async def _list(self, call: Call) -> Response:
        if not self._sandbox.client.is_right(call.query("client_id"), call.query("client_secret")):
            return fault_answer(401, "Application", "client_id", "invalid")
        subscription = self._sandbox.events.subscription
        return json_answer([] if subscription is None else [self._shown(subscription)])

    async def _delete(self, call: Call) -> Response:
        given = call.form().fields | dict(call.request.query_params)
        if not self._sandbox.client.is_right(given.get("client_id"), given.get("client_secret")):
            return fault_answer(401, "Application", "client_id", "invalid")
        subscription = self._sandbox.events.subscription
        if subscription is None or subscription.subscription_id != call.request.path_params["subscription_id"]:
            return not_found("PushSubscription")
        self._sandbox.events.subscription = None
        return empty_answer(204)

    def _shown(self, subscription: Subscription) -> dict[str, object]:
        client_id = self._sandbox.client.client_id
        return {
            "id": subscription.subscription_id,
            "resource_state": 2,
            "application_id": int(client_id) if client_id.isdecimal() else 1,
            "callback_url": subscription.callback_url,
            "created_at": subscription.created_at,
            "updated_at": subscription.created_at,
        }


def _is_met(answer: CallbackAnswer, challenge: str) -> bool:
    if answer.status != 200 or not answer.content_type.startswith("application/json"):
        return False
    try:
        return bool(msgspec.json.decode(answer.body, type=dict[str, str]).get("hub.challenge") == challenge)
    except msgspec.DecodeError:
        return False
