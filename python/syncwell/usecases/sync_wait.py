"""The ordinary answer "not yet" of a step of a sync."""

from __future__ import annotations

from dataclasses import dataclass

from syncwell.domain.job_reasons import WaitReason


@dataclass(frozen=True, slots=True)
class Wait:
    """The job must be taken up again at `until_ms`; nothing failed."""

    until_ms: int
    reason: WaitReason
