"""Where providers tell that something has changed: verified, bounded, durable before the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.gateway.call import JSON, Answer, Call, json_answer
from services.gateway.operations import Kind, Operation
from syncwell.domain.errors import NotFoundError
from syncwell.domain.webhook_secrets import is_same_secret, webhook_path_secret, webhook_verify_token
from syncwell.ports.webhooks import Webhooks
from syncwell.usecases.take_webhook import TakeWebhook

WebhooksOf = Callable[[str], Webhooks | None]


class WebhookRoutes:
    """The callbacks. `key` is the installation's secret for webhooks; a wrong path is as good as none."""

    def __init__(self, take: TakeWebhook, webhooks_of: WebhooksOf, *, key: bytes) -> None:
        self._take = take
        self._webhooks_of = webhooks_of
        self._key = key

    def operations(self) -> Sequence[Operation]:
        """Returns the operations of this file."""
        path = "/v1/webhooks/{provider}/{secretPath}"
        return (
            Operation("verifyWebhook", "GET", path, Kind.PUBLIC, self.verify),
            Operation("receiveWebhook", "POST", path, Kind.WEBHOOK, self.receive),
        )

    async def verify(self, call: Call) -> Answer:
        """Answers the challenge of a subscription that we have ordered."""
        provider, role = self._role_at(call)
        challenge = role.challenge_of(call.query)
        if challenge is None or not is_same_secret(challenge[0], webhook_verify_token(self._key, provider)):
            raise NotFoundError("there is no such webhook")
        return Answer(200, challenge[1], JSON)

    async def receive(self, call: Call) -> Answer:
        """Takes a delivery. Whose events nobody here has connected are taken too: the provider must not repeat them."""
        provider, role = self._role_at(call)
        await self._take.run(provider, role, call.headers, call.body)
        return json_answer(200, {})

    def _role_at(self, call: Call) -> tuple[str, Webhooks]:
        provider = call.params["provider"]
        role = self._webhooks_of(provider)
        if role is None or not is_same_secret(call.params["secretPath"], webhook_path_secret(self._key, provider)):
            raise NotFoundError("there is no such webhook")
        return provider, role
