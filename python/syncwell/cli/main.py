"""`syncwell`: the command line. Commands import what they need when they run, so that `--help` is instant."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from syncwell.domain.errors import SyncWellError

if TYPE_CHECKING:
    from syncwell.runtime.settings import InstallationSettings

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

    asyncio.run(run_up(_settings(data_dir), GatewayAddress(host, port), with_sandbox=sandbox))
    return 0


@app.command
def doctor(
    *, data_dir: DataDir = None, port: Annotated[int, Parameter(help="Port of the REST gateway.")] = 8080
) -> int:
    """Say what is wrong with this set-up, and how to mend it."""
    from syncwell.cli.doctor import examine, print_findings

    return print_findings(asyncio.run(examine(_settings(data_dir), port)))


@app.command
def demo(
    *,
    json: Annotated[bool, Parameter(help="End with one JSON object on standard output.")] = False,
    keep: Annotated[bool, Parameter(help="Keep the demo's data directory and say where it is.")] = False,
) -> int:
    """Carry real workouts from a Garmin to a Strava of the sandbox, once, through a kill -9."""
    from syncwell.cli.demo import run_demo

    return asyncio.run(run_demo(is_json=json, is_kept=keep))


@app.command
def token(
    *,
    data_dir: DataDir = None,
    user: Annotated[str, Parameter(help="Who the token speaks for.")] = "me",
    hours: Annotated[float, Parameter(help="How long it lives.")] = 1.0,
) -> int:
    """Print a token of the development issuer, for curl."""
    from syncwell.cli.token import mint_development_token

    print(mint_development_token(_settings(data_dir), user=user, hours=hours))
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


def _settings(data_dir: Path | None) -> InstallationSettings:
    from syncwell.runtime.settings import InstallationSettings, load

    settings = load(InstallationSettings)
    return settings if data_dir is None else settings.model_copy(update={"data_dir": data_dir.absolute()})
