"""`syncwell`: the command line. Commands import what they need when they run, so that `--help` is instant."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from cyclopts import App, Parameter

from syncwell.domain.errors import SyncWellError

if TYPE_CHECKING:
    from syncwell.runtime.settings import InstallationSettings

TERMINATED_EXIT_CODE = 143  # 128 + SIGTERM, as shells say it
ResultT = TypeVar("ResultT")

app = App(name="syncwell", help="Keeps workouts, sleep, steps and weight the same across services.")

DataDir = Annotated[Path | None, Parameter(help="Where everything is kept; SYNCWELL_DATA_DIR, else ~/.syncwell.")]


@app.command
def up(
    *,
    data_dir: DataDir = None,
    host: Annotated[str, Parameter(help="Address of the REST gateway.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Port of the REST gateway.")] = 8080,
    sandbox: Annotated[bool, Parameter(help="Run a Garmin and a Strava of the sandbox too.")] = False,
) -> int:
    """Run the whole system on this machine until Ctrl-C."""
    from syncwell.cli.installation import GatewayAddress
    from syncwell.cli.up import run_up

    _run(run_up(_settings(data_dir), GatewayAddress(host, port), with_sandbox=sandbox))
    return 0


@app.command
def doctor(
    *, data_dir: DataDir = None, port: Annotated[int, Parameter(help="Port of the REST gateway.")] = 8080
) -> int:
    """Say what is wrong with this set-up, and how to mend it."""
    from syncwell.cli.doctor import examine, print_findings

    return print_findings(asyncio.run(examine(_settings(data_dir), port)))


@app.command
def connect(
    provider: Annotated[str, Parameter(help="garmin, strava, …")],
    *,
    data_dir: DataDir = None,
    gateway: Annotated[str, Parameter(help="Where the gateway of `syncwell up` answers.")] = "http://127.0.0.1:8080",
    user: Annotated[str, Parameter(help="Whose account it is.")] = "me",
    here: Annotated[bool, Parameter(help="Grant without a browser; only sandboxes let that pass.")] = False,
) -> int:
    """Connect an account: consent in the browser, then the code that it shows."""
    from syncwell.cli.connect import connect as walk
    from syncwell.cli.token import mint_development_token

    token = mint_development_token(_settings(data_dir), user=user, hours=1.0)
    print(asyncio.run(walk(gateway, token, provider, grants_here=here, show=print)))
    return 0


@app.command
def demo(
    *,
    json: Annotated[bool, Parameter(help="End with one JSON object on standard output.")] = False,
    keep: Annotated[bool, Parameter(help="Keep the demo's data directory and say where it is.")] = False,
) -> int:
    """Carry real workouts from a Garmin to a Strava of the sandbox, once, through a kill -9."""
    from syncwell.cli.demo import run_demo

    return _run(run_demo(is_json=json, is_kept=keep))


@app.command
def token(
    *,
    data_dir: DataDir = None,
    user: Annotated[str, Parameter(help="Who the token speaks for.")] = "me",
    hours: Annotated[float, Parameter(help="How long it lives.")] = 1.0,
    role: Annotated[list[str] | None, Parameter(help="What the user may do; `admin` opens /v1/admin.")] = None,
) -> int:
    """Print a token of the development issuer, for curl."""
    from syncwell.cli.token import mint_development_token

    print(mint_development_token(_settings(data_dir), user=user, hours=hours, roles=role or ()))
    return 0


@app.command
def connect_files(
    *,
    data_dir: DataDir = None,
    user: Annotated[str, Parameter(help="Whose folder it is; as in `syncwell token --user`.")] = "me",
    issuer: Annotated[str, Parameter(help="The identity provider that knows the user; needed in production.")] = "",
) -> int:
    """Give a user a folder of FIT files as a connection; the system must run."""
    from syncwell.cli.connect_files import connect_files as connect

    connection, folder = asyncio.run(connect(_settings(data_dir), user=user, issuer=issuer))
    print(f"connection: {connection.connection_id}\nfolder: {folder}")
    return 0


@app.command(name="import")
def import_activities(
    *files: Annotated[Path, Parameter(help="FIT, TCX or GPX files, plain or gzipped.")],
    data_dir: DataDir = None,
    user: Annotated[str, Parameter(help="Whose workouts they are; as in `syncwell token --user`.")] = "me",
    issuer: Annotated[str, Parameter(help="The identity provider that knows the user; needed in production.")] = "",
    to: Annotated[str, Parameter(help="The connection to a folder; needed where the user has several.")] = "",
    dry_run: Annotated[bool, Parameter(help="Only show what is in the files.")] = False,
) -> int:
    """Put activity files into a user's folder, from where they are synced; the system must run."""
    from rich.console import Console

    from syncwell.cli.import_files import Importer, import_files

    importer = Importer(user, issuer, to)
    return asyncio.run(
        import_files(_settings(data_dir), files, importer, is_dry_run=dry_run, console=Console(highlight=False))
    )


dlq = App(name="dlq", help="The jobs that nobody can run until a bug is mended. The system must run.")
app.command(dlq)

JobClassName = Annotated[
    Literal["interactive", "normal", "bulk"] | None, Parameter(name="--class", help="Of one class; all without it.")
]


@dlq.command(name="list")
def list_dead_letters(
    *,
    data_dir: DataDir = None,
    job_class: JobClassName = None,
    limit: Annotated[int, Parameter(help="At most this many, oldest first.")] = 100,
) -> int:
    """List the dead letters with their causes."""
    from syncwell.cli.dead_letters import list_letters

    return asyncio.run(list_letters(_settings(data_dir), job_class, limit=limit))


@dlq.command
def redrive(
    *,
    data_dir: DataDir = None,
    job_class: JobClassName = None,
    limit: Annotated[int, Parameter(help="At most this many, oldest first; up to 1000.")] = 100,
) -> int:
    """Give the oldest dead letters another chance, ten jobs a second."""
    from syncwell.cli.dead_letters import redrive_letters

    return asyncio.run(redrive_letters(_settings(data_dir), job_class, limit=limit))


@app.command
def subscribe(
    provider: Annotated[str, Parameter(help="Whose events; strava has some.")],
    *,
    callback: Annotated[str, Parameter(help="URL of the REST gateway as the provider reaches it.")],
    data_dir: DataDir = None,
) -> int:
    """Order a provider's events, so that new workouts are synced as they come; the system must run."""
    from syncwell.cli.subscribe import subscribe_to
    from syncwell.runtime.provider_settings import ProviderFileSettings
    from syncwell.runtime.settings import load

    settings = load(ProviderFileSettings)
    if data_dir is not None:
        settings = settings.model_copy(update={"data_dir": data_dir.absolute()})
    print(f"subscription: {asyncio.run(subscribe_to(settings, provider, callback)).subscription_id}")
    return 0


def main() -> None:
    """Runs the command line; an error of ours is one line on stderr and exit code 2."""
    try:
        code = app(result_action="return_value")
    except SyncWellError as exc:
        sys.stderr.write(f"syncwell: {exc.message}\n")
        code = 2
    except KeyboardInterrupt:
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


def _run(work: Coroutine[object, object, ResultT]) -> ResultT:
    """Runs `work`; SIGTERM ends it in order, as Ctrl-C does."""

    async def until_terminated() -> ResultT:
        task = asyncio.current_task()
        if task is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return asyncio.run(until_terminated())
    except asyncio.CancelledError:
        sys.exit(TERMINATED_EXIT_CODE)


def _settings(data_dir: Path | None) -> InstallationSettings:
    from syncwell.runtime.settings import InstallationSettings, load

    settings = load(InstallationSettings)
    return settings if data_dir is None else settings.model_copy(update={"data_dir": data_dir.absolute()})
