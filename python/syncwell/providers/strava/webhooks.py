"""Strava's events: unsigned as a rule, so that path, subscription and owner must vouch for them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence

import msgspec

from syncwell.domain.errors import ConflictError, InvalidInputError, NotAuthenticatedError, ProviderUnavailableError
from syncwell.domain.records import DataType
from syncwell.ports.webhooks import Subscription, WebhookEvent, WebhookKind
from syncwell.providers.metered_client import Call, MeteredClient
from syncwell.providers.response import decode
from syncwell.providers.strava.errors import fault_of, refuse
from syncwell.providers.strava.settings import PROVIDER

SIGNATURE_HEADER = b"x-strava-signature"
SIGNATURE_AGE_MAX_MS = 5 * 60_000  # a signed delivery that is older was recorded by somebody
EVENTS_MAX = 1_000
IDENTITY_BYTES = 8
ID_MAX = 1 << 63
SUBSCRIPTIONS_PATH = "push_subscriptions"


class _Event(msgspec.Struct):
    object_type: str
    object_id: int
    aspect_type: str
    owner_id: int
    subscription_id: int
    event_time: int
    updates: msgspec.Raw = msgspec.Raw(b"{}")


class _Subscription(msgspec.Struct):
    id: int
    callback_url: str = ""


class _Created(msgspec.Struct):
    id: int


_decode_many = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_event = msgspec.json.Decoder(_Event).decode


class StravaWebhooks:
    """Implements `Webhooks`."""

    def __init__(self, client: MeteredClient) -> None:
        """Orders events through `client`, with its settings' client id and secret."""
        self._client = client

    def challenge_of(self, query: Mapping[str, str]) -> tuple[str, bytes] | None:
        """Returns the verify token and the answer that echoes the challenge."""
        challenge = query.get("hub.challenge", "")
        if query.get("hub.mode") != "subscribe" or not challenge:
            return None
        return query.get("hub.verify_token", ""), msgspec.json.encode({"hub.challenge": challenge})

    def events_of(self, headers: Mapping[bytes, bytes], body: bytes, *, now_ms: int) -> Sequence[WebhookEvent]:
        """Returns the events of one delivery: an object, or an array of them whose unreadable members are left out."""
        signature = headers.get(SIGNATURE_HEADER)
        if signature is not None:
            self._require_signed(signature, body, now_ms)
        parts = _parts_of(body)
        events = [event for part in parts if (event := _event_in(part)) is not None]
        if not events:
            raise InvalidInputError("this is no event of Strava", field="$")
        return [told for event in events if (told := _told_by(event)) is not None]

    async def subscribe(self, callback_url: str, *, verify_token: str) -> Subscription:
        """Orders events; Strava allows one order an application."""
        response = await self._client.call(
            Call(
                method="POST",
                url=self._url(),
                form={**self._credentials(), "callback_url": callback_url, "verify_token": verify_token},
            )
        )
        if response.status < 400:
            return Subscription(str(decode(response, _Created, provider=PROVIDER).id), callback_url)
        if not any("already exists" in (item.code or "") for item in fault_of(response).items):
            refuse(response, "subscribe to events")
        present = await self._present()
        if present.callback_url != callback_url:
            raise ConflictError(
                "Strava sends this application's events to another address; end that subscription first",
                subscription_id=present.subscription_id,
            )
        return present

    async def _present(self) -> Subscription:
        response = await self._client.call(Call(method="GET", url=self._url(), params=self._credentials()))
        if response.status >= 400:
            refuse(response, "show the subscription")
        found = decode(response, list[_Subscription], provider=PROVIDER)
        if not found:
            raise ProviderUnavailableError("the subscription was ended meanwhile; try again", provider=PROVIDER)
        return Subscription(str(found[0].id), found[0].callback_url)

    def _require_signed(self, signature: bytes, body: bytes, now_ms: int) -> None:
        """Checks `t=<unix seconds>,v1=<hex>` over `t.body`, keyed with the application's secret."""
        fields = dict(part.strip().partition(b"=")[::2] for part in signature.split(b","))
        moment, given = fields.get(b"t", b""), fields.get(b"v1", b"")
        secret = self._client.settings.client_secret.encode()
        wanted = hmac.new(secret, moment + b"." + body, hashlib.sha256).hexdigest().encode()
        is_right = hmac.compare_digest(given.lower(), wanted)
        is_number = moment.isdigit() and len(moment) <= 12
        if not is_right or not is_number or abs(now_ms - int(moment) * 1000) > SIGNATURE_AGE_MAX_MS:
            raise NotAuthenticatedError("the signature is wrong or too old")

    def _url(self) -> str:
        return f"{self._client.settings.api_url.rstrip('/')}/{SUBSCRIPTIONS_PATH}"

    def _credentials(self) -> dict[str, str]:
        settings = self._client.settings
        return {"client_id": settings.client_id, "client_secret": settings.client_secret}


def _parts_of(body: bytes) -> Sequence[bytes]:
    if not body.lstrip().startswith(b"["):
        return [body]
    try:
        parts = _decode_many(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise InvalidInputError("the body is not valid JSON", field="$") from exc
    if len(parts) > EVENTS_MAX:
        raise InvalidInputError(f"at most {EVENTS_MAX} events a delivery", field="$")
    return [bytes(part) for part in parts]


def _event_in(part: bytes) -> _Event | None:
    try:
        event = _decode_event(part)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    numbers = (event.object_id, event.owner_id, event.subscription_id, event.event_time)
    return event if all(0 <= number < ID_MAX for number in numbers) else None


def _told_by(event: _Event) -> WebhookEvent | None:
    """Returns what the event means; None where it is nothing that we keep."""
    if event.object_type == "athlete":
        kind = WebhookKind.DEAUTHORIZED if _is_deauthorization(event) else None
    elif event.object_type == "activity":
        kind = WebhookKind.DELETED if event.aspect_type == "delete" else WebhookKind.CHANGED
    else:
        kind = None
    if kind is None:
        return None
    return WebhookEvent(
        kind=kind,
        external_user_id=str(event.owner_id),
        subscription=str(event.subscription_id),
        at_ms=event.event_time * 1000,
        identity=_identity_of(event),
        data_type=DataType.WORKOUT,
        record_id=str(event.object_id) if event.object_type == "activity" else "",
    )


def _is_deauthorization(event: _Event) -> bool:
    try:
        updates = msgspec.json.decode(event.updates, type=dict[str, str | bool | float | None])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return updates.get("authorized") in ("false", False)


def _identity_of(event: _Event) -> bytes:
    """Digests all that the event says: Strava numbers its events not, and repeats them word by word."""
    said = (event.object_type, event.object_id, event.aspect_type, event.owner_id, event.event_time)
    text = "\n".join(map(str, said)).encode() + b"\n" + bytes(event.updates)
    return hashlib.blake2b(text, digest_size=IDENTITY_BYTES).digest()
