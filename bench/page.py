"""`docs/benchmarks.md`, made from the book: not a figure on it is typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any  # reason: rows come from the JSON book

from bench.bars import TIMES

_HEAD = """# Benchmarks

Made by `make bench` from `benchmarks.json`; not edited by hand. Peer and SyncWell are measured in one run on one
machine, load generator included, in alternating rounds; figures are medians. A ratio says how many times better
SyncWell is. `holds` is the best bar that a figure clears.
"""


def render(book: Mapping[str, Any]) -> str:
    """Returns the page."""
    parts = [_HEAD, *_surroundings(book), "## Figures\n", *_table(book["rows"]), "\n## Missed bars\n"]
    parts += list(_missed(book["rows"])) or ["None.\n"]
    parts += ["## How each figure was made\n", *_details(book["rows"])]
    return "\n".join(parts).rstrip() + "\n"


def _surroundings(book: Mapping[str, Any]) -> Iterator[str]:
    machine = book["machine"]
    yield "| | |\n|---|---|"
    yield f"| last run | {book['date']}, `{book['command']}` |"
    yield f"| machine | {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB |"
    yield f"| system | {machine['kernel']}, {machine['file_system']}, fdatasync {machine['sync_p50_ms']} ms |"
    versions = ", ".join(f"{name} {version}" for name, version in book["versions"].items() if version)
    yield f"| versions | {versions} |\n"


def _table(rows: list[Mapping[str, Any]]) -> Iterator[str]:
    yield "| id | what | ours | peer | ratio | must | aim | holds |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in rows:
        ours, peer = (number(row[side], row["unit"]) for side in ("ours", "peer"))
        named = f"{peer} ({row['peer_name']})" if row["peer_name"] else peer
        ratio = "—" if row["ratio"] is None else f"{number(row['ratio'])}{TIMES}"
        yield (
            f"| {row['id']} | {row['what']} | {ours} | {named} | {ratio} | {row['must']} | {row['aim']} "
            f"| {'**missed**' if row['holds'] == 'missed' else row['holds']} |"
        )


def _missed(rows: list[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        if row["holds"] == "aim":
            continue
        name, bar = ("must", row["must"]) if row["holds"] == "missed" else ("aim", row["aim"])
        yield (
            f"**{row['id']}** misses its {name} ({bar}): {_result(row)} {row['absence']} {row['reason']}".rstrip()
            + "\n"
        )


def _result(row: Mapping[str, Any]) -> str:
    facts = "".join(f", {name} {number(value)}" for name, value in row["facts"].items())
    if row["ours"] is None:
        return "not measured."
    if row["ratio"] is None:
        return f"{number(row['ours'], row['unit'])}{facts}, without a peer."
    peer = f"{number(row['peer'], row['unit'])} of {row['peer_name']}"
    return f"{number(row['ours'], row['unit'])}{facts} beside {peer}, {number(row['ratio'])}{TIMES}."


def _details(rows: list[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        yield f"### {row['id']}\n"
        load = ", ".join(number(value) for value in row["load_average"])
        yield f"{row['what']}. Measured {row['date']} (load average before: {load}); warm-up: {row['warm_up']}.\n"
        yield "| who | median | spread of rounds | beside | settings |\n|---|---|---|---|---|"
        if row["ours"] is not None:
            ours = {"facts": row["facts"], "settings": row["ours_settings"]}
            yield _line("SyncWell", row["ours"], row["ours_rounds"], beside=ours, unit=row["unit"])
        for peer in row["peers"]:
            yield _line(peer["name"], peer["median"], peer["rounds"], beside=peer, unit=row["unit"])
        if row["absence"]:
            yield f"\n{row['absence']}"
        yield ""


def _line(name: str, median: float, rounds: list[float], *, beside: Mapping[str, Any], unit: str) -> str:
    spread = f"{number(min(rounds))} to {number(max(rounds))} in {len(rounds)}"
    facts = ", ".join(f"{fact} {number(value)}" for fact, value in beside["facts"].items())
    return f"| {name} | {number(median, unit)} | {spread} | {facts} | {beside['settings']} |"


def number(value: float | None, unit: str = "") -> str:
    """Returns a figure as people read it: three digits, thousands apart."""
    if value is None:
        return "—"
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{text} {unit}".rstrip()
