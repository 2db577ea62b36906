from __future__ import annotations

from datetime import timedelta

import grpc
import pytest
from grpc_status import rpc_status

from syncwell.adapters.grpc import errors as wire
from syncwell.domain import errors


def every_class(root: type[errors.SyncWellError]) -> list[type[errors.SyncWellError]]:
    return [root, *(leaf for child in root.__subclasses__() for leaf in every_class(child))]


def make(error_class: type[errors.SyncWellError]) -> errors.SyncWellError:
    if issubclass(error_class, errors.ConditionFailedError):
        return error_class([1, 3])
    if issubclass(error_class, errors.ProviderThrottledError):
        return error_class("later", retry_after=timedelta(seconds=7), provider="strava")
    return error_class("do this", field="x")


def over_the_wire(error: errors.SyncWellError) -> errors.SyncWellError:
    status = rpc_status.to_status(wire.status_of(error))
    rpc_error = grpc.aio.AioRpcError(
        status.code, grpc.aio.Metadata(), grpc.aio.Metadata(*status.trailing_metadata), details=status.details
    )
    return wire.error_of(rpc_error, unavailable=errors.UnavailableError)


@pytest.mark.parametrize("error_class", every_class(errors.SyncWellError), ids=lambda cls: cls.__name__)
def test_every_error_survives_the_wire(error_class: type[errors.SyncWellError]) -> None:
    """An error raised behind gRPC is raised again as the same class with the same fields."""
    error = make(error_class)

    back = over_the_wire(error)

    assert type(back) is error_class
    assert str(back) == str(error)
    for name, value in error.fields.items():
        assert back.fields[name] == value


def test_retry_after_survives_the_wire() -> None:
    """The delay of a throttled call reaches the caller."""
    back = over_the_wire(errors.LimitExceededError("slow down", retry_after=timedelta(milliseconds=1500)))

    assert isinstance(back, errors.LimitExceededError)
    assert back.retry_after == timedelta(milliseconds=1500)


def test_refused_positions_survive_the_wire() -> None:
    """A failed transaction says which writes were refused."""
    back = over_the_wire(errors.ConditionFailedError([0, 4]))

    assert isinstance(back, errors.ConditionFailedError)
    assert back.failed == (0, 4)


def test_silence_becomes_the_named_unavailability() -> None:
    """A call that no service answered raises what the client names."""
    rpc_error = grpc.aio.AioRpcError(grpc.StatusCode.DEADLINE_EXCEEDED, grpc.aio.Metadata(), grpc.aio.Metadata())

    error = wire.error_of(rpc_error, unavailable=errors.SecretStoreUnavailableError)

    assert isinstance(error, errors.SecretStoreUnavailableError)


def test_codes_are_unique() -> None:
    """No two errors share a code, or one would come back as the other."""
    codes = [error_class.code for error_class in every_class(errors.SyncWellError)]
    # ProviderError's own subclasses and the root are all listed once.
    assert len(codes) == len(set(codes))
    assert set(codes) == set(wire.STATUS_BY_CODE)
