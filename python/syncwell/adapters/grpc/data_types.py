"""Data types between protobuf and the domain."""

from __future__ import annotations

from syncwell.api.common.v1 import common_pb2
from syncwell.domain.errors import InvalidInputError
from syncwell.domain.records import DataType

_TO_DOMAIN = {
    common_pb2.DATA_TYPE_WORKOUT: DataType.WORKOUT,
    common_pb2.DATA_TYPE_SLEEP_SESSION: DataType.SLEEP_SESSION,
    common_pb2.DATA_TYPE_STEPS: DataType.STEPS,
    common_pb2.DATA_TYPE_WEIGHT: DataType.WEIGHT,
}
_TO_PROTO = {domain: proto for proto, domain in _TO_DOMAIN.items()}


def data_type_of(value: common_pb2.DataType.ValueType) -> DataType:
    """Returns the domain's type.

    Raises:
        InvalidInputError: unspecified, or newer than this program.
    """
    try:
        return _TO_DOMAIN[value]
    except KeyError:
        raise InvalidInputError("unknown data type", field="data_type") from None


def data_type_to_proto(value: DataType) -> common_pb2.DataType.ValueType:
    """Returns the protobuf value."""
    return _TO_PROTO[value]
