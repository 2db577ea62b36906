"""Works off the outbox of ended grants for as long as the service runs."""

from __future__ import annotations

from datetime import timedelta

import structlog

from syncwell.domain.errors import OutcomeUnknownError, UnavailableError
from syncwell.ports.clock import Clock
from syncwell.usecases.end_grants import EndGrants

log = structlog.get_logger()


async def sweep_revocations(end_grants: EndGrants, clock: Clock, *, every: timedelta) -> None:
    """Runs until cancelled; a cancelled attempt is made again when its lease is over."""
    while True:
        try:
            while await end_grants.run():
                pass
        except (UnavailableError, OutcomeUnknownError) as exc:
            log.warning("revocation_sweep_failed", reason=exc.code)
        await clock.sleep(every)
