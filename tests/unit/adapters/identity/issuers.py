"""A key pair and its key set, for tests of verification."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from typing import Any  # reason: claims are JSON

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "https://issuer.example"
AUDIENCE = "app"


class TestIssuer:
    """Signs anything, with RS256."""

    __test__ = False

    def __init__(self, key_id: str = "one") -> None:
        self.key_id = key_id
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def jwk(self) -> dict[str, Any]:  # reason: see the import
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {**public, "kid": self.key_id, "use": "sig", "alg": "RS256"}

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        return jwt.PyJWK.from_dict(self.jwk) if key_id == self.key_id else None

    def sign(self, claims: Mapping[str, Any], **headers: str | None) -> str:  # reason: see the import
        kept = {name: value for name, value in {"kid": self.key_id, **headers}.items() if value is not None}
        # Below `jwt.encode`, which refuses to sign claims of wrong types.
        return jwt.PyJWS().encode(json.dumps(dict(claims)).encode(), self.key, algorithm="RS256", headers=kept)


def sign_with_secret(claims: Mapping[str, Any], secret: bytes, *, key_id: str) -> str:  # reason: see the import
    """Returns an HMAC token under any secret, a public key too."""
    parts = ({"alg": "HS256", "typ": "JWT", "kid": key_id}, dict(claims))
    signed = b".".join(_encode(json.dumps(part).encode()) for part in parts)
    return (signed + b"." + _encode(hmac.digest(secret, signed, "sha256"))).decode()


def _encode(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")
