"""The scheduler's round: what was lost is found, bucket by bucket (design D3, D4, D11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from syncwell.domain.errors import OutcomeUnknownError, UnavailableError
from syncwell.domain.sharding import buckets_of_shard
from syncwell.ports.clock import Clock
from syncwell.usecases.publish_outbox import PublishOutbox
from syncwell.usecases.repair_needs import RepairNeeds
from syncwell.usecases.requeue_jobs import RequeueJobs

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SweepStatus:
    """What this instance has done so far."""

    held_shards: tuple[int, ...]
    shard_count: int
    last_sweep_ms: int | None = None
    requeued_count: int = 0
    published_count: int = 0


class Sweep:
    """Goes over the buckets of the shards that it holds: shard i of N takes the buckets that are i modulo N."""

    def __init__(
        self,
        requeue: RequeueJobs,
        publish: PublishOutbox,
        clock: Clock,
        *,
        held_shards: Sequence[int],
        shard_count: int,
        repair: RepairNeeds | None = None,
    ) -> None:
        self._requeue = requeue
        self._publish = publish
        self._clock = clock
        self._repair = repair
        self.status = SweepStatus(tuple(held_shards), shard_count)

    async def run_once(self) -> bool:
        """Sweeps every held bucket once; returns False where the store went away in between.

        What a broken round leaves is due in the next one.
        """
        requeued, published = 0, 0
        try:
            for bucket in self._held_buckets():
                requeued += await self._requeue.requeue_due(bucket)
                published += await self._publish.publish_due(bucket)
                if self._repair is not None:
                    requeued += await self._repair.repair_due(bucket)
        except (UnavailableError, OutcomeUnknownError) as exc:
            log.warning("sweep_interrupted", error=exc.code)
            return False
        finally:
            self._note(requeued, published)
        if requeued or published:
            log.info("swept", requeued=requeued, published=published)
        return True

    def _held_buckets(self) -> list[int]:
        status = self.status
        return [bucket for shard in status.held_shards for bucket in buckets_of_shard(shard, status.shard_count)]

    def _note(self, requeued: int, published: int) -> None:
        status = self.status
        self.status = SweepStatus(
            status.held_shards,
            status.shard_count,
            self._clock.now_ms(),
            status.requeued_count + requeued,
            status.published_count + published,
        )
