"""Consent and tokens at the Garmin sandbox."""

from __future__ import annotations

import pytest

from tests.unit.sandbox.driver import CHALLENGE, CLIENT, REDIRECT, VERIFIER, Answer, Driver, query_of

ASKED = {
    "client_id": CLIENT["client_id"],
    "redirect_uri": REDIRECT,
    "response_type": "code",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "state": "s-1",
}


async def authorize(driver: Driver, **changes: str) -> Answer:
    return await driver.call("GET", "/oauth2Confirm", params={**ASKED, **changes})


async def token(driver: Driver, **fields: str) -> Answer:
    return await driver.call("POST", "/di-oauth2-service/oauth/token", data={**CLIENT, **fields})


async def exchange(driver: Driver, **changes: str) -> Answer:
    code = query_of(await authorize(driver))["code"]
    fields = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER, "redirect_uri": REDIRECT}
    return await token(driver, **{**fields, **changes})


async def test_code_and_verifier_give_tokens(garmin: Driver) -> None:
    """The exchange answers with both lives and without a user."""
    answer = await exchange(garmin)

    assert answer.status == 200
    assert set(answer.json) == {
        *("access_token", "expires_in", "token_type", "refresh_token", "scope", "jti", "refresh_token_expires_in"),
    }
    assert (answer.json["expires_in"], answer.json["token_type"]) == (86_400, "bearer")


@pytest.mark.parametrize(
    "changes",
    [{"code_verifier": "w" * 64}, {"code_verifier": ""}, {"redirect_uri": "http://127.0.0.1:9/other"}, {"code": "x"}],
)
async def test_wrong_proof_gives_nothing(garmin: Driver, changes: dict[str, str]) -> None:
    """A wrong verifier, code or address is an invalid grant."""
    answer = await exchange(garmin, **changes)

    assert (answer.status, answer.json["error"]) == (400, "invalid_grant")


async def test_wrong_verifier_spends_the_code(garmin: Driver) -> None:
    """A stolen code cannot be guessed at."""
    code = query_of(await authorize(garmin))["code"]
    await token(garmin, grant_type="authorization_code", code=code, code_verifier="w" * 64)

    right = await token(garmin, grant_type="authorization_code", code=code, code_verifier=VERIFIER)
    assert right.status == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
        {"client_id": "other"},
        {"redirect_uri": "//x"},
        {"response_type": "token"},
    ],
)
async def test_question_without_challenge_is_refused(garmin: Driver, changes: dict[str, str]) -> None:
    """PKCE is no option; errors are worded as `errorMessage`."""
    answer = await authorize(garmin, **changes)

    assert answer.status == 400
    assert set(answer.json) == {"errorMessage"}


async def test_consent_page_decides(garmin: Driver) -> None:
    """Without auto grant a page asks, and Deny comes back as an error."""
    await garmin.control("POST", "/users", {"id": "g-1", "auto_grant": False})
    page = await authorize(garmin)
    allowed = await garmin.call("POST", "/oauth2Confirm", data={**ASKED, "decision": "allow"})
    denied = await garmin.call("POST", "/oauth2Confirm", data={**ASKED, "decision": "deny"})

    assert b"Deny" in page.body
    assert set(query_of(allowed)) == {"code", "state"}
    assert query_of(denied) == {"error": "access_denied", "state": "s-1"}


async def test_each_refresh_gives_a_new_pair(garmin: Driver) -> None:
    """Refresh tokens rotate on every refresh, however young, and the old one dies."""
    tokens = (await exchange(garmin)).json
    fresh = (await token(garmin, grant_type="refresh_token", refresh_token=tokens["refresh_token"])).json
    dead = await token(garmin, grant_type="refresh_token", refresh_token=tokens["refresh_token"])

    assert fresh["access_token"] != tokens["access_token"]
    assert fresh["refresh_token"] != tokens["refresh_token"]
    assert (dead.status, dead.json["error"]) == (400, "invalid_grant")
    assert await garmin.count("refresh_token_reuses") == 1


async def test_refresh_token_dies_unused(garmin: Driver) -> None:
    """After about ninety days only the person can connect again."""
    tokens = (await exchange(garmin)).json
    await garmin.advance(tokens["refresh_token_expires_in"])

    refused = await token(garmin, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refused.status == 400


async def test_wrong_client_is_not_authenticated(garmin: Driver) -> None:
    """A wrong secret is 401."""
    assert (await token(garmin, client_secret="wrong", grant_type="refresh_token")).status == 401


async def test_deregistration_ends_the_grant(garmin: Driver) -> None:
    """The application's own disconnect answers 204 and kills the tokens."""
    gone = await garmin.call("DELETE", "/wellness-api/rest/user/registration")

    assert (gone.status, gone.body) == (204, b"")
    assert (await garmin.get("/wellness-api/rest/user/id")).status == 401
