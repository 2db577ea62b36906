"""What every sealer keeps to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncwell.domain.errors import InvalidInputError
from syncwell.ports.sealer import Purpose, Sealer

TOKENS = Purpose.TOKENS
OpenSealer = Callable[[], Sealer]


@given(plaintext=st.binary(max_size=200), owner=st.text(max_size=20), purpose=st.sampled_from(Purpose))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_sealed_value_opens(open_sealer: OpenSealer, plaintext: bytes, owner: str, purpose: Purpose) -> None:
    """What was sealed comes back, in another process as well."""
    sealed = await open_sealer().seal(purpose, plaintext, owner=owner)

    assert await open_sealer().open(purpose, sealed, owner=owner) == plaintext
    assert len(plaintext) < 8 or plaintext not in sealed


async def test_other_owner_cannot_open(open_sealer: OpenSealer) -> None:
    """A value moved to another owner's row stays shut."""
    sealed = await open_sealer().seal(TOKENS, b"secret", owner="one")

    with pytest.raises(InvalidInputError):
        await open_sealer().open(TOKENS, sealed, owner="two")


async def test_other_purpose_cannot_open(open_sealer: OpenSealer) -> None:
    """Each purpose has its own key."""
    await open_sealer().seal(Purpose.STAGING, b"", owner="one")
    sealed = await open_sealer().seal(TOKENS, b"secret", owner="one")

    with pytest.raises(InvalidInputError):
        await open_sealer().open(Purpose.STAGING, sealed, owner="one")


async def test_changed_value_is_refused(open_sealer: OpenSealer) -> None:
    """No single flipped bit, and no cut, opens."""
    sealer = open_sealer()
    sealed = await sealer.seal(TOKENS, b"secret", owner="one")
    flipped = [
        bytes([*sealed[:place], sealed[place] ^ (1 << bit), *sealed[place + 1 :]])
        for place in range(len(sealed))
        for bit in (0, 7)
    ]

    for changed in [*flipped, *[sealed[:end] for end in range(len(sealed))], sealed + b"\0"]:
        with pytest.raises(InvalidInputError):
            await sealer.open(TOKENS, changed, owner="one")


async def test_sealing_twice_differs(open_sealer: OpenSealer) -> None:
    """Equal secrets cannot be told to be equal."""
    sealer = open_sealer()

    assert len({await sealer.seal(TOKENS, b"secret", owner="one") for _ in range(20)}) == 20


async def test_derived_keys_are_stable_and_apart(open_sealer: OpenSealer) -> None:
    """32 bytes, the same in every process, different for every owner and purpose."""
    keys = {
        (purpose, owner): await open_sealer().derive(purpose, owner=owner)
        for purpose in Purpose
        for owner in ("one", "two", "")
    }

    assert {len(key) for key in keys.values()} == {32}
    assert len(set(keys.values())) == len(keys)
    for (purpose, owner), key in keys.items():
        assert await open_sealer().derive(purpose, owner=owner) == key


async def test_sealer_prints_no_key(open_sealer: OpenSealer) -> None:
    """Neither repr nor str of a used sealer shows anything secret."""
    sealer = open_sealer()
    key = await sealer.derive(TOKENS, owner="one")

    assert key.hex() not in f"{sealer!r} {sealer}"
    assert "0x" in repr(sealer)
