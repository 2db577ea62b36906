"""The one table between our errors and gRPC statuses, both ways.

A status carries a `google.rpc.Status` with `syncwell.api.common.v1.ErrorDetail` (which error it is) and, where the
error knows when to try again, `google.rpc.RetryInfo`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from syncwell.api.common.v1.common_pb2 import ErrorDetail
from syncwell.domain import errors

STATUS_BY_CODE: dict[str, grpc.StatusCode] = {
    "invalid_input": grpc.StatusCode.INVALID_ARGUMENT,
    "idempotency_key_reused": grpc.StatusCode.INVALID_ARGUMENT,
    "invalid_file": grpc.StatusCode.INVALID_ARGUMENT,
    "unsupported_pair": grpc.StatusCode.INVALID_ARGUMENT,
    "not_found": grpc.StatusCode.NOT_FOUND,
    "conflict": grpc.StatusCode.FAILED_PRECONDITION,
    "request_in_progress": grpc.StatusCode.ABORTED,
    "version_conflict": grpc.StatusCode.ABORTED,
    "account_linked_elsewhere": grpc.StatusCode.ALREADY_EXISTS,
    "undo_unsupported": grpc.StatusCode.FAILED_PRECONDITION,
    "not_authenticated": grpc.StatusCode.UNAUTHENTICATED,
    "permission_denied": grpc.StatusCode.PERMISSION_DENIED,
    "limit_exceeded": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "unavailable": grpc.StatusCode.UNAVAILABLE,
    "store_unavailable": grpc.StatusCode.UNAVAILABLE,
    "secret_store_unavailable": grpc.StatusCode.UNAVAILABLE,
    "storage_full": grpc.StatusCode.UNAVAILABLE,
    "outcome_unknown": grpc.StatusCode.UNKNOWN,
    "condition_failed": grpc.StatusCode.ABORTED,
    "fence_lost": grpc.StatusCode.ABORTED,
    "job_cancelled": grpc.StatusCode.ABORTED,
    "provider_error": grpc.StatusCode.FAILED_PRECONDITION,
    "provider_unavailable": grpc.StatusCode.UNAVAILABLE,
    "provider_throttled": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "provider_refused": grpc.StatusCode.FAILED_PRECONDITION,
    "provider_invalid": grpc.StatusCode.FAILED_PRECONDITION,
    "reauthentication_needed": grpc.StatusCode.FAILED_PRECONDITION,
    "command_failed": grpc.StatusCode.INTERNAL,
    "setup": grpc.StatusCode.INTERNAL,
    "stale_native_build": grpc.StatusCode.INTERNAL,
    "internal": grpc.StatusCode.INTERNAL,
}


def status_of(error: errors.SyncWellError) -> status_pb2.Status:
    """Returns `error` as a `google.rpc.Status` with its details packed."""
    fields = dict(error.fields)
    if isinstance(error, errors.ConditionFailedError):
        fields["failed"] = ",".join(map(str, error.failed))
    status = status_pb2.Status(code=STATUS_BY_CODE[error.code].value[0], message=error.code)
    status.details.add().Pack(ErrorDetail(code=error.code, message=str(error), fields=fields))
    retry_after = _retry_after_of(error)
    if retry_after is not None:
        delay = Duration()
        delay.FromTimedelta(retry_after)
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    return status


def error_of(rpc_error: grpc.aio.AioRpcError, *, unavailable: type[errors.SyncWellError]) -> errors.SyncWellError:
    """Returns the error that the other service raised, or `unavailable` where it never answered."""
    status = rpc_status.from_call(rpc_error)
    detail, retry_after = (None, None) if status is None else _unpack(status)
    if detail is None:
        return unavailable(f"the service did not answer ({rpc_error.code().name.lower()}); try again")
    error_class = _CLASS_BY_CODE.get(detail.code, errors.SyncWellError)
    return _rebuild(error_class, detail, retry_after)


def _retry_after_of(error: errors.SyncWellError) -> timedelta | None:
    if isinstance(error, errors.LimitExceededError | errors.ProviderThrottledError):
        return error.retry_after
    return None


def _unpack(status: status_pb2.Status) -> tuple[ErrorDetail | None, timedelta | None]:
    detail: ErrorDetail | None = None
    retry_after: timedelta | None = None
    for packed in status.details:
        if packed.Is(ErrorDetail.DESCRIPTOR):
            detail = ErrorDetail()
            packed.Unpack(detail)
        elif packed.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
            info = error_details_pb2.RetryInfo()
            packed.Unpack(info)
            retry_after = info.retry_delay.ToTimedelta()
    return detail, retry_after


def _rebuild(
    error_class: type[errors.SyncWellError], detail: ErrorDetail, retry_after: timedelta | None
) -> errors.SyncWellError:
    fields = dict(detail.fields)
    if issubclass(error_class, errors.ConditionFailedError):
        return error_class([int(position) for position in fields.get("failed", "").split(",") if position])
    if issubclass(error_class, errors.ProviderThrottledError):
        return error_class(detail.message, retry_after=retry_after or timedelta(0), **fields)
    if issubclass(error_class, errors.LimitExceededError):
        return error_class(detail.message, retry_after=retry_after, **fields)
    return error_class(detail.message, **fields)


def _tree(root: type[errors.SyncWellError]) -> Iterator[type[errors.SyncWellError]]:
    yield root
    for child in root.__subclasses__():
        yield from _tree(child)


_CLASS_BY_CODE = {error_class.code: error_class for error_class in _tree(errors.SyncWellError)}
