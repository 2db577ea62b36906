"""Remembered verdicts are bounded in number and in time."""

from __future__ import annotations

from datetime import timedelta

from syncwell.adapters.identity.verdict_cache import LIFE_MAX, VerdictCache
from syncwell.domain.records import UserId
from tests.unit.fakes.clock import FakeClock

ROBIN = UserId("usr_robin")
HOUR_MS = 3_600_000


def test_verdict_lives_five_minutes_at_most() -> None:
    """However long the token lives, it is verified anew after five minutes."""
    clock = FakeClock()
    verdicts = VerdictCache(clock)
    verdicts.put(b"token", ROBIN, expires_at_ms=clock.now_ms() + HOUR_MS)

    clock.advance(LIFE_MAX - timedelta(milliseconds=1))
    assert verdicts.get(b"token") == ROBIN
    clock.advance(timedelta(milliseconds=1))
    assert verdicts.get(b"token") is None
    assert len(verdicts) == 0


def test_verdict_never_outlives_its_token() -> None:
    """A token that ends earlier ends its verdict."""
    clock = FakeClock()
    verdicts = VerdictCache(clock)
    verdicts.put(b"token", ROBIN, expires_at_ms=clock.now_ms() + 1_000)

    clock.advance(timedelta(seconds=1))

    assert verdicts.get(b"token") is None


def test_least_recently_used_verdict_goes_first() -> None:
    """The cache never holds more than its bound, and keeps what is used."""
    clock = FakeClock()
    verdicts = VerdictCache(clock, entries_max=2)
    for token in (b"one", b"two"):
        verdicts.put(token, ROBIN, expires_at_ms=clock.now_ms() + HOUR_MS)
    verdicts.get(b"one")
    verdicts.put(b"three", ROBIN, expires_at_ms=clock.now_ms() + HOUR_MS)

    assert [verdicts.get(token) for token in (b"one", b"two", b"three")] == [ROBIN, None, ROBIN]


def test_tokens_are_not_kept() -> None:
    """Nothing in the cache is a token."""
    clock = FakeClock()
    verdicts = VerdictCache(clock)
    verdicts.put(b"a-secret-token", ROBIN, expires_at_ms=clock.now_ms() + HOUR_MS)

    assert b"a-secret-token" not in repr(vars(verdicts)).encode()


def test_cleared_cache_remembers_nothing() -> None:
    """After an invalidation every token is verified anew."""
    clock = FakeClock()
    verdicts = VerdictCache(clock)
    verdicts.put(b"token", ROBIN, expires_at_ms=clock.now_ms() + HOUR_MS)

    verdicts.clear()

    assert verdicts.get(b"token") is None
