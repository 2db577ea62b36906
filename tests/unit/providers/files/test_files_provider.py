"""A folder of activity files as source and destination."""

from __future__ import annotations

import asyncio
import errno
import gzip
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from syncwell.api.record.v1.record_pb2 import CanonicalWorkout
from syncwell.domain.errors import (
    InvalidInputError,
    ProviderInvalidAnswerError,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from syncwell.domain.records import DataType, RecordId, RecordMetadata, Sport
from syncwell.ports.roles import Provider, ProviderResponse, Window
from syncwell.providers.conformance import SeededRecord, World, judge
from syncwell.providers.files import folder as folder_module
from syncwell.providers.files import source as source_module
from syncwell.providers.files.account_folders import AccountFolders
from syncwell.providers.files.file_format import FileFormat
from syncwell.providers.files.fit_writer import write_fit
from syncwell.providers.files.gpx_writer import write_gpx
from syncwell.providers.files.provider import FilesProvider
from syncwell.providers.files.tcx_writer import write_tcx
from tests.fixtures.files.fit_files import START_SECONDS, make_run

DAY_MS = 86_400_000
START_MS = START_SECONDS * 1000
EVER = Window(0, 2**42)


class NoSession:
    """A session that tells whose it is and must never be used otherwise: a folder makes no calls."""

    def __init__(self, account: str) -> None:
        self.account = account

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        upload: tuple[str, bytes] | None = None,
        is_write: bool = False,
        body_bytes_max: int = 8_000_000,
    ) -> ProviderResponse:
        raise AssertionError(f"a folder called {method} {path}")


ANN, BOB = "ann", "bob"
SESSION = NoSession(ANN)


def run_on_day(day: int) -> CanonicalWorkout:
    run = make_run(point_count=20)
    run.start_time.seconds += day * 86_400
    for lap in run.laps:
        lap.start_time.seconds += day * 86_400
    return run


def put(folder: Path, name: str, *workouts: CanonicalWorkout) -> None:
    (folder / name).write_bytes(b"".join(write_fit(workout) for workout in workouts))


def arrived_ms(path: Path) -> int:
    return path.stat().st_ctime_ns // 1_000_000


async def list_all(provider: FilesProvider, window: Window = EVER) -> list[RecordMetadata]:
    found: list[RecordMetadata] = []
    cursor: str | None = None
    while True:
        page = await provider.source.fetch_metadata(SESSION, DataType.WORKOUT, window, cursor=cursor)
        found += page.records
        cursor = page.cursor
        if cursor is None:
            return found


async def load(provider: FilesProvider, *records: RecordMetadata) -> dict[RecordId, CanonicalWorkout | None]:
    return {record_id: workout async for record_id, workout in provider.source.fetch_payloads(SESSION, records)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the account that the tests' session is of."""
    AccountFolders(tmp_path).of(ANN).make()
    return tmp_path / ANN


@pytest.fixture
def provider(tmp_path: Path) -> FilesProvider:
    return FilesProvider(tmp_path)


async def test_folder_keeps_the_contract_of_roles(folder: Path, provider: FilesProvider) -> None:
    """Every conformance check passes on a folder with workouts inside and outside the window."""
    put(folder, "run-3.fit", run_on_day(3))
    since_ms = arrived_ms(folder / "run-3.fit") + 1
    for day in range(3):
        put(folder, f"run-{day}.fit", run_on_day(day))
        while arrived_ms(folder / f"run-{day}.fit") < since_ms:  # the file system's clock ticks every few milliseconds
            put(folder, f"run-{day}.fit", run_on_day(day))
    seeded = tuple(
        SeededRecord(RecordId(f"run-{day}.fit"), Sport.RUN, START_MS + day * DAY_MS, 20_000, "", has_track=True)
        for day in range(3)
    )
    contract: Provider = provider

    findings = await judge(
        World(
            provider=contract,
            session=SESSION,
            window=Window(since_ms, EVER.end_ms),
            records=seeded,
            outsiders=(RecordId("run-3.fit"),),
            gone=RecordId("gone.fit"),
            workout=run_on_day(1),
            settle=lambda: asyncio.sleep(0),
        )
    )

    assert findings == ()


async def test_pages_end_and_leave_nothing_out(
    folder: Path, provider: FilesProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Listing page by page gives every file once, in order of names."""
    monkeypatch.setattr(source_module, "PAGE_FILES_MAX", 2)
    for day in range(5):
        put(folder, f"{day}.fit", run_on_day(day))

    assert [record.record_id for record in await list_all(provider)] == [f"{day}.fit" for day in range(5)]


async def test_file_with_several_workouts_gives_them_all(folder: Path, provider: FilesProvider) -> None:
    """Chained workouts are records of their own; none of them can be deleted alone."""
    put(folder, "both.fit", run_on_day(0), run_on_day(1))

    records = await list_all(provider)
    workouts = await load(provider, *records)

    assert [record.record_id for record in records] == ["both.fit", "both.fit#2"]
    second = workouts[RecordId("both.fit#2")]
    assert second is not None
    assert second.start_time.seconds == START_SECONDS + 86_400
    with pytest.raises(ProviderRefusedError, match="other workouts"):
        await provider.destination.delete(SESSION, RecordId("both.fit#2"))
    assert await load(provider, replace(records[0], record_id=RecordId("both.fit#3"))) == {"both.fit#3": None}


async def test_gzipped_file_is_listed(folder: Path, provider: FilesProvider) -> None:
    """Files as bulk exports hold them are read in place."""
    (folder / "run.fit.gz").write_bytes(gzip.compress(write_fit(run_on_day(0))))

    assert [record.record_id for record in await list_all(provider)] == ["run.fit.gz"]


async def test_damaged_file_does_not_hide_the_others(folder: Path, provider: FilesProvider) -> None:
    """A file that cannot be read is left out of the listing; asking for it names it."""
    put(folder, "whole.fit", run_on_day(0))
    (folder / "cut.fit").write_bytes(write_fit(run_on_day(1))[:-9])

    (record,) = await list_all(provider)

    assert record.record_id == "whole.fit"
    with pytest.raises(ProviderInvalidAnswerError) as caught:
        await load(provider, replace(record, record_id=RecordId("cut.fit")))
    assert caught.value.fields["record_id"] == "cut.fit"


async def test_changed_file_is_read_again(folder: Path, provider: FilesProvider) -> None:
    """A file is remembered until it changes; then its record has another version."""
    put(folder, "run.fit", run_on_day(0))
    (before,) = await list_all(provider)
    changed = run_on_day(0)
    changed.energy_kcal += 100
    put(folder, "run.fit", changed)
    os.utime(folder / "run.fit", ns=(0, 10**18))

    (after,) = await list_all(provider)

    assert after.record_id == before.record_id
    assert after.version != before.version


async def test_unchanged_file_is_read_once(
    folder: Path, provider: FilesProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Listing again costs no reading."""
    put(folder, "run.fit", run_on_day(0))
    first = await list_all(provider)
    monkeypatch.setattr(source_module, "open_activity_file", lambda *_: pytest.fail("read again"))

    assert await list_all(provider) == first


async def test_nothing_outside_the_folder_is_reached(tmp_path: Path, folder: Path, provider: FilesProvider) -> None:
    """Links, other names and paths lead nowhere."""
    put(tmp_path, "outside.fit", run_on_day(0))
    (folder / "link.fit").symlink_to(tmp_path / "outside.fit")
    (folder / "notes.txt").write_text("no workout")
    os.mkfifo(folder / "pipe.fit")

    assert await list_all(provider) == []
    for name in ("../outside.fit", "/etc/passwd", ".hidden.fit", "notes.txt", "a\0.fit", ""):
        with pytest.raises(InvalidInputError):
            await provider.destination.delete(SESSION, RecordId(name))
    with pytest.raises(ProviderUnavailableError):
        await provider.destination.delete(SESSION, RecordId("link.fit"))
    assert (tmp_path / "outside.fit").exists()


async def test_accounts_never_see_each_other(
    tmp_path: Path, folder: Path, provider: FilesProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two accounts whose files look the same from outside are given their own workouts, and change only their own."""
    AccountFolders(tmp_path).of(BOB).make()
    put(folder, "run.fit", run_on_day(0))
    put(tmp_path / BOB, "run.fit", run_on_day(7))
    (stamp,) = AccountFolders(tmp_path).of(ANN).list_files()
    monkeypatch.setattr(folder_module.WorkoutFolder, "list_files", lambda _self: [stamp])
    bob = NoSession(BOB)

    (hers,) = (await provider.source.fetch_metadata(SESSION, DataType.WORKOUT, EVER)).records
    (his,) = (await provider.source.fetch_metadata(bob, DataType.WORKOUT, EVER)).records
    payloads = {one: each async for one, each in provider.source.fetch_payloads(bob, [his])}
    await provider.destination.delete(bob, his.record_id)

    assert (hers.start_ms, his.start_ms) == (START_MS, START_MS + 7 * DAY_MS)
    workout = payloads[his.record_id]
    assert workout is not None
    assert workout.start_time.ToMilliseconds() == his.start_ms
    assert ((folder / "run.fit").exists(), (tmp_path / BOB / "run.fit").exists()) == (True, False)


async def test_writing_twice_leaves_one_file(folder: Path, provider: FilesProvider) -> None:
    """A workout written again under its external id is told as duplicate of the first."""
    written = await provider.destination.write(SESSION, run_on_day(0), external_id="abc-1")
    again = await provider.destination.write(SESSION, run_on_day(0), external_id="abc-1")
    (listed,) = await list_all(provider)

    assert written.record_id == "2023-11-14T22-13-20Z_run_abc-1.fit"
    assert (again.record_id, again.version, again.was_duplicate) == (written.record_id, written.version, True)
    assert (listed.record_id, listed.version) == (written.record_id, written.version)
    assert [path.name for path in folder.iterdir()] == [written.record_id]


async def test_full_disk_leaves_the_folder_as_it_was(
    folder: Path, provider: FilesProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that fails leaves no part of a file and says what to do."""

    def fail(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(ProviderUnavailableError, match="disk is not full"):
        await provider.destination.write(SESSION, run_on_day(0), external_id="abc-1")
    assert list(folder.iterdir()) == []


async def test_missing_folder_says_so(tmp_path: Path) -> None:
    """A folder that is not there is an error to try again, not an empty listing."""
    with pytest.raises(ProviderUnavailableError, match="Check that it exists"):
        await list_all(FilesProvider(tmp_path / "nowhere"))


async def test_too_many_files_are_refused(
    folder: Path, provider: FilesProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of files of a folder is bounded."""
    monkeypatch.setattr(folder_module, "FILE_COUNT_MAX", 1)
    put(folder, "1.fit", run_on_day(0))
    put(folder, "2.fit", run_on_day(1))

    with pytest.raises(ProviderUnavailableError, match="more than 1 files of workouts"):
        await list_all(provider)


async def test_what_fit_cannot_say_is_refused_for_good(provider: FilesProvider) -> None:
    """A workout that FIT cannot hold is refused, so that the core does not try again."""
    with pytest.raises(ProviderRefusedError, match="1998"):
        await provider.destination.write(
            SESSION, CanonicalWorkout(sport=run_on_day(0).sport, elapsed_ms=1), external_id="abc-1"
        )


async def test_old_files_are_no_news(folder: Path, provider: FilesProvider) -> None:
    """There is news only where a file came or changed since."""
    put(folder, "run.fit", run_on_day(0))
    changed_ms = arrived_ms(folder / "run.fit")

    assert await provider.source.has_new_data(SESSION, DataType.WORKOUT, since_ms=changed_ms)
    assert not await provider.source.has_new_data(SESSION, DataType.WORKOUT, since_ms=changed_ms + 1)


async def test_old_recording_is_listed_by_when_it_came(folder: Path, provider: FilesProvider) -> None:
    """A file is in the window in which it was put here, whatever its workout and its time of modification say."""
    put(folder, "run.fit", run_on_day(0))
    os.utime(folder / "run.fit", ns=(0, 10**18))
    came_ms = arrived_ms(folder / "run.fit")

    (listed,) = await list_all(provider, Window(came_ms, came_ms + 1))
    assert listed.start_ms == START_MS
    for window in (Window(0, came_ms), Window(came_ms + 1, EVER.end_ms), Window(START_MS, START_MS + DAY_MS)):
        assert await list_all(provider, window) == []


async def test_folder_reads_every_format_by_content(folder: Path, provider: FilesProvider) -> None:
    """FIT, TCX and GPX lie side by side, gzipped or under a wrong ending; each becomes a record."""
    (folder / "a.fit").write_bytes(write_fit(run_on_day(0)))
    (folder / "b.TCX").write_bytes(write_tcx(run_on_day(1)))
    (folder / "c.gpx.gz").write_bytes(gzip.compress(write_gpx(run_on_day(2))))
    (folder / "d.fit").write_bytes(write_gpx(run_on_day(3)))
    (folder / "e.xml").write_bytes(write_gpx(run_on_day(4)))

    records = await list_all(provider)
    payloads = await load(provider, *records)

    assert [(record.record_id, record.sport) for record in records] == [
        ("a.fit", Sport.RUN),
        ("b.TCX", Sport.RUN),
        ("c.gpx.gz", Sport.RUN),
        ("d.fit", Sport.RUN),
    ]
    assert all(workout is not None and len(workout.segments[0].points) == 20 for workout in payloads.values())


async def test_second_track_of_a_gpx_file_has_its_own_id(folder: Path, provider: FilesProvider) -> None:
    """Tracks are numbered as chained FIT parts are, and the number leads back to the track."""
    first, second = (write_gpx(run_on_day(day)).decode() for day in (0, 1))
    both = first[: first.index("</gpx>")] + second[second.index(" <trk>") :]
    (folder / "week.gpx").write_text(both)

    records = await list_all(provider)
    payloads = await load(provider, records[1])

    assert [record.record_id for record in records] == ["week.gpx", "week.gpx#2"]
    workout = payloads[RecordId("week.gpx#2")]
    assert workout is not None
    assert workout.start_time.seconds == START_SECONDS + 86_400


@pytest.mark.parametrize("file_format", list(FileFormat))
async def test_folder_writes_the_format_that_it_is_told(
    folder: Path, tmp_path: Path, file_format: FileFormat, provider: FilesProvider
) -> None:
    """A file of the chosen format appears once, is found by its external id, and is read back."""
    told = FilesProvider(tmp_path, file_format=file_format)

    written = await told.destination.write(SESSION, run_on_day(0), external_id="abc-1")
    again = await provider.destination.write(SESSION, run_on_day(0), external_id="abc-1")
    found = await provider.destination.find(SESSION, external_id="abc-1", window=EVER)

    assert written.record_id.endswith(f"_run_abc-1.{file_format}")
    assert again.was_duplicate
    assert found is not None
    assert found.record_id == again.record_id == written.record_id
    assert len(os.listdir(folder)) == 1


async def test_what_the_format_cannot_say_is_refused_for_good(folder: Path, tmp_path: Path) -> None:
    """A workout without positions is no GPX, and trying again would not help."""
    told = FilesProvider(tmp_path, file_format=FileFormat.GPX)

    with pytest.raises(ProviderRefusedError, match="Use FIT or TCX"):
        await told.destination.write(SESSION, make_run(point_count=1), external_id="abc-1")

    assert os.listdir(folder) == []
