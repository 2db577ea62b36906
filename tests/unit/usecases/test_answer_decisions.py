"""A person's answer settles an open question for good: linked, or brought over and never asked again."""

from __future__ import annotations

import pytest

from syncwell.domain.errors import ConflictError, InvalidInputError, NotFoundError
from syncwell.domain.jobs import Counts, Job, JobId, JobMode
from syncwell.domain.records import RecordId, UserId
from syncwell.domain.resolution import Action, Decision, Outcome, Reason, ResolutionRequest, resolve
from syncwell.usecases.answer_decisions import AnswerDecisions, Answered, PersonsAnswer, Verdict
from tests.unit.fakes.sync_world import HOUR_MS, LAG, USER, SyncWorld, metadata_of

SAME, DIFFERENT = Verdict.SAME, Verdict.DIFFERENT
ASKED, OTHER = RecordId("a1"), RecordId("b1")


@pytest.fixture
async def world() -> SyncWorld:
    world = SyncWorld()
    await world.connect()
    start_ms = world.clock.now_ms() - 5 * HOUR_MS
    world.accounts["a"].add(metadata_of(ASKED, start_ms))
    world.accounts["b"].add(metadata_of(OTHER, start_ms + 25 * 60_000, elapsed_ms=HOUR_MS))
    return world


def unsure(request: ResolutionRequest) -> tuple[Decision, ...]:
    """Asks wherever the two records meet and no link settles them; the rest is the core's."""
    there = {one.record_id for one in request.destinations}
    linked = {link.source_id for link in request.links}
    sure = {one.source_id: one for one in resolve(request)}
    for source in request.sources:
        if source.record_id == ASKED and OTHER in there and ASKED not in linked and ASKED not in request.tombstones:
            sure[ASKED] = Decision(ASKED, Action.NONE, Outcome.CONFLICTED, Reason.UNSURE_MATCH, OTHER, 0.5)
    return tuple(sure[one.record_id] for one in request.sources)


async def sync(world: SyncWorld) -> Job:
    job = await world.accept()
    await world.run(job, world.worker(resolve=unsure))
    world.clock.advance(LAG)
    return await world.stored(job)


async def answer(world: SyncWorld, job: Job, *answers: PersonsAnswer, user: UserId = USER) -> Answered:
    use_case = AnswerDecisions(
        accept=world.accept_job,
        jobs=world.jobs,
        accounts=world.accounts_rows,
        decisions=world.decisions,
        ledger=world.ledger,
        clock=world.clock,
    )
    return await use_case.answer(user, job.job_id, answers, correlation_id="")


async def test_same_links_the_records(world: SyncWorld) -> None:
    """The two are one record from now on: nothing is written, nothing is asked again."""
    job = await sync(world)
    assert job.counts == Counts(conflicted=1)

    answered = await answer(world, job, PersonsAnswer(ASKED, SAME, OTHER))

    assert (answered.count, answered.follow_ups) == (1, ())
    assert (await sync(world)).counts == Counts(skipped=1)
    assert set(world.accounts["b"].held) == {OTHER}


async def test_different_is_brought_over_and_never_asked_again(world: SyncWorld) -> None:
    """The follow-up job creates the record beside the other one; later syncs know both."""
    job = await sync(world)

    answered = await answer(world, job, PersonsAnswer(ASKED, DIFFERENT))

    (follow_up,) = answered.follow_ups
    assert follow_up.request.mode is JobMode.HISTORICAL
    await world.run(follow_up, world.worker(resolve=unsure))
    assert (await world.stored(follow_up)).counts == Counts(created=1)
    assert len(world.accounts["b"].held) == 2
    world.clock.advance(LAG)
    assert (await sync(world)).counts == Counts(skipped=1)


async def test_question_stays_open_until_it_is_answered(world: SyncWorld) -> None:
    """Each sync tells the open question; it is stored once, and the newest job's answer counts."""
    await sync(world)
    stored = len(world.store.transactions)

    second = await sync(world)

    assert second.counts == Counts(conflicted=1)
    links = [write for batch in world.store.transactions[stored:] for write in batch if "LINK#" in repr(write)]
    assert links == []
    assert (await answer(world, second, PersonsAnswer(ASKED, SAME))).count == 1


@pytest.mark.parametrize("verdict", [SAME, DIFFERENT])
async def test_answering_again_is_as_good_as_once(world: SyncWorld, verdict: Verdict) -> None:
    """The same answer again holds already and gives the same follow-up job."""
    job = await sync(world)
    first = await answer(world, job, PersonsAnswer(ASKED, verdict))

    second = await answer(world, job, PersonsAnswer(ASKED, verdict))

    assert [one.job_id for one in second.follow_ups] == [one.job_id for one in first.follow_ups]


async def test_contrary_answer_is_stale(world: SyncWorld) -> None:
    """Who answers what is settled otherwise by now is told so, and nothing changes."""
    job = await sync(world)
    await answer(world, job, PersonsAnswer(ASKED, SAME))

    with pytest.raises(ConflictError):
        await answer(world, job, PersonsAnswer(ASKED, DIFFERENT))
    assert (await sync(world)).counts == Counts(skipped=1)


@pytest.mark.parametrize(
    "wrong",
    [PersonsAnswer(RecordId("a9"), SAME), PersonsAnswer(ASKED, SAME, RecordId("b9"))],
)
async def test_what_was_not_asked_is_not_found(world: SyncWorld, wrong: PersonsAnswer) -> None:
    """An answer about records that the job did not ask about is refused, and so are those beside it."""
    job = await sync(world)

    with pytest.raises(NotFoundError):
        await answer(world, job, wrong)
    assert (await sync(world)).counts == Counts(conflicted=1)


async def test_other_users_and_unknown_jobs_are_not_found(world: SyncWorld) -> None:
    """A job belongs to its user alone."""
    job = await sync(world)

    with pytest.raises(NotFoundError):
        await answer(world, job, PersonsAnswer(ASKED, SAME), user=UserId("usr_other"))
    with pytest.raises(NotFoundError):
        await answer(world, await unknown(job), PersonsAnswer(ASKED, SAME))


async def unknown(job: Job) -> Job:
    from dataclasses import replace

    return replace(job, job_id=JobId("job_none"))


async def test_number_of_answers_is_bounded(world: SyncWorld) -> None:
    """None, two for one record, or too many are refused."""
    job = await sync(world)

    for answers in ([], [PersonsAnswer(ASKED, SAME)] * 2, [PersonsAnswer(RecordId(str(n)), SAME) for n in range(101)]):
        with pytest.raises(InvalidInputError):
            await answer(world, job, *answers)
