"""Every error that SyncWell raises, as one tree.

    SyncWellError
    ├── InvalidInputError            the caller must change the request
    │   ├── IdempotencyKeyReusedError
    │   ├── InvalidFileError
    │   └── UnsupportedPairError
    ├── NotFoundError                nothing there, or not the caller's
    ├── ConflictError                the state does not allow it
    │   ├── RequestInProgressError
    │   ├── VersionConflictError
    │   ├── AccountLinkedElsewhereError
    │   └── UndoUnsupportedError
    ├── NotAuthenticatedError        no valid token
    ├── PermissionDeniedError        valid caller, not allowed
    ├── LimitExceededError           too much, too fast, too large
    ├── UnavailableError             try again, nothing was done
    │   ├── StoreUnavailableError
    │   ├── SecretStoreUnavailableError
    │   └── StorageFullError
    ├── OutcomeUnknownError          it may or may not have been done
    ├── ConditionFailedError         a conditional write was refused
    ├── FenceLostError               another worker owns the job now
    ├── JobCancelledError            its user asks the running job to stop
    ├── ProviderError
    │   ├── ProviderUnavailableError    5xx, time-out, connection lost
    │   ├── ProviderThrottledError      429 or our own budget
    │   ├── ProviderRefusedError        a permanent 4xx
    │   ├── ProviderInvalidAnswerError  not what the provider documents
    │   └── ReauthenticationNeededError the person must connect again
    ├── CommandFailedError           a step of a command did not end as it must
    └── SetupError                   the installation is wrong; says how to mend it
        └── StaleNativeBuildError

`code` is stable and travels over gRPC and REST; `fields` holds what a program may read. Messages say what to do and
never hold a token, a note or a health value.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar


class SyncWellError(Exception):
    """The root; never raised itself."""

    code: ClassVar[str] = "internal"
    is_retryable: ClassVar[bool] = False

    def __init__(self, message: str, /, **fields: str) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields


class InvalidInputError(SyncWellError):
    """The request cannot be served as it stands; `fields` names the wrong part."""

    code = "invalid_input"


class IdempotencyKeyReusedError(InvalidInputError):
    """The same Idempotency-Key came with another body."""

    code = "idempotency_key_reused"


class InvalidFileError(InvalidInputError):
    """An activity file is truncated, lying, too large or not of its kind."""

    code = "invalid_file"


class UnsupportedPairError(InvalidInputError):
    """The two providers cannot carry this data type from one to the other."""

    code = "unsupported_pair"


class NotFoundError(SyncWellError):
    """There is no such thing, or it belongs to somebody else."""

    code = "not_found"


class ConflictError(SyncWellError):
    """The present state does not allow the request."""

    code = "conflict"


class RequestInProgressError(ConflictError):
    """The first request with this Idempotency-Key still runs."""

    code = "request_in_progress"
    is_retryable = True


class VersionConflictError(ConflictError):
    """The item was changed since the caller read it."""

    code = "version_conflict"


class AccountLinkedElsewhereError(ConflictError):
    """The external account is already linked to another user."""

    code = "account_linked_elsewhere"


class UndoUnsupportedError(ConflictError):
    """The destination cannot remove what the job wrote; `fields` tell what stays."""

    code = "undo_unsupported"


class NotAuthenticatedError(SyncWellError):
    """The request carries no valid token."""

    code = "not_authenticated"


class PermissionDeniedError(SyncWellError):
    """The caller is known but may not do this."""

    code = "permission_denied"


class LimitExceededError(SyncWellError):
    """A bound on rate, size or depth was passed; `retry_after` says when to try again, if ever."""

    code = "limit_exceeded"
    is_retryable = True

    def __init__(self, message: str, /, *, retry_after: timedelta | None = None, **fields: str) -> None:
        super().__init__(message, **fields)
        self.retry_after = retry_after


class UnavailableError(SyncWellError):
    """A dependency did not serve the call; nothing was done."""

    code = "unavailable"
    is_retryable = True


class StoreUnavailableError(UnavailableError):
    """The item store, queue or event log cannot be reached; nothing was written."""

    code = "store_unavailable"


class SecretStoreUnavailableError(UnavailableError):
    """The credentials service or its key store cannot be reached."""

    code = "secret_store_unavailable"


class StorageFullError(UnavailableError):
    """The disk of the store is full: reads are served, writes are refused."""

    code = "storage_full"


class OutcomeUnknownError(SyncWellError):
    """The answer to a write was lost: read back before deciding."""

    code = "outcome_unknown"


class ConditionFailedError(SyncWellError):
    """A conditional write was refused; `failed` holds the positions of the refused writes."""

    code = "condition_failed"

    def __init__(self, failed: Sequence[int]) -> None:
        super().__init__(f"refused writes at positions {list(failed)}")
        self.failed = tuple(failed)


class FenceLostError(SyncWellError):
    """Another worker has claimed the job since; this one must stop without writing."""

    code = "fence_lost"


class JobCancelledError(SyncWellError):
    """The job's user wants it to stop: nothing more may be written for it."""

    code = "job_cancelled"


class ProviderError(SyncWellError):
    """A provider call failed; `fields["provider"]` says whose."""

    code = "provider_error"


class ProviderUnavailableError(ProviderError):
    """5xx, time-out or lost connection: the outcome of a write is unknown."""

    code = "provider_unavailable"
    is_retryable = True


class ProviderThrottledError(ProviderError):
    """The provider or our own budget says not now."""

    code = "provider_throttled"
    is_retryable = True

    def __init__(self, message: str, /, *, retry_after: timedelta, **fields: str) -> None:
        super().__init__(message, **fields)
        self.retry_after = retry_after


class ProviderRefusedError(ProviderError):
    """The provider refused for good; the same call will be refused again."""

    code = "provider_refused"


class ProviderInvalidAnswerError(ProviderError):
    """The provider answered something that it does not document (HTML, wrong types, endless bodies)."""

    code = "provider_invalid"


class ReauthenticationNeededError(ProviderError):
    """The grant is gone: only the person can connect the account again."""

    code = "reauthentication_needed"


class CommandFailedError(SyncWellError):
    """A step that a command of the command line depends on did not end as it must."""

    code = "command_failed"


class SetupError(SyncWellError):
    """The installation or its settings are wrong; the message says how to mend it."""

    code = "setup"


class StaleNativeBuildError(SetupError):
    """The native core was built from other sources than those beside it."""

    code = "stale_native_build"
