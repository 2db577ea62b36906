"""Orders a provider's events for this installation."""

from __future__ import annotations

from dataclasses import dataclass, field

from syncwell.domain.errors import InvalidInputError
from syncwell.domain.webhook_secrets import webhook_path_secret, webhook_verify_token
from syncwell.ports.webhooks import Subscription, Webhooks
from syncwell.repositories.subscriptions import Subscriptions

CALLBACK_MAX = 255  # Strava's limit, the shortest


@dataclass(frozen=True, slots=True)
class SubscribeWebhooks:
    """Asks the provider and remembers which events are ours. `key` is the installation's secret for webhooks."""

    subscriptions: Subscriptions
    key: bytes = field(repr=False)

    async def run(self, provider: str, role: Webhooks, base_url: str) -> Subscription:
        """Orders events for the gateway at `base_url`, which must be running; the same again changes nothing.

        Raises:
            InvalidInputError: `base_url` is no URL of a gateway, or too long.
            ConflictError: the provider sends events elsewhere.
            ProviderRefusedError: the provider does not accept the address or the application.
            ProviderUnavailableError: the outcome is unknown; the same call again is safe.
        """
        callback_url = f"{base_url.rstrip('/')}/v1/webhooks/{provider}/{webhook_path_secret(self.key, provider)}"
        if not base_url.startswith(("https://", "http://")) or len(callback_url) > CALLBACK_MAX:
            raise InvalidInputError("give the gateway's URL as the provider reaches it", field="callback")
        verify_token = webhook_verify_token(self.key, provider)
        subscription = await role.subscribe(callback_url, verify_token=verify_token)
        await self.subscriptions.save(provider, subscription)
        return subscription
