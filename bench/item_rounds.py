"""The rounds of P14, for every contestant alike: what is read, what is written, and that nothing was lost."""

from __future__ import annotations

from random import Random

from bench.peers.item_contestant import BODY_BYTES, GROUP_SIZE, WRITTEN_PER_WAITER, ItemContestant
from bench.rounds import BenchFailedError, Sample
from bench.waiters import WAITERS, drive


async def read_round(contestant: ItemContestant, seconds: float) -> Sample:
    """Reads at random."""
    random = Random(1)
    count = contestant.item_count

    async def read(_: int) -> None:
        await contestant.read(random.randrange(count))

    return await drive(read, seconds=seconds)


async def write_round(contestant: ItemContestant, seconds: float) -> Sample:
    """Writes each waiter's own items in turn; afterwards each item has the version of its last write."""
    return await _write_groups(contestant, seconds, size=1)


async def transact_round(contestant: ItemContestant, seconds: float) -> Sample:
    """Writes groups of each waiter's own items; afterwards each item has the version of its last write."""
    return await _write_groups(contestant, seconds, size=GROUP_SIZE)


async def _write_groups(contestant: ItemContestant, seconds: float, *, size: int) -> Sample:
    body = Random(seconds).randbytes(BODY_BYTES)
    per_waiter = min(WRITTEN_PER_WAITER, contestant.item_count // WAITERS // size * size)
    versions = [await contestant.read(number) for number in range(WAITERS * per_waiter)]
    steps = [0] * WAITERS

    async def write(waiter: int) -> None:
        # A waiter's items lie far apart, as different users' rows do.
        step = steps[waiter]
        numbers = [(step + place) % per_waiter * WAITERS + waiter for place in range(size)]
        seen = [versions[number] for number in numbers]
        if size == 1:
            await contestant.write(numbers[0], seen[0], body)
        else:
            await contestant.transact(numbers, seen, body)
        for number in numbers:
            versions[number] += 1
        steps[waiter] = step + size

    sample = await drive(write, seconds=seconds)
    stored = [await contestant.read(number) for number in range(len(versions))]
    if stored != versions:
        raise BenchFailedError(f"{contestant.name} lost writes")
    return sample
