"""What operators may do: read the dead letters and redrive them. Every route asks for the role `admin`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import UNSET, Struct, UnsetType

from services.gateway.bodies import decode_redrive_request
from services.gateway.call import Answer, Call, json_answer
from services.gateway.operations import Kind, Operation
from services.gateway.paging import cursor_of, limit_of
from syncwell.domain.dead_letters import DeadLetter
from syncwell.domain.errors import InvalidInputError
from syncwell.ports.job_queue import JobClass
from syncwell.repositories.dead_letters import DeadLetters
from syncwell.usecases.redrive_dead_letters import Redrive, RedriveDeadLetters

ADMIN = "admin"


class DeadLetterView(Struct, frozen=True, rename="camel"):
    """A job that nobody can run, and why; no health data."""

    job_id: str
    user_id: str
    job_class: JobClass
    error: str
    reason: str
    step: str
    failed_at: datetime
    attempts: int
    lost_leases: int
    redrives: int


class RedriveView(Struct, frozen=True, rename="camel"):
    """What a redrive did."""

    redriven: int
    dropped: int
    last_start_at: datetime | UnsetType = UNSET


class AdminRoutes:
    """The routes of operators."""

    def __init__(self, letters: DeadLetters, redrive: RedriveDeadLetters) -> None:
        self._letters = letters
        self._redrive = redrive

    def operations(self) -> Sequence[Operation]:
        """Returns the operations of this file."""
        root = "/v1/admin/dlq"
        return (
            Operation("listDeadLetters", "GET", root, Kind.READ, self.list_letters, role=ADMIN),
            Operation(
                "redriveDeadLetters", "POST", f"{root}/redrive", Kind.CHANGE, self.redrive, has_body=True, role=ADMIN
            ),
        )

    async def list_letters(self, call: Call) -> Answer:
        """Returns a page, oldest first within a class."""
        call.refuse_unknown_query("class", "cursor", "limit")
        page = await self._letters.list_page(_class_of(call), limit=limit_of(call), cursor=cursor_of(call, "cursor"))
        listed: dict[str, object] = {"deadLetters": [dead_letter_view(each) for each in page.letters]}
        if page.cursor is not None:
            listed["nextCursor"] = page.cursor
        return json_answer(200, listed)

    async def redrive(self, call: Call) -> Answer:
        """Redrives the oldest; the jobs start one by one after the answer."""
        asked = decode_redrive_request(call.body)
        job_class = None if isinstance(asked.job_class, UnsetType) else asked.job_class
        done = await self._redrive.redrive(job_class, limit=asked.limit, actor=call.user_id)
        return json_answer(200, redrive_view(done))


def dead_letter_view(letter: DeadLetter) -> DeadLetterView:
    """Returns a letter."""
    return DeadLetterView(
        job_id=letter.job_id,
        user_id=letter.user_id,
        job_class=JobClass(letter.job_class),
        error=letter.cause.error,
        reason=letter.cause.reason,
        step=letter.cause.step,
        failed_at=_moment(letter.at_ms),
        attempts=letter.attempt_count,
        lost_leases=letter.lost_lease_count,
        redrives=letter.redrive_count,
    )


def redrive_view(done: Redrive) -> RedriveView:
    """Returns what was done."""
    last = UNSET if done.last_start_ms is None else _moment(done.last_start_ms)
    return RedriveView(done.redriven_count, done.dropped_count, last)


def _class_of(call: Call) -> JobClass | None:
    text = call.query.get("class")
    if text is None:
        return None
    try:
        return JobClass(text)
    except ValueError:
        raise InvalidInputError(f"class must be one of {', '.join(JobClass)}", field="class") from None


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC)
