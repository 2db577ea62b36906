"""Takes a person's answers to the questions that a job left open: same record, or different ones."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from syncwell.domain.errors import ConflictError, InvalidInputError, NotFoundError
from syncwell.domain.jobs import DateRange, Job, JobId, JobMode
from syncwell.domain.links import Lineage, Link, LinkState, Origin
from syncwell.domain.records import ConnectionId, RecordId, UserId
from syncwell.domain.resolution import Decision, Outcome, Reason
from syncwell.ports.clock import Clock
from syncwell.repositories import keys
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.decisions import Decisions
from syncwell.repositories.jobs import Jobs
from syncwell.repositories.ledger import Ledger, LinkChange
from syncwell.usecases.accept_job import AcceptJob

ANSWERS_MAX = 100
FOLLOW_UP_ROUTE = "answerDecisions"
_HOUR = timedelta(hours=1)
_DIGEST_BYTES = 16


class Verdict(StrEnum):
    """What the person says of the two records."""

    SAME = "same"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class PersonsAnswer:
    """One answer. `destination_id` names the other record where the person was shown one; None takes the job's."""

    source_id: RecordId
    verdict: Verdict
    destination_id: RecordId | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """How many answers hold now, and the jobs that bring over what was declared different."""

    count: int
    follow_ups: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """An answer with the link that it settles; `change` is None where it holds already."""

    answer: PersonsAnswer
    link: Link
    destination: ConnectionId
    change: LinkChange | None


class AnswerDecisions:
    """Settles what a job could not decide. All answers of a call hold, or none."""

    def __init__(
        self,
        *,
        accept: AcceptJob,
        jobs: Jobs,
        accounts: Accounts,
        decisions: Decisions,
        ledger: Ledger,
        clock: Clock,
    ) -> None:
        self._accept = accept
        self._jobs = jobs
        self._accounts = accounts
        self._decisions = decisions
        self._ledger = ledger
        self._clock = clock

    async def answer(
        self, user_id: UserId, job_id: JobId, answers: Sequence[PersonsAnswer], *, correlation_id: str
    ) -> Answered:
        """Stores the answers; answering the same again changes nothing and gives the same follow-up job.

        Raises:
            NotFoundError: no such job of this user, or it did not ask about a record that is named.
            ConflictError: the question is settled otherwise or asked anew since.
            InvalidInputError: no answers, too many, or two for one record.
        """
        _check(answers)
        job = await self._jobs.load(user_id, job_id, now_ms=self._clock.now_ms())
        if job is None:
            raise NotFoundError("there is no such sync job")
        questions = await self._questions_of(job)
        asked = [await self._match(job, one, questions) for one in answers]
        changes = [one.change for one in asked if one.change is not None]
        stored = await self._ledger.save_many(job, changes)
        if any(link is None for link in stored):
            raise ConflictError("a record was settled by somebody else meanwhile; read the newest job")
        follow_ups = await self._bring_over(job, asked, correlation_id)
        return Answered(len(asked), follow_ups)

    async def _questions_of(self, job: Job) -> Mapping[RecordId, Decision]:
        """Returns what the job asked about."""
        found: dict[RecordId, Decision] = {}
        cursor: str | None = None
        while True:
            page = await self._decisions.load_page(job, now_ms=self._clock.now_ms(), cursor=cursor)
            found.update({one.source_id: one for one in page.decisions if one.outcome is Outcome.CONFLICTED})
            cursor = page.cursor
            if cursor is None:
                return found

    async def _match(self, job: Job, answer: PersonsAnswer, questions: Mapping[RecordId, Decision]) -> _Asked:
        question = questions.get(answer.source_id)
        there = None if question is None else question.destination_id
        if there is None or answer.destination_id not in (None, there):
            raise NotFoundError("the job asked nothing about these records", field="sourceRecordId")
        for destination, source_account, destination_account in await self._pairs_of(job):
            user_id = job.request.user_id
            links = await self._ledger.load_links(user_id, source_account, destination_account, [answer.source_id])
            link = links.get(answer.source_id)
            if link is None:
                continue
            if _holds(answer.verdict, link, there):
                return _Asked(answer, link, destination, None)
            if link.state is LinkState.ASKED and link.destination_id == there:
                change = await self._change(job, answer.verdict, link, there)
                return _Asked(answer, link, destination, change)
        raise ConflictError("the question is not open any more; read the newest job", field="sourceRecordId")

    async def _pairs_of(self, job: Job) -> Sequence[tuple[ConnectionId, str, str]]:
        """Returns each destination of the job with the names of both accounts."""
        request = job.request
        destinations = [request.destination_connection_id]
        if request.is_of_source:
            configs = await self._accounts.load_configs_of(request.user_id, request.source_connection_id)
            destinations = [one.destination_connection_id for one in configs]
        source = await self._account(request.user_id, request.source_connection_id)
        named = [(one, await self._account(request.user_id, one)) for one in destinations]
        return [(one, source, there) for one, there in named if source is not None and there is not None]

    async def _account(self, user_id: UserId, connection_id: ConnectionId) -> str | None:
        connection = await self._accounts.load_connection(user_id, connection_id)
        return None if connection is None else keys.account(connection.provider, connection.external_user_id)

    async def _change(self, job: Job, verdict: Verdict, link: Link, there: RecordId) -> LinkChange:
        now_ms = self._clock.now_ms()
        if verdict is Verdict.DIFFERENT:
            apart_from = tuple(dict.fromkeys((*link.apart_from, there)))
            return LinkChange(replace(link, state=LinkState.APART, apart_from=apart_from, since_ms=now_ms))
        same = replace(
            link,
            state=LinkState.WRITTEN,
            job_id=job.job_id,
            fence=job.fence,
            since_ms=now_ms,
            outcome=Outcome.MERGED,
            reason=Reason.ANSWERED_SAME,
        )
        user_id = job.request.user_id
        here = await self._ledger.load_lineages(user_id, link.source_account, [link.source_id])
        known = await self._ledger.load_lineages(user_id, link.destination_account, [there])
        own = here.get(link.source_id)
        origins = (Origin(link.source_account, link.source_id), *(() if own is None else own.origins))
        return LinkChange(same, Lineage(origins, was_written=False).joined(known.get(there)))

    async def _bring_over(self, job: Job, asked: Sequence[_Asked], correlation_id: str) -> tuple[Job, ...]:
        """Accepts one job for each destination that gets records which were declared different."""
        different = [one for one in asked if one.answer.verdict is Verdict.DIFFERENT]
        accepted = []
        for destination in dict.fromkeys(one.destination for one in different):
            links = [one.link for one in different if one.destination == destination]
            request = replace(
                job.request,
                destination_connection_id=destination,
                mode=JobMode.HISTORICAL,
                date_range=_range_of(links),
                is_dry_run=False,
            )
            key = f"{job.job_id}:{_digest(links)}"
            taken = await self._accept.accept(
                request, route=FOLLOW_UP_ROUTE, idempotency_key=key, correlation_id=correlation_id
            )
            accepted.append(taken.job)
        return tuple(accepted)


def _check(answers: Sequence[PersonsAnswer]) -> None:
    if not 1 <= len(answers) <= ANSWERS_MAX:
        raise InvalidInputError(f"give 1 to {ANSWERS_MAX} decisions", field="decisions")
    if len({one.source_id for one in answers}) < len(answers):
        raise InvalidInputError("two decisions on one record", field="decisions")


def _holds(verdict: Verdict, link: Link, there: RecordId) -> bool:
    if verdict is Verdict.DIFFERENT:
        return there in link.apart_from
    return link.is_written and link.destination_id == there and link.reason is Reason.ANSWERED_SAME


def _range_of(links: Sequence[Link]) -> DateRange:
    """Returns the hours in which the records start."""
    hours = [link.record_hour for link in links]
    hour_ms = _HOUR // timedelta(milliseconds=1)
    return DateRange(min(hours) * hour_ms, (max(hours) + 1) * hour_ms)


def _digest(links: Sequence[Link]) -> str:
    joined = "\x1f".join(sorted(link.source_id for link in links))
    return hashlib.blake2b(joined.encode(), digest_size=_DIGEST_BYTES).hexdigest()
