"""Only good tokens are believed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any  # reason: claims are JSON

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from syncwell.adapters.identity.development_issuer import DevelopmentIssuer
from syncwell.adapters.identity.identity import LEEWAY, TrustedIssuer
from syncwell.adapters.identity.token_verifier import TOKEN_BYTES_MAX, TokenVerifier
from syncwell.domain.errors import NotAuthenticatedError, UnavailableError
from tests.unit.adapters.identity.issuers import AUDIENCE, ISSUER, TestIssuer, sign_with_secret
from tests.unit.fakes.clock import START_MS, FakeClock

NOW_S = START_MS // 1000


@pytest.fixture(scope="module")
def issuer() -> TestIssuer:
    return TestIssuer()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def verifier(issuer: TestIssuer, clock: FakeClock) -> TokenVerifier:
    return TokenVerifier([TrustedIssuer(ISSUER, AUDIENCE, issuer)], clock)


def claims(**changes: Any) -> dict[str, Any]:  # reason: see the import
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "robin", "iat": NOW_S, "exp": NOW_S + 3600}
    return {name: value for name, value in (good | changes).items() if value is not None}


async def test_good_token_names_its_subject(verifier: TokenVerifier, issuer: TestIssuer) -> None:
    """Issuer, subject and end come from the verified claims."""
    identity = await verifier.verify(issuer.sign(claims()))

    assert (identity.issuer, identity.subject) == (ISSUER, "robin")
    assert identity.expires_at_ms == (NOW_S + 3600) * 1000 + int(LEEWAY.total_seconds() * 1000)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"iss": ["https://issuer.example"]},
        {"aud": "another-app"},
        {"aud": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 300},
        {"sub": 7},
        {"exp": None},
        {"exp": NOW_S - 61},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 10**30},
        {"nbf": NOW_S + 61},
        {"iat": NOW_S + 61},
        {"iat": "now"},
    ],
)
async def test_wrong_claims_are_refused(verifier: TokenVerifier, issuer: TestIssuer, changes: dict[str, Any]) -> None:
    """Each claim is required, typed and judged by our clock."""
    with pytest.raises(NotAuthenticatedError):
        await verifier.verify(issuer.sign(claims(**changes)))


@pytest.mark.parametrize("changes", [{"exp": NOW_S - 59}, {"nbf": NOW_S + 59}, {"iat": NOW_S + 59}])
async def test_small_clock_differences_are_forgiven(
    verifier: TokenVerifier, issuer: TestIssuer, changes: dict[str, Any]
) -> None:
    """A minute of difference between clocks is no reason to refuse."""
    assert (await verifier.verify(issuer.sign(claims(**changes)))).subject == "robin"


async def test_token_dies_with_time(verifier: TokenVerifier, issuer: TestIssuer, clock: FakeClock) -> None:
    """The same token is good now and refused after its end."""
    token = issuer.sign(claims())
    await verifier.verify(token)
    clock.advance(timedelta(hours=1) + LEEWAY)

    with pytest.raises(NotAuthenticatedError, match="expired"):
        await verifier.verify(token)


async def test_forged_signature_is_refused(verifier: TokenVerifier) -> None:
    """A token signed with another key under a known key id is refused."""
    with pytest.raises(NotAuthenticatedError, match="wrong signature"):
        await verifier.verify(TestIssuer().sign(claims()))


async def test_unknown_key_is_refused(verifier: TokenVerifier, issuer: TestIssuer) -> None:
    """A key id that the issuer does not publish is refused, as is none."""
    for key_id in ("two", "", None, "x" * 300):
        with pytest.raises(NotAuthenticatedError):
            await verifier.verify(issuer.sign(claims(), kid=key_id))


async def test_unsigned_and_symmetric_tokens_are_refused(verifier: TokenVerifier, issuer: TestIssuer) -> None:
    """Neither `none` nor an HMAC with the public key passes."""
    public = issuer.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    unsigned = jwt.PyJWS().encode(b'{"iss": "https://issuer.example"}', "", algorithm="none", headers={"kid": "one"})
    symmetric = sign_with_secret(claims(), public, key_id=issuer.key_id)

    for token in (unsigned, symmetric):
        with pytest.raises(NotAuthenticatedError):
            await verifier.verify(token)


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", "..", "é.é.é", "x" * (TOKEN_BYTES_MAX + 1), "eyJhbGciOiJSUzI1NiJ9.W10.x"]
)
async def test_malformed_token_is_refused_without_repeating_it(verifier: TokenVerifier, token: str) -> None:
    """Rubbish is 'not authenticated', and is never quoted."""
    with pytest.raises(NotAuthenticatedError) as refused:
        await verifier.verify(token)

    assert len(str(refused.value)) < 100


async def test_keys_that_cannot_be_had_are_no_verdict(clock: FakeClock, issuer: TestIssuer) -> None:
    """While the issuer's keys cannot be fetched the token is neither good nor bad."""

    class NoKeys:
        async def find(self, key_id: str) -> jwt.PyJWK | None:
            raise UnavailableError("the identity provider's keys cannot be fetched")

    verifier = TokenVerifier([TrustedIssuer(ISSUER, AUDIENCE, NoKeys())], clock)

    with pytest.raises(UnavailableError):
        await verifier.verify(issuer.sign(claims()))


async def test_issuer_that_signs_otherwise_is_refused(clock: FakeClock, issuer: TestIssuer) -> None:
    """An issuer's algorithms are pinned."""
    verifier = TokenVerifier([TrustedIssuer(ISSUER, AUDIENCE, issuer, ("ES256",))], clock)

    with pytest.raises(NotAuthenticatedError, match="kind"):
        await verifier.verify(issuer.sign(claims()))


async def test_development_token_is_good_where_its_key_is(tmp_path: Path, clock: FakeClock) -> None:
    """A development token passes on its own installation and on no other."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    here, elsewhere = DevelopmentIssuer(tmp_path / "one"), DevelopmentIssuer(tmp_path / "two")
    token = here.mint("robin", clock=clock, lifetime=timedelta(hours=1))

    identity = await TokenVerifier([DevelopmentIssuer(tmp_path / "one").trusted()], clock).verify(token)

    assert identity.subject == "robin"
    with pytest.raises(NotAuthenticatedError):
        await TokenVerifier([elsewhere.trusted()], clock).verify(token)
