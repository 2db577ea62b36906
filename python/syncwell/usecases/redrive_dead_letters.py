"""Gives jobs out of the dead letters another chance, slowly enough that nobody notices, and writes down who did."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from syncwell.domain import job_life
from syncwell.domain.audit import Act, AuditEntry
from syncwell.domain.dead_letters import DeadLetter, RedrivenLetter
from syncwell.domain.errors import ConditionFailedError, FenceLostError, InvalidInputError
from syncwell.domain.jobs import Job, JobState
from syncwell.ports.clock import Clock
from syncwell.ports.history import History, Op
from syncwell.ports.job_queue import JobClass
from syncwell.repositories.audit_log import AuditLog
from syncwell.repositories.dead_letters import DeadLetters
from syncwell.repositories.jobs import Jobs

REDRIVE_MAX = 1_000  # jobs of one call; a call more is cheap, a request of minutes is not
REDRIVES_PER_SECOND = 10  # of all calls together: a hundredth of what the queue carries at its peak
PAGE_LETTERS = 100
_INTERVAL_MS = 1_000 // REDRIVES_PER_SECOND


@dataclass(frozen=True, slots=True)
class Redrive:
    """What a redrive did. `last_start_ms` is when the last of its jobs becomes ready; None where it moved none."""

    audit_id: str
    redriven_count: int
    dropped_count: int
    last_start_ms: int | None


class RedriveDeadLetters:
    """Moves letters out of the dead letters. Their jobs start one by one on the bulk road."""

    def __init__(
        self,
        *,
        letters: DeadLetters,
        jobs: Jobs,
        audit_log: AuditLog,
        clock: Clock,
        history: History,
        new_id: Callable[[], str] = lambda: f"aud_{uuid.uuid4()}",
    ) -> None:
        self._letters = letters
        self._jobs = jobs
        self._audit_log = audit_log
        self._clock = clock
        self._history = history
        self._new_id = new_id

    async def redrive(self, job_class: JobClass | None, *, limit: int, actor: str) -> Redrive:
        """Redrives the oldest `limit` letters of a class, or of all; a letter whose job is gone is dropped.

        Raises:
            InvalidInputError: the limit is not 1 to 1,000.
            LimitExceededError: others redrive at this moment; nothing was done.
            StoreUnavailableError: it stopped half-way; the same call goes on with the rest.
        """
        if not 1 <= limit <= REDRIVE_MAX:
            raise InvalidInputError(f"limit must be 1 to {REDRIVE_MAX}", field="limit")
        now_ms, audit_id = self._clock.now_ms(), self._new_id()
        wanted = await self._oldest(job_class, limit)
        if not wanted:
            return Redrive("", 0, 0, None)
        details = {"class": job_class or "all", "letters": str(len(wanted))}
        await self._audit_log.append(AuditEntry(audit_id, Act.DEAD_LETTERS_REDRIVEN, actor, now_ms, details))
        start_ms = await self._letters.reserve_slots(len(wanted), now_ms=now_ms, interval_ms=_INTERVAL_MS)
        starts: list[int] = []
        for letter in wanted:
            if await self._revive(letter, audit_id, now_ms=now_ms, start_ms=start_ms + len(starts) * _INTERVAL_MS):
                starts.append(start_ms + len(starts) * _INTERVAL_MS)
        return Redrive(audit_id, len(starts), len(wanted) - len(starts), starts[-1] if starts else None)

    async def _oldest(self, job_class: JobClass | None, limit: int) -> list[DeadLetter]:
        found: list[DeadLetter] = []
        cursor: str | None = None
        while len(found) < limit:
            size = min(PAGE_LETTERS, limit - len(found))
            page = await self._letters.list_page(job_class, limit=size, cursor=cursor)
            found += page.letters
            cursor = page.cursor
            if cursor is None:
                break
        return found

    async def _revive(self, letter: DeadLetter, audit_id: str, *, now_ms: int, start_ms: int) -> bool:
        """Queues the job again and archives its letter together; True where there was a job to queue."""
        redriven = RedrivenLetter(
            letter.job_id, letter.user_id, letter.job_class, letter.cause, letter.at_ms, now_ms, audit_id
        )
        also = DeadLetters.archived(letter, redriven)
        job = await self._jobs.load(letter.user_id, letter.job_id, now_ms=now_ms)
        if job is None or job.state is not JobState.FAILED:
            await self._letters.drop(letter, redriven)
            return False
        try:
            await self._jobs.replace(job, job_life.redriven(job, now_ms=now_ms, retry_at_ms=start_ms), also)
        except (FenceLostError, ConditionFailedError):
            return False  # somebody else redrives the same letter
        self._note(job, letter)
        return True

    def _note(self, job: Job, letter: DeadLetter) -> None:
        self._history.record(Op.OK, "dlq.redrive", job=job.job_id, reason=letter.cause.reason)
