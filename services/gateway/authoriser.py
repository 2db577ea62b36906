"""From the Authorization header to the user."""

from __future__ import annotations

from syncwell.adapters.identity.token_verifier import TokenVerifier
from syncwell.adapters.identity.verdict_cache import VerdictCache
from syncwell.domain.errors import NotAuthenticatedError
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
        if authorization is None or authorization[: len(_SCHEME)].lower() != _SCHEME:
            raise NotAuthenticatedError("send a token: Authorization: Bearer <JWT>")
        token = authorization[len(_SCHEME) :].strip()
        remembered = self._verdicts.get(token)
        if remembered is not None:
            return remembered
        identity = await self._verifier.verify(token.decode("latin-1"))
        user_id = await self._recognise(issuer=identity.issuer, subject=identity.subject)
        self._verdicts.put(token, user_id, expires_at_ms=identity.expires_at_ms)
        return user_id
