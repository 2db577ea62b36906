"""`python -m bench`: measures the rows asked for and writes `docs/benchmarks.json` and `docs/benchmarks.md`."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import pkgutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import uvloop

from bench import book, page, rows
from bench.figure import Figure, Json
from bench.machine import describe_machine, describe_versions
from bench.plan import Plan
from bench.redis_server import redis_version
from bench.rounds import BenchFailedError

DOCS = Path(__file__).parents[1] / "docs"
ROUNDS = 5
SECONDS = 5.0
FULL_SECONDS = 15.0

Measure = Callable[[Plan], Awaitable[Sequence[Figure]]]


def main() -> int:
    """Runs; returns 0 when every row gave its figures, whatever the figures are."""
    asked = _parse()
    modules = _modules_of(asked.rows)
    with tempfile.TemporaryDirectory(prefix="syncwell-bench-", dir=os.environ.get("SYNCWELL_BENCH_DIR")) as folder:
        root = Path(folder)
        run: dict[str, Json] = {
            "machine": describe_machine(root),
            "versions": describe_versions(redis_version()),
            "date": datetime.now(tz=UTC).isoformat(timespec="seconds"),
            "command": _command(asked),
        }
        failed = _measure_all(modules, asked, root, run)
    for group, reason in failed.items():
        print(f"{group}: no figure: {reason}", file=sys.stderr)
    return 1 if failed else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rows", default="", help="comma-separated, as P1,P14; all of them if left out")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="measured rounds of each contestant")
    parser.add_argument("--seconds", type=float, default=None, help="length of one round of a rate")
    parser.add_argument("--full", action="store_true", help="long rounds, and the runs that take minutes")
    return parser.parse_args()


def _modules_of(asked: str) -> Mapping[str, str]:
    """Returns the modules by group: `p14_item_store` measures P14. A row is added by adding its file."""
    names = [module.name for module in pkgutil.iter_modules(rows.__path__)]
    known = {name.partition("_")[0].upper(): name for name in sorted(names, key=book.order_of)}
    wanted = [group.strip().upper() for group in asked.split(",") if group.strip()] or list(known)
    unknown = [group for group in wanted if group not in known]
    if unknown:
        raise SystemExit(f"there is no row {', '.join(unknown)}; there are {', '.join(known)}")
    return {group: known[group] for group in wanted}


def _command(asked: argparse.Namespace) -> str:
    arguments = [f"--rounds {asked.rounds}"]
    arguments += [f"--seconds {asked.seconds:g}"] if asked.seconds else []
    arguments += ["--full"] if asked.full else []
    chosen = f"ROWS={asked.rows} " if asked.rows else ""
    return f'make bench {chosen}ARGS="{" ".join(arguments)}"'


def _measure_all(
    modules: Mapping[str, str], asked: argparse.Namespace, root: Path, run: Mapping[str, Json]
) -> dict[str, str]:
    """Measures and writes row by row, so that what is measured is kept; returns why the others have no figure."""
    failed: dict[str, str] = {}
    for group, name in modules.items():
        print(f"{group} ...", flush=True)
        folder = root / name
        folder.mkdir()
        seconds = asked.seconds or (FULL_SECONDS if asked.full else SECONDS)
        plan = Plan(folder, asked.rounds, seconds, is_full=asked.full, say=lambda text: print(f"  {text}", flush=True))
        before: dict[str, Json] = {
            "date": datetime.now(tz=UTC).isoformat(timespec="seconds"),
            "load_average": [round(value, 2) for value in os.getloadavg()],
        }
        try:
            module = importlib.import_module(f"bench.rows.{name}")
            # Who drives load in this process runs on the loop that services run on; who only starts others need not.
            loop_factory = uvloop.new_event_loop if getattr(module, "DRIVES_LOAD_HERE", False) else None
            with asyncio.Runner(loop_factory=loop_factory) as runner:
                figures = runner.run(_collect(cast(Measure, module.measure), plan))
        except (BenchFailedError, ImportError) as exc:
            failed[group] = str(exc)
            continue
        measured: list[Mapping[str, Json]] = [{**figure.to_json(), **before} for figure in figures]
        _print_rows(measured)
        _write(run, group, measured)
    return failed


async def _collect(measure: Measure, plan: Plan) -> Sequence[Figure]:
    return await measure(plan)


def _print_rows(figures: Sequence[Mapping[str, Json]]) -> None:
    for row in figures:
        ours, peer, ratio = (page.number(cast(float | None, row[name])) for name in ("ours", "peer", "ratio"))
        print(
            f"  {row['id']}: ours {ours} {row['unit']}, peer {peer} ({row['peer_name']}), ratio {ratio}, "
            f"must {row['must']}, aim {row['aim']}: {row['holds']}",
            flush=True,
        )


def _write(run: Mapping[str, Json], group: str, measured: Sequence[Mapping[str, Json]]) -> None:
    path = DOCS / "benchmarks.json"
    merged = book.merge(book.load(path), run, measured, measured=[group])
    book.save(path, merged)
    (DOCS / "benchmarks.md").write_text(page.render(merged))


if __name__ == "__main__":
    sys.exit(main())
