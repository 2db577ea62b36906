"""Job ids and request fingerprints: why the job row can be its own idempotency record (design D10)."""

from __future__ import annotations

import hashlib
import uuid

from syncwell.domain.jobs import JobId, JobRequest
from syncwell.domain.records import UserId

JOB_ID_PREFIX = "job_"
_DIGEST_BYTES = 16


def job_id_for(key: bytes, user_id: UserId, route: str, idempotency_key: str) -> JobId:
    """Returns the one job id of a user's idempotency key on a route, shaped like a random UUID.

    `key` is the installation's secret, at least 16 bytes, so that nobody can compute the ids of others.
    """
    digest = hashlib.blake2b(_joined(user_id, route, idempotency_key), key=key[:64], digest_size=_DIGEST_BYTES).digest()
    return JobId(f"{JOB_ID_PREFIX}{uuid.UUID(bytes=digest, version=4)}")


def request_fingerprint(request: JobRequest) -> str:
    """Returns a digest that two requests share only if they ask for the same."""
    asked = request.date_range
    parts: tuple[str, ...] = (
        request.user_id,
        request.source_connection_id,
        request.destination_connection_id,
        request.data_type,
        request.mode,
        request.priority,
        "" if asked is None else f"{asked.start_ms}-{asked.end_ms}",
        str(request.is_dry_run),
    )
    if request.undo_of is not None:
        parts += (request.undo_of,)
    return hashlib.blake2b(_joined(*parts), digest_size=_DIGEST_BYTES).hexdigest()


def _joined(*parts: str) -> bytes:
    """Joins with lengths, so that no two lists of parts give the same bytes."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
