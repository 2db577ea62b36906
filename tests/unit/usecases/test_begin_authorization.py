"""Opening a consent."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from syncwell.domain.errors import InvalidInputError, NotFoundError, SecretStoreUnavailableError
from syncwell.usecases.begin_authorization import challenge_of
from tests.unit.usecases.credentials_kit import REDIRECT, USER, Kit


@pytest.fixture
def kit() -> Kit:
    return Kit()


def test_challenge_is_that_of_the_standard() -> None:
    """The example of RFC 7636, appendix B."""
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


async def test_state_is_stored_as_digest_only(kit: Kit) -> None:
    """The table of a thief holds neither state nor verifier; the state has 256 bits."""
    consent = await kit.begin.run(USER, "strava", redirect_uri=REDIRECT)
    (state,) = parse_qs(urlsplit(consent.url).query)["state"]

    ((key, item),) = kit.items.items.items()
    assert len(state) == 43
    assert key.partition == f"AUTH#{hashlib.sha256(state.encode()).hexdigest()}"
    assert state.encode() not in item.body
    assert state not in repr(consent)
    opened = await kit.consents.take(state, now_ms=kit.clock.now_ms())
    assert opened is not None
    verifier = await kit.consents.open_verifier(state, opened)
    assert verifier.encode() not in item.body
    assert kit.oauth.challenges == [challenge_of(verifier)]


async def test_each_consent_is_its_own(kit: Kit) -> None:
    """Two beginnings share neither state nor challenge and both live ten minutes."""
    first = await kit.begin.run(USER, "strava", redirect_uri=REDIRECT)
    second = await kit.begin.run(USER, "strava", redirect_uri=REDIRECT)

    assert first.url != second.url
    assert len(set(kit.oauth.challenges)) == 2
    assert first.expires_at_ms - kit.clock.now_ms() == timedelta(minutes=10) // timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "redirect",
    [
        "",
        "/callback",
        "http://syncwell.example/callback",
        "https://syncwell.example/#token",
        "https://user@syncwell.example/",
        "javascript:alert(1)",
        "https://",
        "https://[broken/",
        "https://syncwell.example/" + "a" * 2_000,
        "https://sÿncwell.example/",
    ],
)
async def test_odd_redirects_are_refused(kit: Kit, redirect: str) -> None:
    """What no provider would register is refused before anything is stored."""
    with pytest.raises(InvalidInputError):
        await kit.begin.run(USER, "strava", redirect_uri=redirect)
    assert kit.items.items == {}


async def test_loopback_may_be_in_the_clear(kit: Kit) -> None:
    """A redirect to this machine needs no encryption."""
    consent = await kit.begin.run(USER, "strava", redirect_uri="http://127.0.0.1:8080/callback")
    assert "127.0.0.1" in consent.url


async def test_providers_without_consent_are_refused(kit: Kit) -> None:
    """Unknown providers are not found; those without a consent page say so."""
    with pytest.raises(NotFoundError):
        await kit.begin.run(USER, "nobody", redirect_uri=REDIRECT)
    with pytest.raises(InvalidInputError, match="syncwell connect-files"):
        await kit.begin.run(USER, "files", redirect_uri=REDIRECT)


async def test_without_the_key_nothing_is_opened(kit: Kit) -> None:
    """There is no fallback to an unsealed verifier."""
    kit.sealer.is_down = True

    with pytest.raises(SecretStoreUnavailableError):
        await kit.begin.run(USER, "strava", redirect_uri=REDIRECT)
    assert kit.items.items == {}
