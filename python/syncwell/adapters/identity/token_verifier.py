"""Verifies bearer tokens: signature, algorithm, issuer, audience, times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

import jwt

from syncwell.adapters.identity.identity import (
    LEEWAY,
    ROLES_CLAIM,
    ROLES_MAX,
    SUBJECT_CHARACTERS_MAX,
    Identity,
    TrustedIssuer,
)
from syncwell.domain.errors import NotAuthenticatedError
from syncwell.ports.clock import Clock

TOKEN_BYTES_MAX = 8_192
KEY_ID_CHARACTERS_MAX = 200

# PyJWT would read the machine's clock; times are judged by ours, below.
_CHECKS = {
    "require": ["iss", "aud", "sub", "exp"],
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


class TokenVerifier:
    """Accepts tokens of the trusted issuers and of nobody else."""

    def __init__(self, issuers: Sequence[TrustedIssuer], clock: Clock) -> None:
        self._issuers: Mapping[str, TrustedIssuer] = {trusted.issuer: trusted for trusted in issuers}
        self._clock = clock

    async def verify(self, token: str) -> Identity:
        """Returns whom `token` speaks of.

        Raises:
            NotAuthenticatedError: malformed, expired, not yet valid, forged, or meant for somebody else. The text
                names the rule and never repeats the token.
            UnavailableError: the issuer's keys cannot be had now.
        """
        if len(token) > TOKEN_BYTES_MAX:
            _refuse("the token is too long")
        trusted, key_id = self._peek(token)
        key = await trusted.keys.find(key_id)
        if key is None:
            _refuse("the token is signed with an unknown key")
        if key.algorithm_name not in trusted.algorithms:
            _refuse("the token's key is of a kind that is not accepted")
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=trusted.audience,
                issuer=trusted.issuer,
                options=_CHECKS,  # type: ignore[arg-type]  # reason: PyJWT types options as its own TypedDict
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as exc:
            raise NotAuthenticatedError(f"the token is not valid: {_reason(exc)}") from exc
        return self._judge_times(trusted, claims)

    def _peek(self, token: str) -> tuple[TrustedIssuer, str]:
        """Reads who claims to have signed; nothing of it is believed before the signature is checked."""
        try:
            unverified = jwt.decode_complete(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as exc:
            raise NotAuthenticatedError("the token is malformed") from exc
        issuer, key_id = unverified["payload"].get("iss"), unverified["header"].get("kid")
        trusted = self._issuers.get(issuer) if isinstance(issuer, str) else None
        if trusted is None:
            _refuse("the token's issuer is not trusted here")
        if not isinstance(key_id, str) or not 0 < len(key_id) <= KEY_ID_CHARACTERS_MAX:
            _refuse("the token does not name its key")
        return trusted, key_id

    def _judge_times(self, trusted: TrustedIssuer, claims: Mapping[str, object]) -> Identity:
        now_s = self._clock.now_ms() / 1000
        leeway_s = LEEWAY.total_seconds()
        subject = claims["sub"]
        expires_s = _seconds(claims, "exp")
        if now_s >= expires_s + leeway_s:
            _refuse("the token has expired")
        for claim in ("nbf", "iat"):
            if claim in claims and _seconds(claims, claim) > now_s + leeway_s:
                _refuse("the token is not valid yet")
        if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_CHARACTERS_MAX:
            _refuse("the token's subject is empty or too long")
        expires_at_ms = int((expires_s + leeway_s) * 1000)
        return Identity(trusted.issuer, subject, expires_at_ms, roles=_roles(claims.get(ROLES_CLAIM)))


def _roles(claim: object) -> frozenset[str]:
    """Returns the roles in a claim; one that is no short list of texts gives none."""
    if not isinstance(claim, list) or len(claim) > ROLES_MAX:
        return frozenset()
    return frozenset(role for role in claim if isinstance(role, str))


def _seconds(claims: Mapping[str, object], claim: str) -> float:
    value = claims[claim]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        _refuse(f"the token's {claim} is not a time")
    return float(value)


def _reason(exc: Exception) -> str:
    match exc:
        case jwt.InvalidSignatureError():
            return "wrong signature"
        case jwt.InvalidAudienceError():
            return "meant for another audience"
        case jwt.MissingRequiredClaimError():
            return f"no {exc.claim}"
        case _:
            return "malformed"


def _refuse(message: str) -> NoReturn:
    raise NotAuthenticatedError(message)
