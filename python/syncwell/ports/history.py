"""The recorded history that the invariant checkers read (faults.md section 2)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import StrEnum


class Op(StrEnum):
    """The phase of an event; INFO means that the outcome is unknown."""

    INVOKE = "invoke"
    OK = "ok"
    FAIL = "fail"
    INFO = "info"


class History(ABC):
    """Takes one line an event; does nothing unless recording is switched on."""

    @abstractmethod
    def record(self, op: Op, kind: str, **ids: str | int | bool | None) -> None:
        """Records one event. `ids` holds ids, generations, fences and counts, never health data or tokens."""
