"""Buckets never change, shards share them."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import mmh3
import pytest

from syncwell import _core
from syncwell.domain.errors import InvalidInputError
from syncwell.domain.records import UserId
from syncwell.domain.sharding import BUCKET_COUNT, bucket_of, buckets_of, buckets_of_shard

VECTORS = Path(__file__).parents[2] / "vectors" / "murmur3_32.json"


def test_published_vectors_hold() -> None:
    """The hash gives the published values, unsigned."""
    rows = json.loads(VECTORS.read_text())["vectors"]
    assert len(rows) > 50
    for row in rows:
        assert _core.murmur3_32(bytes.fromhex(row["input_hex"]), row["seed"]) == row["hash"]


def test_hash_agrees_with_mmh3_on_any_bytes() -> None:
    """Bytes of every length up to 300, any seed, one by one and in batch, hash as mmh3 does."""
    random = Random(32)
    items = [random.randbytes(length) for length in range(300)]
    seed = random.randrange(2**32)
    expected = [mmh3.hash(item, seed, signed=False) for item in items]
    assert [_core.murmur3_32(item, seed) for item in items] == expected
    assert _core.murmur3_32_many(items, seed) == expected


def test_text_is_hashed_as_utf8() -> None:
    """An id of any script has the bucket of its UTF-8 bytes."""
    ids = [UserId(text) for text in ("", "user-1", "ünïcødé", "利用者", "\U0001f6b4")]
    assert [bucket_of(id_) for id_ in ids] == [mmh3.hash(id_, signed=False) & 255 for id_ in ids]
    assert list(buckets_of(ids)) == [bucket_of(id_) for id_ in ids]


@pytest.mark.parametrize("shard_count", [1, 3, 16, 255, 256])
def test_shards_share_all_buckets_without_overlap(shard_count: int) -> None:
    """Whatever the number of shards, each bucket has exactly one."""
    taken = [bucket for shard in range(shard_count) for bucket in buckets_of_shard(shard, shard_count)]
    assert sorted(taken) == list(range(BUCKET_COUNT))


@pytest.mark.parametrize(("shard", "shard_count"), [(0, 0), (0, 257), (4, 4), (-1, 4)])
def test_impossible_shard_is_refused(shard: int, shard_count: int) -> None:
    """A shard that cannot exist is an error, not an empty range."""
    with pytest.raises(InvalidInputError):
        buckets_of_shard(shard, shard_count)


def test_id_that_is_no_text_is_refused() -> None:
    """A lone surrogate and a seed out of range are bad input of our own tree."""
    with pytest.raises(InvalidInputError):
        bucket_of(UserId("\ud800"))
    with pytest.raises(InvalidInputError):
        _core.murmur3_32("a", 2**32)
