"""Mints a development token: who needs one has a shell on the machine already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from syncwell.adapters.identity.development_issuer import DevelopmentIssuer
from syncwell.domain.errors import SetupError
from syncwell.runtime.clock import make_clock
from syncwell.runtime.settings import InstallationSettings, Profile, prepare_directories


def mint_development_token(
    settings: InstallationSettings, *, user: str, hours: float, roles: Sequence[str] = ()
) -> str:
    """Returns a token that this installation's gateway accepts for `user`; equal names are one user.

    Raises:
        SetupError: a production profile, or the key file cannot be used.
        InvalidInputError: the name or the lifetime is out of bounds.
    """
    if settings.profile is Profile.PRODUCTION:
        raise SetupError("development tokens are refused in the production profile; sign in with an identity provider")
    prepare_directories(settings)
    issuer = DevelopmentIssuer(settings.keys_dir)
    return issuer.mint(user, clock=make_clock(settings), lifetime=timedelta(hours=hours), roles=roles)
