"""Writing one record while its destination misbehaves."""

from __future__ import annotations

import pytest

from syncwell.domain.errors import ProviderUnavailableError
from syncwell.domain.resolution import Outcome, Reason
from syncwell.ports.history import Op
from tests.unit.fakes.sync_world import HOUR_MS, SyncWorld, metadata_of


@pytest.mark.parametrize("status", ["500", "502", "503", "504"])
async def test_server_error_after_a_write_is_unknown(status: str) -> None:
    """Whatever 5xx answers a write, it may have been done: the destination is asked before anything is sent again."""
    world = SyncWorld()
    await world.connect()
    world.accounts["a"].add(metadata_of("a0", world.clock.now_ms() - 12 * HOUR_MS, elapsed_ms=HOUR_MS))
    world.accounts["b"].fail["written"] = [ProviderUnavailableError("the server failed", provider="b", status=status)]
    job = await world.accept()

    first = await world.run(job)
    world.clock.advance(first.delay)
    await world.run(job)

    page = await world.decisions.load_page(await world.stored(job), now_ms=world.clock.now_ms())
    assert [(one.outcome, one.reason) for one in page.decisions] == [(Outcome.CREATED, Reason.RECOVERED_WRITE)]
    assert world.accounts["b"].calls.count("write") == 1
    assert len(world.accounts["b"].held) == 1
    assert len(world.history.of("record.write", Op.INFO)) == 1
    assert world.history.of("record.write", Op.FAIL) == []
