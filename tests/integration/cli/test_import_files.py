"""`syncwell import` against a real store process."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from syncwell.cli.connect_files import connect_files
from syncwell.cli.import_files import Importer, import_files
from syncwell.domain.errors import InvalidInputError, NotFoundError
from syncwell.providers.files.fit_writer import write_fit
from syncwell.providers.files.gpx_writer import write_gpx
from syncwell.providers.files.tcx_writer import write_tcx
from tests.contract.store_process import StoreProcess
from tests.fixtures.files.fit_files import make_run


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreProcess]:
    process = StoreProcess(tmp_path_factory.mktemp("data"))
    process.start()
    yield process
    process.end()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """One file of each format, the last gzipped."""
    contents = {"a.fit": write_fit(make_run()), "b.tcx": write_tcx(make_run()), "c.gpx": write_gpx(make_run())}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(gzip.compress(content) if name == "c.gpx" else content)
    return [tmp_path / name for name in contents]


async def run(store: StoreProcess, files: Sequence[Path], importer: Importer, *, dry: bool = False) -> tuple[int, str]:
    """Returns exit code and what was printed."""
    output = io.StringIO()
    console = Console(file=output, width=200, highlight=False)
    code = await import_files(store.settings, files, importer, is_dry_run=dry, console=console)
    return code, output.getvalue()


def stored_files(store: StoreProcess) -> list[str]:
    return sorted(path.name for path in store.settings.files_dir.glob("*/*"))


async def test_files_land_once_in_the_persons_folder(store: StoreProcess, files: list[Path]) -> None:
    """Each format is taken, under a name that follows from the content, also when it is imported again."""
    code, output = await run(store, files, Importer("ann"))
    again, _ = await run(store, files, Importer("ann"))

    assert (code, again) == (0, 0)
    assert "3 taken, 0 refused; connection: conn_" in output
    assert output.count("run") >= 3
    names = stored_files(store)
    assert sorted(name.rpartition(".")[2] for name in names) == ["fit", "gpx", "tcx"]
    assert len({path.parent for path in store.settings.files_dir.glob("*/*")}) == 1


async def test_refused_files_are_named_and_the_others_taken(store: StoreProcess, files: list[Path]) -> None:
    """A damaged file costs an exit code and a line, not the others."""
    files[1].write_bytes(b"<gpx>")

    code, output = await run(store, [*files, files[0].parent / "absent.fit"], Importer("bert"))

    assert code == 1
    assert f"refused {files[1]}: The XML is damaged" in output
    assert "absent.fit: The file cannot be read (No such file or directory)." in output
    assert "2 taken, 2 refused" in output


async def test_dry_run_needs_no_system_and_stores_nothing(tmp_path: Path, files: list[Path]) -> None:
    """What is in the files is shown without a store."""
    stopped = StoreProcess(tmp_path)

    code, output = await run(stopped, files, Importer("ann"), dry=True)

    assert code == 0
    assert "0:01:00" in output
    assert "2023-11-14 22:13:20" in output
    assert "3 readable, 0 refused; nothing was stored" in output
    assert not stopped.settings.files_dir.exists()


async def test_of_several_folders_one_must_be_chosen(store: StoreProcess, files: list[Path]) -> None:
    """Nobody guesses a folder, and nobody reaches into another's."""
    first, folder = await connect_files(store.settings, user="carol")
    await connect_files(store.settings, user="carol")
    theirs, _ = await connect_files(store.settings, user="dave")

    with pytest.raises(InvalidInputError, match="--to"):
        await run(store, files, Importer("carol"))
    with pytest.raises(NotFoundError):
        await run(store, files, Importer("carol", connection_id=theirs.connection_id))
    code, _ = await run(store, files, Importer("carol", connection_id=first.connection_id))

    assert code == 0
    assert len(os.listdir(folder)) == 3


async def test_number_of_files_is_bounded(store: StoreProcess) -> None:
    """No file and too many files are refused before anything is read."""
    for paths in ([], [Path("a.fit")] * 1_001):
        with pytest.raises(InvalidInputError):
            await run(store, paths, Importer("ann"))
