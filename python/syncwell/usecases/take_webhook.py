"""Takes a delivery of a provider: whose events these are is found, what they say is made durable, then it is answered.

Unsigned events are believed where everything about them is known to the provider alone: the secret path, which the
caller has checked, the subscription, and the account. What they can bring about is a look at the account, no more; a
deauthorisation ends the connection, as its owner asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from syncwell.domain.connections import Connection, ConnectionStatus
from syncwell.domain.errors import NotAuthenticatedError, NotFoundError
from syncwell.domain.source_events import SourceEvent
from syncwell.ports.clock import Clock
from syncwell.ports.connector import Connector
from syncwell.ports.metrics import NO_METRICS, Metric, Metrics
from syncwell.ports.source_events import SourceEvents
from syncwell.ports.webhooks import WebhookEvent, WebhookKind, Webhooks
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.subscriptions import Subscriptions

CLOCK_SLACK = timedelta(seconds=60)  # between a provider's clock and ours

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Taken:
    """How many events of a delivery were made durable, and how many concerned nobody here."""

    accepted_count: int
    unknown_count: int


class TakeWebhook:
    """One delivery at a time; the same delivery again does no harm."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        subscriptions: Subscriptions,
        events: SourceEvents,
        connector: Connector,
        clock: Clock,
        metrics: Metrics = NO_METRICS,
    ) -> None:
        self._accounts = accounts
        self._subscriptions = subscriptions
        self._events = events
        self._connector = connector
        self._clock = clock
        self._metrics = metrics

    async def run(self, provider: str, role: Webhooks, headers: Mapping[bytes, bytes], body: bytes) -> Taken:
        """Returns when everything in the delivery that is ours is durable.

        Raises:
            NotAuthenticatedError: no event names our subscription, or the signature is wrong.
            InvalidInputError: the body is no delivery of this provider.
            UnavailableError: not all of it is durable; the provider sends it again.
        """
        now_ms = self._clock.now_ms()
        told = role.events_of(headers, body, now_ms=now_ms)
        ours = await self._of_our_subscription(provider, told)
        by_owner: dict[str, list[WebhookEvent]] = {}
        for event in ours:
            by_owner.setdefault(event.external_user_id, []).append(event)
        accepted: list[SourceEvent] = []
        unknown_count = 0
        for external_user_id, events in by_owner.items():
            connection = await self._owner(provider, external_user_id)
            if connection is None:
                unknown_count += len(events)
            elif any(_ends(event, connection) for event in events):
                # First, and instead of everything else: after it no call may be made with this connection.
                await self._end(connection)
            else:
                accepted += [_source_event(event, connection, now_ms) for event in events if _is_news(event)]
        if accepted:
            await self._events.accept(accepted)
        self._count(provider, len(accepted), unknown_count)
        return Taken(len(accepted), unknown_count)

    async def _of_our_subscription(self, provider: str, told: Sequence[WebhookEvent]) -> Sequence[WebhookEvent]:
        if not told:
            return told
        subscription = await self._subscriptions.load(provider)
        ours = [
            event for event in told if subscription is not None and event.subscription == subscription.subscription_id
        ]
        if not ours:
            self._metrics.count(Metric.WEBHOOK_EVENTS, len(told), provider=provider, outcome="forged")
            raise NotAuthenticatedError("no event of this delivery belongs to our subscription")
        return ours

    async def _owner(self, provider: str, external_user_id: str) -> Connection | None:
        owner = await self._accounts.load_owner(provider, external_user_id)
        if owner is None:
            return None
        connection = await self._accounts.load_connection(owner.user_id, owner.connection_id)
        return None if connection is None or connection.status is ConnectionStatus.REVOKED else connection

    async def _end(self, connection: Connection) -> None:
        try:
            await self._connector.note_deauthorization(connection.user_id, connection.connection_id)
        except NotFoundError:
            return
        log.info("deauthorized_by_provider", provider=connection.provider, connection_id=connection.connection_id)
        self._metrics.count(Metric.WEBHOOK_EVENTS, provider=connection.provider, outcome="deauthorized")

    def _count(self, provider: str, accepted_count: int, unknown_count: int) -> None:
        if accepted_count:
            self._metrics.count(Metric.WEBHOOK_EVENTS, accepted_count, provider=provider, outcome="accepted")
        if unknown_count:
            self._metrics.count(Metric.WEBHOOK_EVENTS, unknown_count, provider=provider, outcome="unknown_owner")


def _ends(event: WebhookEvent, connection: Connection) -> bool:
    """True for a deauthorisation that is not older than the connection: who came back must not be thrown out again."""
    slack_ms = CLOCK_SLACK // timedelta(milliseconds=1)
    return event.kind is WebhookKind.DEAUTHORIZED and event.at_ms + slack_ms >= connection.created_at_ms


def _is_news(event: WebhookEvent) -> bool:
    return event.kind is not WebhookKind.DEAUTHORIZED


def _source_event(event: WebhookEvent, connection: Connection, now_ms: int) -> SourceEvent:
    return SourceEvent(
        user_id=connection.user_id,
        connection_id=connection.connection_id,
        data_type=event.data_type,
        arrived_at_ms=now_ms,
        record_id=event.record_id,
        identity=event.identity,
        is_deletion=event.kind is WebhookKind.DELETED,
    )
