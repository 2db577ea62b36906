"""Tells when an adapter is right: checks that every provider's roles must pass, on a world that the tester seeds.

A check calls the adapter as the core does and returns what it found wrong, one sentence each; nothing found means that
the adapter keeps the contract of `syncwell.ports.roles` as far as this check looks. The world may be a sandbox or a
live account made for tests: the destination checks write to it.

Example:
    findings = await judge(world)
    assert not findings, findings
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.domain.errors import (
    InvalidInputError,
    ProviderInvalidAnswerError,
    ProviderRefusedError,
    UnsupportedPairError,
)
from syncwell.domain.records import DataType, EditableField, RecordId, RecordMetadata, Sport
from syncwell.ports.roles import Destination, Provider, ProviderSession, Source, Window

PAGE_RECORDS_MAX = 500
# A listing of a few records that needs more pages than this has no end.
PAGES_MAX = 2_000
SEGMENT_POINTS_MAX = 1_000
START_TOLERANCE_MS = 1_000
# Providers compute durations themselves; a second each way is rounding.
ELAPSED_TOLERANCE_MS = 1_500


@dataclass(frozen=True, slots=True)
class SeededRecord:
    """What the tester knows of a record at the provider. `elapsed_ms` is what the listing shall say."""

    record_id: RecordId
    sport: Sport
    start_ms: int
    elapsed_ms: int
    title: str
    has_track: bool


@dataclass(frozen=True, slots=True)
class World:
    """An account whose content is known.

    `records` lie in `window` and `outsiders`, which exist too, lie outside it: by when they arrived or changed where
    the provider's capability `lists_by_change_time` says so (`window` then reaches beyond the present, so that what
    the checks change stays in it), else by their starts. `gone` is the id of no record. `workout` is not at the
    provider yet; `settle` lets the provider's visibility lag pass.
    """

    provider: Provider
    session: ProviderSession
    window: Window
    records: tuple[SeededRecord, ...]
    outsiders: tuple[RecordId, ...]
    gone: RecordId
    workout: CanonicalWorkout
    settle: Callable[[], Awaitable[None]]


async def judge(world: World) -> tuple[str, ...]:
    """Runs every check that fits the provider's roles, reading before writing, and returns all findings."""
    findings = check_capabilities(world.provider)
    if world.provider.source is not None:
        for source_check in (check_listing, check_paging, check_refusals, check_news, check_payloads):
            findings += await source_check(world, world.provider.source)
    if world.provider.destination is not None:
        for write_check in (check_writing, check_update, check_delete):
            findings += await write_check(world, world.provider.destination)
    return tuple(findings)


def check_capabilities(provider: Provider) -> list[str]:
    """The table promises no role that is not there, and no endless lag."""
    table, findings = provider.capabilities, []
    if bool(table.readable) != (provider.source is not None):
        findings.append("capabilities: readable types and the source role disagree")
    if bool(table.writable) != (provider.destination is not None):
        findings.append("capabilities: writable types and the destination role disagree")
    if not timedelta(0) <= table.visibility_lag <= timedelta(hours=1):
        findings.append("capabilities: the visibility lag is no sane time")
    return findings


async def list_all(source: Source, world: World) -> list[RecordMetadata]:
    """Returns the whole listing of the world's window, newest revision of each record, as the core folds it."""
    found: dict[RecordId, RecordMetadata] = {}
    cursor: str | None = None
    for _ in range(PAGES_MAX):
        page = await source.fetch_metadata(world.session, DataType.WORKOUT, world.window, cursor=cursor)
        found.update((each.record_id, each) for each in page.records)
        cursor = page.cursor
        if cursor is None:
            return list(found.values())
    raise ProviderInvalidAnswerError("the listing does not end", provider=world.provider.capabilities.provider)


async def check_listing(world: World, source: Source) -> list[str]:
    """A listing holds what lies in the window, all of it, nothing else, truly told, and is the same twice."""
    listed = {each.record_id: each for each in await list_all(source, world)}
    again = {each.record_id: each.version for each in await list_all(source, world)}
    findings = [f"listing: {each} lies outside the window" for each in world.outsiders if each in listed]
    for seeded in world.records:
        record = listed.get(seeded.record_id)
        if record is None:
            findings.append(f"listing: {seeded.record_id} is missing")
            continue
        findings += [f"listing: {seeded.record_id} {fault}" for fault in faults_of(record, seeded)]
        if again.get(seeded.record_id) != record.version:
            findings.append(f"listing: {seeded.record_id} changed its version without a change")
    return findings


def faults_of(record: RecordMetadata, seeded: SeededRecord) -> list[str]:
    """Returns where a listed record differs from what was seeded."""
    told = {
        "has another sport": record.sport is not seeded.sport,
        "has another start": abs(record.start_ms - seeded.start_ms) > START_TOLERANCE_MS,
        "has another duration": abs(record.elapsed_ms - seeded.elapsed_ms) > ELAPSED_TOLERANCE_MS,
        "has another title": record.title != seeded.title,
        "has no version": not record.version,
    }
    return [fault for fault, is_true in told.items() if is_true]


async def check_paging(world: World, source: Source) -> list[str]:
    """Pages are bounded, and a cursor may be used again after a restart."""
    first = await source.fetch_metadata(world.session, DataType.WORKOUT, world.window)
    findings = [] if len(first.records) <= PAGE_RECORDS_MAX else ["paging: a page holds more than 500 records"]
    if first.cursor is None:
        return findings
    pages = [
        await source.fetch_metadata(world.session, DataType.WORKOUT, world.window, cursor=first.cursor)
        for _ in range(2)
    ]
    if pages[0] != pages[1]:
        findings.append("paging: the same cursor gave two different pages")
    return findings


async def check_refusals(world: World, source: Source) -> list[str]:
    """A foreign cursor and a data type that is not served are refused by name."""
    findings = []
    try:
        await source.fetch_metadata(world.session, DataType.WORKOUT, world.window, cursor="no cursor of yours")
        findings.append("refusals: a foreign cursor was taken")
    except InvalidInputError:
        pass
    for data_type in set(DataType) - world.provider.capabilities.readable:
        try:
            await source.fetch_metadata(world.session, data_type, world.window)
            findings.append(f"refusals: {data_type} was listed against the capability table")
        except UnsupportedPairError:
            pass
    return findings


async def check_news(world: World, source: Source) -> list[str]:
    """News since before the newest start is never denied; no record arrives before it starts."""
    since_ms = max(each.start_ms for each in world.records) - 1_000
    has_news = await source.has_new_data(world.session, DataType.WORKOUT, since_ms=since_ms)
    return [] if has_news else ["news: a record after the given moment was denied"]


async def check_payloads(world: World, source: Source) -> list[str]:
    """Each record is given once, whole, under its own id; a record that is gone is None."""
    listed = await list_all(source, world)
    template = next(each for each in listed if not each.is_manual)
    asked = [*listed, replace(template, record_id=world.gone)]
    seeded = {each.record_id: each for each in world.records}
    given: dict[RecordId, CanonicalWorkout | None] = {}
    findings = []
    async for record_id, workout in source.fetch_payloads(world.session, asked):
        if record_id in given:
            findings.append(f"payloads: {record_id} was given twice")
        given[record_id] = workout
    if given.get(world.gone, world.workout) is not None:
        findings.append("payloads: a record that is gone is not told as None")
    for record_id, expected in seeded.items():
        workout = given.get(record_id)
        if workout is None:
            findings.append(f"payloads: {record_id} was not given")
            continue
        findings += [f"payloads: {record_id} {each}" for each in payload_faults(workout, expected, world)]
    return findings


def payload_faults(workout: CanonicalWorkout, expected: SeededRecord, world: World) -> list[str]:
    """Returns what is wrong with a workout."""
    points = [point.offset_ms for segment in workout.segments for point in segment.points]
    told = {
        "names another provider": workout.provenance.provider != world.provider.capabilities.provider,
        "names another record": workout.provenance.record_id != expected.record_id,
        "has another sport": Sport(workout.sport) is not expected.sport,
        "has another title": workout.title != expected.title,
        "has another start": abs(workout.start_time.ToMilliseconds() - expected.start_ms) > START_TOLERANCE_MS,
        "lost or invented its track": bool(points) != expected.has_track,
        "has points out of order": any(later < earlier for earlier, later in pairwise(points)),
        "has an endless segment": any(len(each.points) > SEGMENT_POINTS_MAX for each in workout.segments),
    }
    return [fault for fault, is_true in told.items() if is_true]


async def check_writing(world: World, destination: Destination) -> list[str]:
    """What is written is found by its external id, and no other; a refused duplicate names the original."""
    start_ms = world.workout.start_time.ToMilliseconds()
    # `find` ranges over starts whatever listings range over.
    window = Window(max(0, start_ms - START_TOLERANCE_MS), start_ms + START_TOLERANCE_MS)
    session, findings = world.session, list[str]()
    written = await destination.write(session, world.workout, external_id="conformance-written")
    await world.settle()
    found = await destination.find(session, external_id="conformance-written", window=window)
    if found is None or found.record_id != written.record_id:
        findings.append("writing: a written record is not found by its external id")
    if await destination.find(session, external_id="conformance-absent", window=window) is not None:
        findings.append("writing: a record was found under an id that nobody wrote")
    if world.provider.capabilities.refuses_duplicates:
        again = await destination.write(session, world.workout, external_id="conformance-again")
        if not again.was_duplicate or again.record_id != written.record_id:
            findings.append("writing: a duplicate did not lead to the original")
    return findings


async def check_update(world: World, destination: Destination) -> list[str]:
    """An edit shows in the listing, under a new version."""
    source, table = world.provider.source, world.provider.capabilities
    if source is None or EditableField.TITLE not in table.updatable:
        return []
    before = {each.record_id: each for each in await list_all(source, world)}
    record_id = world.records[0].record_id
    updated = await destination.update(world.session, record_id, {EditableField.TITLE: "Renamed by a check"})
    await world.settle()
    after = {each.record_id: each for each in await list_all(source, world)}[record_id]
    told = {
        "update: the new title is not in the listing": after.title != "Renamed by a check",
        "update: the version stayed": after.version == before[record_id].version,
        "update: its answer has another version than the listing": updated.version != after.version,
    }
    return [fault for fault, is_true in told.items() if is_true]


async def check_delete(world: World, destination: Destination) -> list[str]:
    """Deleting works twice over where it is promised, and is refused by name where it is not."""
    record_id = world.records[-1].record_id
    try:
        await destination.delete(world.session, record_id)
        await destination.delete(world.session, record_id)
    except ProviderRefusedError:
        return ["delete: refused against the capability table"] if world.provider.capabilities.can_delete else []
    if not world.provider.capabilities.can_delete:
        return ["delete: done against the capability table"]
    source = world.provider.source
    if source is not None and any(each.record_id == record_id for each in await list_all(source, world)):
        return ["delete: a deleted record is still listed"]
    return []
