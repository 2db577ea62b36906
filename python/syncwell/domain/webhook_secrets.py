"""The two secrets of a provider's webhook, derived from one key: the path that only the provider is told, and the token
that proves that a verification is ours."""

from __future__ import annotations

import hashlib
import hmac

_DIGEST_BYTES = 20


def webhook_path_secret(key: bytes, provider: str) -> str:
    """Returns the last part of the callback's path: 40 letters that nobody can guess."""
    return _derive(key, f"path:{provider}")


def webhook_verify_token(key: bytes, provider: str) -> str:
    """Returns the token that the provider repeats when it verifies the callback."""
    return _derive(key, f"verify:{provider}")


def is_same_secret(given: str, secret: str) -> bool:
    """Compares without telling by its time how much of `given` was right."""
    return hmac.compare_digest(given.encode(), secret.encode())


def _derive(key: bytes, purpose: str) -> str:
    return hashlib.blake2b(purpose.encode(), key=key[:64], digest_size=_DIGEST_BYTES).hexdigest()
