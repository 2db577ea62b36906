"""From the Authorization header to the user."""

from __future__ import annotations

from syncwell.adapters.identity.token_verifier import TokenVerifier
from syncwell.adapters.identity.verdict_cache import VerdictCache
from syncwell.domain.errors import NotAuthenticatedError, PermissionDeniedError
from syncwell.domain.records import UserId
from syncwell.usecases.recognise_user import RecogniseUser

_SCHEME = b"bearer "


class Authoriser:
    """Says who is calling. A verdict is remembered for minutes; everything else is verified."""

    def __init__(self, verifier: TokenVerifier, verdicts: VerdictCache, recognise: RecogniseUser) -> None:
        self._verifier = verifier
        self._verdicts = verdicts
        self._recognise = recognise

    async def user_of(self, authorization: bytes | None) -> UserId:
        """Returns the user that the bearer token speaks of.

        Raises:
            NotAuthenticatedError: no token, or no good one.
            UnavailableError: the issuer's keys or the store cannot be reached.
        """
        token = _token_in(authorization)
        remembered = self._verdicts.get(token)
        if remembered is not None:
            return remembered
        identity = await self._verifier.verify(token.decode("latin-1"))
        user_id = await self._recognise(issuer=identity.issuer, subject=identity.subject)
        self._verdicts.put(token, user_id, expires_at_ms=identity.expires_at_ms)
        return user_id

    async def require_role(self, authorization: bytes | None, role: str) -> None:
        """Returns where the token's issuer says that its person has `role`. Rarely asked, so never remembered.

        Raises:
            PermissionDeniedError: the person does not have it.
            NotAuthenticatedError: no token, or no good one.
            UnavailableError: the issuer's keys cannot be reached.
        """
        identity = await self._verifier.verify(_token_in(authorization).decode("latin-1"))
        if role not in identity.roles:
            raise PermissionDeniedError(f"this needs the role {role}", role=role)


def _token_in(authorization: bytes | None) -> bytes:
    if authorization is None or authorization[: len(_SCHEME)].lower() != _SCHEME:
        raise NotAuthenticatedError("send a token: Authorization: Bearer <JWT>")
    return authorization[len(_SCHEME) :].strip()
