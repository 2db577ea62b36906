"""Fixed buckets and the shards that take them.

A person's bucket never changes; how many shards share the buckets may change at any time.
"""

from __future__ import annotations

from collections.abc import Sequence

from syncwell import _core
from syncwell.domain.errors import InvalidInputError
from syncwell.domain.records import UserId

BUCKET_COUNT = 256
"""Fixed for ever: bucket numbers are stored in index keys."""


def bucket_of(user_id: UserId) -> int:
    """Returns the person's bucket, 0 to 255: the lowest byte of `murmur3_32` with seed 0 over the UTF-8 of the id.

    Raises:
        InvalidInputError: the id is not valid Unicode.
    """
    return _core.murmur3_32(user_id) % BUCKET_COUNT


def buckets_of(user_ids: Sequence[UserId]) -> bytes:
    """Returns the bucket of each person, one byte each, in order.

    Raises:
        InvalidInputError: an id is not valid Unicode.
    """
    return _core.buckets([*user_ids])


def buckets_of_shard(shard: int, shard_count: int) -> range:
    """Returns the buckets that shard `shard` of `shard_count` takes: those that leave the rest `shard`.

    Raises:
        InvalidInputError: `shard_count` is not 1 to 256, or `shard` is not below it.
    """
    if not (1 <= shard_count <= BUCKET_COUNT and 0 <= shard < shard_count):
        raise InvalidInputError("shard must be below shard_count, which is 1 to 256", field="shard")
    return range(shard, BUCKET_COUNT, shard_count)
