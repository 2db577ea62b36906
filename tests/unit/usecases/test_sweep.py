from __future__ import annotations

from syncwell.domain.errors import StoreUnavailableError
from syncwell.domain.records import UserId
from syncwell.domain.sharding import BUCKET_COUNT, bucket_of
from syncwell.usecases.sweep import Sweep
from tests.unit.fakes.clock import FakeClock


class Recorder:
    """Stands for both use cases: notes which buckets it was asked about."""

    def __init__(self, found: int = 0, fails_at: int | None = None) -> None:
        self.buckets: list[int] = []
        self._found = found
        self._fails_at = fails_at

    async def requeue_due(self, bucket: int) -> int:
        if bucket == self._fails_at:
            raise StoreUnavailableError("gone")
        self.buckets.append(bucket)
        return self._found

    async def publish_due(self, bucket: int) -> int:
        return self._found


def sweep_of(recorder: Recorder, *, held: list[int], count: int) -> Sweep:
    return Sweep(recorder, recorder, FakeClock(), held_shards=held, shard_count=count)  # type: ignore[arg-type]  # reason: a double


async def test_shards_cover_every_bucket_once() -> None:
    """Whatever the number of shards, together they sweep each of the 256 buckets exactly once."""
    for count in (1, 3, 16, 256):
        swept: list[int] = []
        for shard in range(count):
            recorder = Recorder()
            await sweep_of(recorder, held=[shard], count=count).run_once()
            swept += recorder.buckets
        assert sorted(swept) == list(range(BUCKET_COUNT))


async def test_every_user_is_in_a_swept_bucket() -> None:
    """A user's bucket is one of those that are swept."""
    assert all(0 <= bucket_of(UserId(f"usr_{number}")) < BUCKET_COUNT for number in range(1000))


async def test_a_broken_round_is_counted_and_goes_on_next_time() -> None:
    """When the store goes away half-way, what was done is counted and nothing is raised."""
    recorder = Recorder(found=1, fails_at=10)
    sweep = sweep_of(recorder, held=[0], count=1)

    assert not await sweep.run_once()
    assert sweep.status.requeued_count == 10
    assert sweep.status.last_sweep_ms is not None
