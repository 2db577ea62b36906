"""The ledger: nothing is written by who lost the job, and of two writers of one link one wins."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncwell.domain.errors import FenceLostError, OutcomeUnknownError, StoreUnavailableError
from syncwell.domain.jobs import Job, JobId, JobMode, JobRequest, JobState
from syncwell.domain.links import Lineage, Link, LinkState, Origin, external_id_of
from syncwell.domain.records import ConnectionId, DataType, EditableField, RecordId, UserId
from syncwell.repositories import keys
from syncwell.repositories.jobs import Jobs
from syncwell.repositories.ledger import CHANGES_MAX, Ledger, LinkChange
from tests.unit.fakes.item_store import DictItemStore

USER = UserId("usr_1")
NOW_MS = 1_760_000_000_000
SOURCE, DESTINATION = "garmin:1", "strava:2"


@pytest.fixture
def store() -> DictItemStore:
    return DictItemStore()


@pytest.fixture
def ledger(store: DictItemStore) -> Ledger:
    return Ledger(store)


@pytest.fixture
async def job(store: DictItemStore) -> Job:
    request = JobRequest(USER, ConnectionId("a"), ConnectionId("b"), DataType.WORKOUT, JobMode.MANUAL)
    job = Job(JobId("job_1"), request, "f", JobState.RUNNING, NOW_MS, NOW_MS, fence=3)
    await Jobs(store).insert(job, now_ms=NOW_MS)
    return job


def link_of(record: str, *, state: LinkState = LinkState.PENDING, destination: str = "") -> Link:
    return Link(
        source_account=SOURCE,
        source_id=RecordId(record),
        destination_account=DESTINATION,
        state=state,
        job_id=JobId("job_1"),
        fence=3,
        external_id="e",
        since_ms=NOW_MS,
        destination_id=RecordId(destination),
        base={EditableField.TITLE: 2**64 - 1},
    )


async def loaded(ledger: Ledger, *records: str) -> dict[RecordId, Link]:
    return await ledger.load_links(USER, SOURCE, DESTINATION, map(RecordId, records))


async def test_announced_then_confirmed_with_its_lineage(ledger: Ledger, job: Job) -> None:
    """Confirming writes the link and the way back in one transaction."""
    pending = await ledger.save(job, LinkChange(link_of("r/1 ü")))
    assert pending is not None
    lineage = Lineage((Origin(SOURCE, RecordId("r/1 ü")),), was_written=True)
    confirmed = replace(pending, state=LinkState.WRITTEN, destination_id=RecordId("77"))

    written = await ledger.save(job, LinkChange(confirmed, lineage))

    assert await loaded(ledger, "r/1 ü", "none") == {"r/1 ü": written}
    assert await ledger.load_lineages(USER, DESTINATION, [RecordId("77")]) == {"77": lineage}


async def test_lost_fence_writes_nothing(ledger: Ledger, job: Job, store: DictItemStore) -> None:
    """A worker whose job was claimed by another is refused, for one link and for many, and for a withdrawal."""
    mine = await ledger.save(job, LinkChange(link_of("r0")))
    assert mine is not None
    before = dict(store.items)
    late = replace(job, fence=2)

    with pytest.raises(FenceLostError):
        await ledger.save(late, LinkChange(link_of("r1")))
    with pytest.raises(FenceLostError):
        await ledger.save_many(late, [LinkChange(link_of("r1")), LinkChange(link_of("r2"))])
    with pytest.raises(FenceLostError):
        await ledger.withdraw(late, mine)
    assert store.items == before


async def test_second_writer_of_a_link_is_told(ledger: Ledger, job: Job) -> None:
    """An announcement over one that was not seen is refused as a value, and changes nothing."""
    first = await ledger.save(job, LinkChange(link_of("r")))

    assert await ledger.save(job, LinkChange(replace(link_of("r"), external_id="other"))) is None
    assert await loaded(ledger, "r") == {"r": first}


async def test_lost_answers_are_read_back(ledger: Ledger, job: Job, store: DictItemStore) -> None:
    """A write that was done but not answered counts as done, alone or in a batch."""
    store.fail_next(OutcomeUnknownError("lost"))
    assert await ledger.save(job, LinkChange(link_of("r0"))) is not None
    store.fail_next(OutcomeUnknownError("lost"))
    assert None not in await ledger.save_many(job, [LinkChange(link_of("r1")), LinkChange(link_of("r2"))])

    assert set(await loaded(ledger, "r0", "r1", "r2")) == {"r0", "r1", "r2"}


async def test_batch_survives_one_refusal(ledger: Ledger, job: Job) -> None:
    """Where one link of a batch was changed by somebody else, the others are written all the same."""
    await ledger.save(job, LinkChange(link_of("r1")))
    changes = [LinkChange(replace(link_of(f"r{n}"), external_id="new")) for n in range(3)]

    stored = await ledger.save_many(job, changes)

    assert [link is None for link in stored] == [False, True, False]
    assert set(await loaded(ledger, "r0", "r1", "r2")) == {"r0", "r1", "r2"}


async def test_large_windows_go_in_bounded_transactions(ledger: Ledger, job: Job, store: DictItemStore) -> None:
    """Hundreds of links with lineage fit the port's bounds, and thousands are read in bounded batches."""
    count = 2 * CHANGES_MAX + 1
    changes = [
        LinkChange(
            link_of(f"r{n}", state=LinkState.WRITTEN, destination=f"d{n}"),
            Lineage((Origin(SOURCE, RecordId(f"r{n}")),), was_written=False),
        )
        for n in range(count)
    ]

    await ledger.save_many(job, changes)

    assert len(store.transactions) == 3
    assert len(await loaded(ledger, *(f"r{n}" for n in range(2_500)))) == count


async def test_withdrawn_link_is_gone(ledger: Ledger, job: Job) -> None:
    """A write that certainly did not happen leaves nothing to ask about."""
    pending = await ledger.save(job, LinkChange(link_of("r")))
    assert pending is not None

    await ledger.withdraw(job, pending)

    assert await loaded(ledger, "r") == {}


async def test_unavailable_store_is_told(ledger: Ledger, job: Job, store: DictItemStore) -> None:
    """Nothing is written while the store is away."""
    store.fail_next(StoreUnavailableError("down"))

    with pytest.raises(StoreUnavailableError):
        await ledger.save(job, LinkChange(link_of("r")))
    assert keys.link(USER, SOURCE, RecordId("r"), DESTINATION) not in store.items


def test_external_id_depends_on_every_part_of_the_key() -> None:
    """The id of a write is the same each time, and another for any other user, account or record."""
    parts = (USER, SOURCE, RecordId("r"), DESTINATION)
    others = [
        external_id_of(UserId("usr_2"), *parts[1:]),
        external_id_of(USER, "garmin:2", RecordId("r"), DESTINATION),
        external_id_of(USER, SOURCE, RecordId("r2"), DESTINATION),
        external_id_of(USER, SOURCE, RecordId("r"), "strava:3"),
        external_id_of(USER, SOURCE + "r", RecordId(""), DESTINATION),
    ]

    assert external_id_of(*parts) == external_id_of(*parts)
    assert len({external_id_of(*parts), *others}) == 6


def test_joined_lineage_forgets_nothing() -> None:
    """What is known of a record stays known, and what we wrote stays ours."""
    known = Lineage((Origin("c", RecordId("1")),), was_written=True)
    found = Lineage((Origin("a", RecordId("2")), Origin("c", RecordId("1"))), was_written=False)

    assert found.joined(known) == Lineage((Origin("c", RecordId("1")), Origin("a", RecordId("2"))), was_written=True)
    assert found.joined(None) == found
