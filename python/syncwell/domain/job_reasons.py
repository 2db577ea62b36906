"""Why a job waits or failed: the closed lists that API, console and metrics know."""

from __future__ import annotations

from enum import StrEnum


class WaitReason(StrEnum):
    """Why a queued job is not running."""

    RETRY_AFTER_ERROR = "retry_after_error"
    PROVIDER_THROTTLED = "provider_throttled"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    SECRET_STORE_UNAVAILABLE = "secret_store_unavailable"  # noqa: S105 - a reason, not a secret
    DESTINATION_VISIBILITY = "destination_visibility"
    RECORD_IN_PROGRESS = "record_in_progress"
    REDRIVEN = "redriven"


class FailureReason(StrEnum):
    """Why a job was given up."""

    REAUTH = "reauth"
    CONNECTION_REVOKED = "connection_revoked"
    CONNECTION_INACTIVE = "connection_inactive"
    UNSUPPORTED_PAIR = "unsupported_pair"
    TOO_MANY_RECORDS = "too_many_records"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    PROVIDER_INVALID = "provider_invalid"
    PROVIDER_REFUSED = "provider_refused"
    INTERNAL = "internal"
    POISON_PROCESS_KILLER = "poison_process_killer"
