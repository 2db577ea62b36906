"""`SchedulerService`: shows what this instance holds and has done."""

from __future__ import annotations

import grpc

from syncwell.api.scheduler.v1 import scheduler_pb2, scheduler_pb2_grpc
from syncwell.usecases.sweep import Sweep


class SchedulerServicer(scheduler_pb2_grpc.SchedulerServiceServicer):
    """Answers from memory."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep

    async def GetScheduleStatus(
        self,
        request: scheduler_pb2.GetScheduleStatusRequest,
        context: grpc.aio.ServicerContext[
            scheduler_pb2.GetScheduleStatusRequest, scheduler_pb2.GetScheduleStatusResponse
        ],
    ) -> scheduler_pb2.GetScheduleStatusResponse:
        """Returns which shards this instance holds and when it last swept."""
        status = self._sweep.status
        answer = scheduler_pb2.GetScheduleStatusResponse(
            shard_count=status.shard_count, held_shards=status.held_shards, requeued_count=status.requeued_count
        )
        if status.last_sweep_ms is not None:
            answer.last_sweep_time.FromMilliseconds(status.last_sweep_ms)
        return answer
