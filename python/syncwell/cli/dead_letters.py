"""`syncwell dlq`: what an operator with a shell does about jobs that nobody can run."""

from __future__ import annotations

from datetime import UTC, datetime

from syncwell.domain.dead_letters import DeadLetter
from syncwell.domain.errors import InvalidInputError
from syncwell.ports.job_queue import JobClass
from syncwell.repositories.audit_log import AuditLog
from syncwell.repositories.dead_letters import DeadLetters
from syncwell.repositories.jobs import Jobs
from syncwell.runtime.backends import open_backends
from syncwell.runtime.clock import make_clock
from syncwell.runtime.history import make_history
from syncwell.runtime.settings import InstallationSettings
from syncwell.usecases.redrive_dead_letters import REDRIVE_MAX, RedriveDeadLetters

ACTOR = "cli"
PAGE_LETTERS = 100


async def list_letters(settings: InstallationSettings, job_class: str | None, *, limit: int) -> int:
    """Prints up to `limit` letters, a line each; returns the exit code.

    Raises:
        InvalidInputError: the limit is not 1 to 1,000.
        StoreUnavailableError: the system does not run.
    """
    if not 1 <= limit <= REDRIVE_MAX:
        raise InvalidInputError(f"limit must be 1 to {REDRIVE_MAX}", field="limit")
    wanted = None if job_class is None else JobClass(job_class)
    shown, cursor = 0, None
    async with open_backends(settings) as backends:
        letters = DeadLetters(backends.items)
        while shown < limit:
            page = await letters.list_page(wanted, limit=min(PAGE_LETTERS, limit - shown), cursor=cursor)
            for letter in page.letters:
                print(line_of(letter))
            shown, cursor = shown + len(page.letters), page.cursor
            if cursor is None:
                break
    print(f"{shown} dead letters{'' if cursor is None else ', and more'}")
    return 0


async def redrive_letters(settings: InstallationSettings, job_class: str | None, *, limit: int) -> int:
    """Redrives up to `limit` letters and says what was done; returns the exit code.

    Raises:
        InvalidInputError: the limit is not 1 to 1,000.
        StoreUnavailableError: the system does not run.
    """
    clock = make_clock(settings)
    async with open_backends(settings) as backends:
        redrive = RedriveDeadLetters(
            letters=DeadLetters(backends.items),
            jobs=Jobs(backends.items),
            audit_log=AuditLog(backends.items),
            clock=clock,
            history=make_history(settings, clock, ACTOR),
        )
        done = await redrive.redrive(None if job_class is None else JobClass(job_class), limit=limit, actor=ACTOR)
    print(f"{done.redriven_count} jobs will run again, {done.dropped_count} letters were dropped")
    return 0


def line_of(letter: DeadLetter) -> str:
    """Returns a letter as one line of plain text."""
    cause = letter.cause
    failed_at = datetime.fromtimestamp(letter.at_ms / 1000, tz=UTC).isoformat(timespec="seconds")
    return (
        f"{failed_at}  {letter.job_class:<11}  {letter.job_id}  {cause.reason}"
        f"  error={cause.error or '-'} step={cause.step} attempts={letter.attempt_count}"
        f" lost_leases={letter.lost_lease_count} redrives={letter.redrive_count}"
    )
