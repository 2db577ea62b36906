"""What the demo shows: steps while it runs, tables of what became of each record, one verdict."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any  # reason: decisions are JSON that the OpenAPI document types

from rich.console import Console
from rich.table import Table

from syncwell.cli.demo.verdict import Verdict
from syncwell.domain.redaction import redact

ROWS_MAX = 60
EVIDENCE_SHOWN = ("explanation", "start_gap_s", "no_base")


class Report:
    """Writes for people; with `is_json` everything but the result goes to standard error."""

    def __init__(self, *, is_json: bool) -> None:
        self._is_json = is_json
        self._console = Console(stderr=is_json, highlight=False)
        self._step = 0
        self._started = time.monotonic()
        self._names: dict[str, str] = {}

    def step(self, text: str) -> None:
        """Begins a step."""
        self._step += 1
        seconds = time.monotonic() - self._started
        self._console.print(f"[bold cyan]{self._step:>2}[/] [dim]{seconds:5.1f} s[/]  {text}", soft_wrap=True)

    def name(self, ids: Sequence[object], names: Sequence[str]) -> None:
        """Shows `names` where records with these ids are told of."""
        self._names.update({str(record_id): name for record_id, name in zip(ids, names, strict=True)})

    def say(self, text: str) -> None:
        """Adds a line to the step."""
        self._console.print(f"   [dim]{text}[/]")

    def service_line(self, name: str, line: str) -> None:
        """Shows what a service had to say; only warnings and worse get here."""
        self._console.print(f"   [yellow]{name}[/] {redact(line)}", markup=True)

    def plan(self, decisions: Sequence[Mapping[str, Any]]) -> None:
        """Shows what a dry run would do, counted by reason."""
        for (outcome, reason), count in sorted(Counter(_kind(each) for each in decisions).items()):
            self.say(f"would be {outcome:<10} {count:>3}  because {reason}")

    def table(self, decisions: Sequence[Mapping[str, Any]]) -> None:
        """Shows each record that something was done about, and counts the rest."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("outcome", "Garmin's workout", "Strava's activity", "why", "evidence"):
            table.add_column(heading, overflow="fold")
        told = [each for each in decisions if each["outcome"] != "skipped"]
        for each in told[:ROWS_MAX]:
            table.add_row(
                each["outcome"],
                self._named(each["sourceRecordId"]),
                self._named(each.get("destinationRecordId")),
                each["reason"],
                _evidence(each),
            )
        self._console.print(table)
        skipped = Counter(each["reason"] for each in decisions if each["outcome"] == "skipped")
        for reason, count in sorted(skipped.items()):
            self.say(f"skipped {count} because {reason}")

    def _named(self, record_id: object) -> str:
        return self._names.get(str(record_id), str(record_id or "-"))

    def finish(self, result: Mapping[str, object], verdict: Verdict) -> None:
        """Shows the verdict and the result."""
        for title, names in (
            ("more than once at the destination", verdict.duplicates),
            ("missing at the destination", verdict.missing),
            ("uploads that are no workout of Garmin", verdict.strangers),
        ):
            if names:
                self._console.print(f"[red]{title}:[/] {', '.join(names)}")
        if verdict.is_good:
            self._console.print("[bold green]every record is at the destination exactly once[/]")
        else:
            self._console.print("[bold red]the destination is not what it must be[/]")
        if self._is_json:
            sys.stdout.write(json.dumps(result) + "\n")
        else:
            self._console.print("  ".join(f"{name}=[bold]{value}[/]" for name, value in result.items()))


def _kind(decision: Mapping[str, Any]) -> tuple[str, str]:
    return str(decision["outcome"]), str(decision["reason"])


def _evidence(decision: Mapping[str, Any]) -> str:
    evidence = decision.get("evidence") or {}
    score = decision.get("score")
    shown = [f"score {float(score):.3f}"] if score is not None else []
    shown += [f"{name} {evidence[name]}" for name in EVIDENCE_SHOWN if name in evidence]
    return ", ".join(shown)
