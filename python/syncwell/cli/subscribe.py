"""`syncwell subscribe`: orders a provider's events, so that new workouts are synced as they come."""

from __future__ import annotations

import secrets

from syncwell.adapters.private_file import load_or_create
from syncwell.domain.errors import NotFoundError
from syncwell.ports.webhooks import Subscription
from syncwell.providers.registry import InstalledProviders
from syncwell.repositories.subscriptions import Subscriptions
from syncwell.runtime.backends import open_backends
from syncwell.runtime.clock import make_clock
from syncwell.runtime.provider_settings import ProviderFileSettings, load_providers
from syncwell.runtime.settings import prepare_directories
from syncwell.usecases.subscribe_webhooks import SubscribeWebhooks

WEBHOOK_KEY_FILE = "webhooks.key"  # the same file for the gateway, which answers the provider
KEY_BYTES = 32


async def subscribe_to(settings: ProviderFileSettings, provider: str, callback: str) -> Subscription:
    """Orders the events of `provider` for the gateway at `callback`; store and gateway must run.

    Raises:
        NotFoundError: the provider is not installed here, or has no events to order.
        InvalidInputError: `callback` is no URL of a gateway.
        ConflictError: the provider sends this application's events elsewhere.
        ProviderError: the provider refused or did not answer.
        StoreUnavailableError: the store does not run.
    """
    prepare_directories(settings)
    registry = InstalledProviders(load_providers(settings).settings, make_clock(settings))
    try:
        role = registry.webhooks(provider)
        if role is None:
            raise NotFoundError(f"{provider} has no events to subscribe to here; see SYNCWELL_PROVIDERS_FILE")
        key = load_or_create(settings.keys_dir / WEBHOOK_KEY_FILE, lambda: secrets.token_bytes(KEY_BYTES))
        async with open_backends(settings) as backends:
            return await SubscribeWebhooks(Subscriptions(backends.items), key).run(provider, role, callback)
    finally:
        await registry.aclose()
