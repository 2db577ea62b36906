"""Whose tokens this installation accepts."""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp

from services.gateway.settings import Settings
from syncwell.adapters.identity.development_issuer import DevelopmentIssuer
from syncwell.adapters.identity.identity import TrustedIssuer
from syncwell.adapters.identity.jwks_key_set import JwksKeySet
from syncwell.domain.errors import SetupError
from syncwell.ports.clock import Clock
from syncwell.runtime.settings import Profile


def make_issuers(settings: Settings, http: aiohttp.ClientSession, clock: Clock) -> Sequence[TrustedIssuer]:
    """Returns the configured identity providers; the development issuer too, but never in production.

    Raises:
        SetupError: there is none, or one is configured by half.
    """
    issuers = []
    if settings.firebase_project:
        keys = JwksKeySet(settings.firebase_keys_url, http=http, clock=clock)
        issuer = f"https://securetoken.google.com/{settings.firebase_project}"
        issuers.append(TrustedIssuer(issuer, settings.firebase_project, keys, ("RS256",)))
    if settings.cognito_issuer:
        if not settings.cognito_client_id:
            raise SetupError("SYNCWELL_COGNITO_ISSUER is set; set SYNCWELL_COGNITO_CLIENT_ID too")
        keys = JwksKeySet(f"{settings.cognito_issuer}/.well-known/jwks.json", http=http, clock=clock)
        issuers.append(TrustedIssuer(settings.cognito_issuer, settings.cognito_client_id, keys, ("RS256",)))
    if settings.profile is not Profile.PRODUCTION:
        issuers.append(DevelopmentIssuer(settings.keys_dir).trusted())
    if not issuers:
        raise SetupError("nobody could sign in: set SYNCWELL_FIREBASE_PROJECT or SYNCWELL_COGNITO_ISSUER")
    return issuers
