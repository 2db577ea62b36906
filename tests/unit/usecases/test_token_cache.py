"""Access tokens in memory."""

from __future__ import annotations

import copy
import pickle
from datetime import timedelta

import pytest

from syncwell.domain.records import ConnectionId, UserId
from syncwell.ports.tokens import AccessToken
from syncwell.usecases.token_cache import TokenCache
from tests.unit.fakes.clock import START_MS, FakeClock

ANN, BOB = UserId("usr_ann"), UserId("usr_bob")
HERS = ConnectionId("conn_1")
LATE_MS = START_MS + 10**9


def token(generation: int = 1, expires_at_ms: int = LATE_MS) -> AccessToken:
    return AccessToken(f"secret-{generation}", generation, expires_at_ms)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_token_is_kept_five_minutes(clock: FakeClock) -> None:
    """A token is forgotten at five minutes, however long it lives."""
    cache = TokenCache(clock)
    cache.put(ANN, HERS, token())
    clock.advance(timedelta(seconds=299))
    assert cache.get(ANN, HERS) == token()

    clock.advance(timedelta(seconds=1))

    assert cache.get(ANN, HERS) is None
    assert len(cache) == 0


def test_token_is_never_kept_past_its_end(clock: FakeClock) -> None:
    """A token that dies sooner is forgotten at its end."""
    cache = TokenCache(clock)
    cache.put(ANN, HERS, token(expires_at_ms=START_MS + 1_000))
    clock.advance(timedelta(seconds=1))

    assert cache.get(ANN, HERS) is None


def test_other_user_finds_nothing(clock: FakeClock) -> None:
    """A token is kept under its user."""
    cache = TokenCache(clock)
    cache.put(ANN, HERS, token())

    assert cache.get(BOB, HERS) is None


def test_older_generation_does_not_replace_a_newer(clock: FakeClock) -> None:
    """An answer that was overtaken changes nothing."""
    cache = TokenCache(clock)
    cache.put(ANN, HERS, token(2))
    cache.put(ANN, HERS, token(1))

    assert cache.get(ANN, HERS) == token(2)


def test_least_recently_used_leaves_first(clock: FakeClock) -> None:
    """The bound holds, and what was asked for lately stays."""
    cache = TokenCache(clock, entries_max=2)
    names = [ConnectionId(name) for name in "abc"]
    cache.put(ANN, names[0], token())
    cache.put(ANN, names[1], token())
    cache.get(ANN, names[0])
    cache.put(ANN, names[2], token())

    assert len(cache) == 2
    assert cache.get(ANN, names[1]) is None
    assert cache.get(ANN, names[0]) is not None


def test_dropped_token_is_gone(clock: FakeClock) -> None:
    """Dropping forgets; dropping nothing succeeds."""
    cache = TokenCache(clock)
    cache.put(ANN, HERS, token())
    cache.drop(ANN, HERS)
    cache.drop(ANN, HERS)

    assert cache.get(ANN, HERS) is None


def test_token_never_shows_itself() -> None:
    """Neither printing nor copying to bytes reveals a token."""
    assert "secret" not in f"{token()!r} {token()} {[token()]}"
    for reveal in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            reveal(token())
