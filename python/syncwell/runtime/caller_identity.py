"""How services prove themselves to each other in the embedded profile: a key file for each, private to the user.

The distributed profile uses mutual TLS instead; both answer the same question, who is calling.
"""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path
from typing import Any

import grpc

from syncwell.adapters.grpc.channel import AUTHORIZATION_KEY, CALLER_KEY
from syncwell.domain.errors import NotAuthenticatedError, PermissionDeniedError, SetupError

KEY_BYTES = 32


def load_identity(keys_dir: Path, service: str) -> tuple[str, str]:
    """Returns (name, key) of `service`, making the key at first use.

    Raises:
        SetupError: the key file cannot be made or read, or others can read it.
    """
    path = keys_dir / f"caller-{service}.key"
    try:
        _create_once(path)
        if path.stat().st_mode & 0o077:
            raise SetupError(f"{path} can be read by others; run: chmod 600 {path}")
        return service, path.read_text("ascii")
    except OSError as exc:
        raise SetupError(f"cannot use the key file {path}: {exc.strerror}") from exc


class CallerVerifier:
    """Tells which service is calling."""

    def __init__(self, keys_dir: Path) -> None:
        self._keys_dir = keys_dir

    def require(
        self,
        context: grpc.aio.ServicerContext[Any, Any],  # Any: of every method's messages; only metadata is read here
        *allowed: str,
    ) -> str:
        """Returns the caller's name if it is proven and among `allowed`.

        Raises:
            NotAuthenticatedError: no proof, or a wrong one.
            PermissionDeniedError: a proven caller that may not do this.
        """
        metadata = dict(context.invocation_metadata() or ())
        name, proof = str(metadata.get(CALLER_KEY, "")), str(metadata.get(AUTHORIZATION_KEY, ""))
        if not name.isidentifier():
            raise NotAuthenticatedError("this call needs a service identity")
        _, key = load_identity(self._keys_dir, name) if name in allowed else (name, "")
        if name not in allowed:
            raise PermissionDeniedError(f"the service {name!r} may not make this call")
        if not hmac.compare_digest(proof.encode(), f"Bearer {key}".encode()):
            raise NotAuthenticatedError("the service identity is wrong")
        return name


def _create_once(path: Path) -> None:
    if path.exists():
        return
    draft = path.with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES))
        file.flush()
        os.fsync(descriptor)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first; its key holds
    finally:
        draft.unlink()
