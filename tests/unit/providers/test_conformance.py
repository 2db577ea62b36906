"""The conformance checks find what is wrong with an adapter, each defect by name, and nothing in a right one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import pytest

from syncwell.api.record.v1.record_pb2 import SPORT_RUN, CanonicalWorkout, Point, PointSegment, Provenance
from syncwell.domain.errors import InvalidInputError, ProviderRefusedError, UnsupportedPairError
from syncwell.domain.records import DataType, EditableField, RecordId, RecordMetadata, Sport
from syncwell.ports.roles import Capabilities, OAuth, ProviderSession, SourcePage, Window, Written
from syncwell.providers.conformance import SeededRecord, World, judge
from tests.unit.providers.stages import ScriptedSession

TABLE = Capabilities(
    provider="toy",
    display_name="Toy",
    readable=frozenset({DataType.WORKOUT}),
    writable=frozenset({DataType.WORKOUT}),
    updatable=frozenset({EditableField.TITLE}),
    can_delete=True,
    refuses_duplicates=True,
)
WINDOW = Window(1_000_000, 9_000_000)


def toy_record(number: int, start_ms: int) -> RecordMetadata:
    """Returns a record of the toy provider."""
    return RecordMetadata(
        RecordId(str(number)), DataType.WORKOUT, Sport.RUN, start_ms, 60_000, "v1", title=f"R{number}"
    )


class Toy:
    """A provider in memory that plays every role right, but for the defects that it is given."""

    oauth: ClassVar[OAuth | None] = None

    def __init__(self, *defects: str) -> None:
        self.defects = frozenset(defects)
        self.capabilities = TABLE
        self.source = self
        self.destination = self
        outsider = toy_record(9, 9_000_000)
        self.records = {each.record_id: each for each in (toy_record(1, 2_000_000), toy_record(2, 3_000_000), outsider)}
        self.listings = 0

    async def has_new_data(self, session: ProviderSession, data_type: DataType, *, since_ms: int) -> bool:
        return "denies news" not in self.defects

    async def fetch_metadata(
        self, session: ProviderSession, data_type: DataType, window: Window, *, cursor: str | None = None
    ) -> SourcePage:
        self.listings += 1
        if data_type is not DataType.WORKOUT and "serves all" not in self.defects:
            raise UnsupportedPairError("workouts only")
        if cursor not in (None, "2") and "takes any cursor" not in self.defects:
            raise InvalidInputError("no cursor")
        if cursor is None:
            return SourcePage((), "2")
        is_in = {each.record_id for each in self.records.values() if window.start_ms <= each.start_ms < window.end_ms}
        shown = [each for each in self.records.values() if each.record_id in is_in or "ignores window" in self.defects]
        return SourcePage(tuple(self._distorted(each) for each in shown if not self._is_lost(each)))

    def _is_lost(self, record: RecordMetadata) -> bool:
        return "loses a record" in self.defects and record.record_id == "2"

    def _distorted(self, record: RecordMetadata) -> RecordMetadata:
        if "restless versions" in self.defects:
            return replace(record, version=str(self.listings))
        if "wrong sport" in self.defects:
            return replace(record, sport=Sport.YOGA)
        if "wrong start" in self.defects:
            return replace(record, start_ms=record.start_ms + 5_000)
        return record

    async def fetch_payloads(
        self, session: ProviderSession, records: Sequence[RecordMetadata]
    ) -> AsyncIterator[tuple[RecordId, CanonicalWorkout | None]]:
        for record in records:
            if record.record_id not in self.records and "invents the gone" not in self.defects:
                yield record.record_id, None
                continue
            workout = CanonicalWorkout(
                provenance=Provenance(provider="toy", record_id=record.record_id),
                sport=SPORT_RUN,
                elapsed_ms=60_000,
                title=record.title,
                segments=[PointSegment(points=[Point(offset_ms=0), Point(offset_ms=1000)])],
            )
            workout.start_time.FromMilliseconds(record.start_ms)
            if "loses tracks" in self.defects:
                del workout.segments[:]
            if "disorders points" in self.defects:
                workout.segments[0].points.reverse()
            if "forgets provenance" in self.defects:
                workout.ClearField("provenance")
            yield record.record_id, workout
            if "gives twice" in self.defects:
                yield record.record_id, workout

    async def write(self, session: ProviderSession, workout: CanonicalWorkout, *, external_id: str) -> Written:
        start_ms = workout.start_time.ToMilliseconds()
        twin = next((each for each in self.records.values() if each.start_ms == start_ms), None)
        if twin is not None and "writes doubles" not in self.defects:
            return Written(twin.record_id, twin.version, was_duplicate=True)
        made = replace(toy_record(len(self.records) + 100, start_ms), external_id=external_id)
        if "forgets external ids" in self.defects:
            made = replace(made, external_id="")
        self.records[made.record_id] = made
        return Written(made.record_id, made.version)

    async def find(self, session: ProviderSession, *, external_id: str, window: Window) -> Written | None:
        for each in self.records.values():
            if each.external_id == external_id or ("finds anything" in self.defects and each.external_id):
                return Written(each.record_id, each.version)
        return None

    async def update(
        self, session: ProviderSession, record_id: RecordId, fields: Mapping[EditableField, str]
    ) -> Written:
        version = "v1" if "keeps versions" in self.defects else "v2"
        title = self.records[record_id].title if "ignores edits" in self.defects else fields[EditableField.TITLE]
        self.records[record_id] = replace(self.records[record_id], title=title, version=version)
        return Written(record_id, "v9" if "answers another version" in self.defects else version)

    async def delete(self, session: ProviderSession, record_id: RecordId) -> None:
        if "refuses to delete" in self.defects:
            raise ProviderRefusedError("no")
        if "keeps deleted" not in self.defects:
            self.records.pop(record_id, None)


def world_of(toy: Toy) -> World:
    """Returns the toy's world."""

    async def settle() -> None:
        return

    new = CanonicalWorkout(sport=SPORT_RUN, elapsed_ms=60_000)
    new.start_time.FromMilliseconds(4_000_000)
    seeded = tuple(
        SeededRecord(RecordId(str(number)), Sport.RUN, start_ms, 60_000, f"R{number}", has_track=True)
        for number, start_ms in ((1, 2_000_000), (2, 3_000_000))
    )
    return World(toy, ScriptedSession([]), WINDOW, seeded, (RecordId("9"),), RecordId("77"), new, settle)


async def test_right_adapter_has_no_findings() -> None:
    """An adapter that keeps the contract is told so."""
    assert await judge(world_of(Toy())) == ()


@pytest.mark.parametrize(
    ("defect", "finding"),
    [
        ("denies news", "news: a record"),
        ("serves all", "refusals: "),
        ("takes any cursor", "refusals: a foreign cursor"),
        ("ignores window", "listing: 9 lies outside"),
        ("loses a record", "listing: 2 is missing"),
        ("restless versions", "changed its version without a change"),
        ("wrong sport", "has another sport"),
        ("wrong start", "has another start"),
        ("loses tracks", "lost or invented its track"),
        ("disorders points", "points out of order"),
        ("forgets provenance", "names another provider"),
        ("gives twice", "was given twice"),
        ("invents the gone", "gone is not told"),
        ("writes doubles", "duplicate did not lead"),
        ("forgets external ids", "is not found by its external id"),
        ("finds anything", "an id that nobody wrote"),
        ("keeps versions", "update: the version stayed"),
        ("ignores edits", "update: the new title"),
        ("answers another version", "another version than the listing"),
        ("refuses to delete", "delete: refused"),
        ("keeps deleted", "still listed"),
    ],
)
async def test_each_defect_is_found(defect: str, finding: str) -> None:
    """A broken adapter is told what is wrong with it."""
    findings = await judge(world_of(Toy(defect)))
    assert any(finding in each for each in findings), findings


async def test_table_that_promises_too_much_is_found() -> None:
    """A capability table without the role behind it is a finding."""
    toy = Toy()
    toy.capabilities = replace(TABLE, readable=frozenset(), writable=frozenset())
    assert len([each for each in await judge(world_of(toy)) if each.startswith("capabilities")]) == 2
