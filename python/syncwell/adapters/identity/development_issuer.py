"""Signs tokens for people who develop or run SyncWell on one machine without an identity provider."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from syncwell.adapters.identity.identity import ROLES_CLAIM, SUBJECT_CHARACTERS_MAX, TrustedIssuer
from syncwell.adapters.private_file import load_or_create
from syncwell.domain.errors import InvalidInputError, SetupError
from syncwell.ports.clock import Clock

ISSUER = "https://syncwell.invalid/development"
AUDIENCE = "syncwell"
ALGORITHM = "ES256"
KEY_FILE = "development-issuer.pem"
LIFETIME_MAX = timedelta(days=30)


class DevelopmentIssuer:
    """Holds the installation's signing key: a file that only its user can read, made at first use.

    Warning:
        Whoever reads the key file is every user. `TrustedIssuer`s of a production profile never include this one.
    """

    def __init__(self, keys_dir: Path) -> None:
        self._key = _load_key(keys_dir / KEY_FILE)
        self._key_id = _key_id(self._key)

    def mint(self, subject: str, *, clock: Clock, lifetime: timedelta, roles: Sequence[str] = ()) -> str:
        """Returns a signed token for `subject`, who has `roles`.

        Raises:
            InvalidInputError: the subject is empty or too long, or the lifetime is not within 30 days.
        """
        if not 0 < len(subject) <= SUBJECT_CHARACTERS_MAX:
            raise InvalidInputError(f"a subject has 1 to {SUBJECT_CHARACTERS_MAX} characters", field="subject")
        if not timedelta(0) < lifetime <= LIFETIME_MAX:
            raise InvalidInputError(f"a token lives at most {LIFETIME_MAX.days} days", field="lifetime")
        issued_s = clock.now_ms() // 1000
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": issued_s,
            "exp": issued_s + int(lifetime.total_seconds()),
            **({ROLES_CLAIM: list(roles)} if roles else {}),
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": self._key_id})

    def trusted(self) -> TrustedIssuer:
        """Returns this issuer as a verifier trusts it."""
        return TrustedIssuer(issuer=ISSUER, audience=AUDIENCE, keys=self, algorithms=(ALGORITHM,))

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        """Returns the public key where `key_id` names it."""
        if key_id != self._key_id:
            return None
        jwk = jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return jwt.PyJWK.from_dict({**jwk, "kid": key_id, "use": "sig"}, algorithm=ALGORITHM)


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(load_or_create(path, _new_pem), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise SetupError(f"{path} is damaged; remove it, and mint tokens anew", path=str(path)) from exc
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SetupError(f"{path} is not a P-256 key; remove it, and mint tokens anew", path=str(path))
    return key


def _new_pem() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _key_id(key: ec.EllipticCurvePrivateKey) -> str:
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(public).hexdigest()[:16]
