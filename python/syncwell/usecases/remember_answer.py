"""Runs a state-changing request once for each Idempotency-Key, and repeats its answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from syncwell.domain.errors import IdempotencyKeyReusedError, RequestInProgressError, SyncWellError
from syncwell.ports.crash_points import CrashPoints, NoCrashPoints
from syncwell.repositories.answers import Answers, Claim, RequestKey, StoredAnswer
from syncwell.usecases.accept_steps import AcceptStep

LEASE = timedelta(seconds=30)  # longer than any request's deadline, so a live claim is a running request
CLAIM_ATTEMPTS = 3  # a claim released between our write and our read is tried for again

log = structlog.get_logger()

Action = Callable[[], Awaitable[StoredAnswer]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer, and whether it is the repetition of an earlier one."""

    answer: StoredAnswer
    is_replay: bool


class RememberAnswer:
    """One run for each (user, route, key); failures may be repeated, successes are remembered."""

    def __init__(
        self,
        answers: Answers,
        new_fence: Callable[[], int],
        *,
        lease: timedelta = LEASE,
        crash_points: CrashPoints | None = None,
    ) -> None:
        self._answers = answers
        self._new_fence = new_fence
        self._lease = lease
        self._crash_points = crash_points or NoCrashPoints()

    async def run(self, request: RequestKey, action: Action) -> Outcome:
        """Runs `action` unless the request ran already.

        Raises:
            IdempotencyKeyReusedError: the key came before with another request.
            RequestInProgressError: the first request with this key still runs.
            SyncWellError: whatever `action` raises; its claim is released first.
        """
        for _ in range(CLAIM_ATTEMPTS):
            claim = await self._answers.claim(request, fence=self._new_fence(), lease=self._lease)
            if claim is not None:
                return Outcome(await self._run_claimed(claim, action), is_replay=False)
            remembered = await self._answers.find(request)
            if remembered is None:
                continue
            if remembered.fingerprint != request.fingerprint:
                raise IdempotencyKeyReusedError("this Idempotency-Key was used for another request; make a new one")
            if remembered.answer is not None:
                return Outcome(remembered.answer, is_replay=True)
            break
        raise RequestInProgressError("the first request with this Idempotency-Key still runs; ask again")

    async def _run_claimed(self, claim: Claim, action: Action) -> StoredAnswer:
        self._crash_points.reach(AcceptStep.AFTER_CLAIM)
        try:
            answer = await action()
        except BaseException:
            await self._release_quietly(claim)
            raise
        self._crash_points.reach(AcceptStep.AFTER_ACTION)
        # The action is done, so its answer is given even where it cannot be kept: the claim ends with its lease.
        try:
            await self._answers.complete(claim, answer)
        except SyncWellError as exc:
            log.warning("answer_not_remembered", route=claim.request.route, error=exc.code)
        self._crash_points.reach(AcceptStep.AFTER_ANSWER)
        return answer

    async def _release_quietly(self, claim: Claim) -> None:
        """The action's own error matters more than a release that failed; the lease ends the claim anyway."""
        try:
            await self._answers.release(claim)
        except SyncWellError as exc:
            log.warning("claim_not_released", route=claim.request.route, error=exc.code)
