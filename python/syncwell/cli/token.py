"""Mints a development token: who needs one has a shell on the machine already."""

from __future__ import annotations

from datetime import timedelta

from syncwell.adapters.identity.development_issuer import DevelopmentIssuer
from syncwell.domain.errors import SetupError
from syncwell.ports.clock import Clock
from syncwell.runtime.settings import InstallationSettings, Profile, prepare_directories

LIFETIME_DEFAULT = timedelta(hours=1)


def mint_development_token(
    settings: InstallationSettings, subject: str, *, clock: Clock, lifetime: timedelta = LIFETIME_DEFAULT
) -> str:
    """Returns a token that this installation's gateway accepts for `subject`; equal subjects are one user.

    Raises:
        SetupError: a production profile, or the key file cannot be used.
        InvalidInputError: the subject or the lifetime is out of bounds.
    """
    if settings.profile is Profile.PRODUCTION:
        raise SetupError("development tokens are refused in the production profile; sign in with an identity provider")
    prepare_directories(settings)
    return DevelopmentIssuer(settings.keys_dir).mint(subject, clock=clock, lifetime=lifetime)
