"""Consent, tokens and revocation at the Strava sandbox."""

from __future__ import annotations

import aiohttp
import pytest

from tests.unit.sandbox.driver import CLIENT, REDIRECT, Answer, Driver, query_of

SCOPES = "read,activity:read_all,activity:write"
ASKED = {
    "client_id": CLIENT["client_id"],
    "redirect_uri": REDIRECT,
    "response_type": "code",
    "scope": SCOPES,
    "state": "s-1",
}
HOUR = 3600


async def authorize(driver: Driver, **changes: str) -> Answer:
    return await driver.call("GET", "/oauth/authorize", params={**ASKED, **changes})


async def token(driver: Driver, **fields: str) -> Answer:
    return await driver.call("POST", "/oauth/token", data={**CLIENT, **fields})


async def exchanged(driver: Driver) -> dict[str, str]:
    code = query_of(await authorize(driver))["code"]
    tokens: dict[str, str] = (await token(driver, grant_type="authorization_code", code=code)).json
    return tokens


async def refresh(driver: Driver, refresh_token: str) -> Answer:
    return await token(driver, grant_type="refresh_token", refresh_token=refresh_token)


async def test_auto_grant_answers_with_the_redirect(strava: Driver) -> None:
    """A person who grants by themselves is sent back with state, code and the scopes given."""
    answer = await authorize(strava)

    assert answer.status == 302
    back = query_of(answer)
    assert (back["state"], back["scope"]) == ("s-1", SCOPES)


async def test_code_gives_tokens_with_the_athlete_once(strava: Driver) -> None:
    """The exchange tells who the athlete is; the code is spent by it."""
    code = query_of(await authorize(strava))["code"]
    first = await token(strava, grant_type="authorization_code", code=code)
    again = await token(strava, grant_type="authorization_code", code=code)

    assert (first.json["athlete"]["id"], first.json["expires_in"]) == (77, 6 * HOUR)
    assert (again.status, again.json) == (
        400,
        {"message": "Bad Request", "errors": [{"resource": "RequestToken", "field": "code", "code": "invalid"}]},
    )


async def test_code_dies_after_ten_minutes(strava: Driver) -> None:
    """A late exchange is refused."""
    code = query_of(await authorize(strava))["code"]
    await strava.advance(600)

    assert (await token(strava, grant_type="authorization_code", code=code)).status == 400


async def test_unticked_scopes_are_missing_in_the_answer(strava: Driver) -> None:
    """The person may give less than was asked; calls then name the missing permission, with 401."""
    await strava.control("POST", "/users", {"id": "77", "refused_scopes": ["activity:write"]})
    answer = await authorize(strava)
    strava.token = (await token(strava, grant_type="authorization_code", code=query_of(answer)["code"])).json[
        "access_token"
    ]

    write = await strava.call("POST", "/api/v3/activities", data={})
    assert query_of(answer)["scope"] == "read,activity:read_all"
    assert write.status == 401
    assert write.json["errors"] == [
        {"resource": "AccessToken", "field": "activity:write_permission", "code": "missing"}
    ]


async def test_denial_comes_back_as_an_error(strava: Driver) -> None:
    """A person who refuses is sent back without a code."""
    await strava.control("POST", "/users", {"id": "77", "denies": True})

    assert query_of(await authorize(strava)) == {"state": "s-1", "error": "access_denied"}


async def test_consent_page_has_buttons_and_boxes(strava: Driver) -> None:
    """Without auto grant a page asks; what is ticked and pressed decides."""
    await strava.control("POST", "/users", {"id": "77", "auto_grant": False})
    page = (await authorize(strava)).body.decode()
    ticked = {"scope_read": "on", "scope_activity:read_all": "on", "decision": "allow"}
    allowed = await strava.call("POST", "/oauth/authorize", data={**ASKED, **ticked})
    denied = await strava.call("POST", "/oauth/authorize", data={**ASKED, "decision": "deny"})

    assert 'value="allow"' in page
    assert 'name="scope_activity:write" value="on" checked' in page
    assert query_of(allowed)["scope"] == "read,activity:read_all"
    assert query_of(denied)["error"] == "access_denied"


async def test_consent_page_cannot_be_made_to_carry_markup(strava: Driver) -> None:
    """What the application sends is escaped on the page."""
    await strava.control("POST", "/users", {"id": "77", "auto_grant": False})

    page = (await authorize(strava, state='"><script>alert(1)</script>')).body.decode()
    assert "<script>" not in page


async def test_cookie_tells_who_sits_before_the_browser(strava: Driver) -> None:
    """Several people can connect at the same time, each in a browser of their own."""
    await strava.control("POST", "/users", {"id": "78"})
    browser = {"Cookie": "sandbox_user=78"}
    back = query_of(await strava.call("GET", "/oauth/authorize", params=ASKED, headers=browser))

    tokens = (await token(strava, grant_type="authorization_code", code=back["code"])).json
    assert tokens["athlete"]["id"] == 78


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "other"}, {"resource": "Application", "field": "client_id", "code": "invalid"}),
        (
            {"redirect_uri": "javascript:alert(1)"},
            {"resource": "Application", "field": "redirect_uri", "code": "invalid"},
        ),
        ({"scope": "read activity:read_all"}, {"resource": "Authorize", "field": "scope", "code": "invalid"}),
        ({"response_type": "token"}, {"resource": "Authorize", "field": "response_type", "code": "invalid"}),
    ],
)
async def test_wrong_question_is_refused_without_a_redirect(
    strava: Driver, changes: dict[str, str], error: dict[str, str]
) -> None:
    """Nothing is sent to an address that was not checked."""
    answer = await authorize(strava, **changes)

    assert (answer.status, answer.json["errors"]) == (400, [error])


async def test_wrong_client_gets_no_tokens(strava: Driver) -> None:
    """A wrong secret is told as a wrong client."""
    answer = await token(strava, client_secret="wrong", grant_type="refresh_token", refresh_token="x")

    assert (answer.status, answer.json["errors"][0]["field"]) == (400, "client_id")


async def test_young_token_comes_back_as_it_is(strava: Driver) -> None:
    """With more than an hour left a refresh changes nothing but the time left."""
    tokens = await exchanged(strava)
    await strava.advance(4 * HOUR)
    again = (await refresh(strava, tokens["refresh_token"])).json

    assert (again["access_token"], again["refresh_token"]) == (tokens["access_token"], tokens["refresh_token"])
    assert again["expires_in"] == 2 * HOUR
    assert "athlete" not in again


async def test_old_token_is_rotated_and_the_old_refresh_token_dies(strava: Driver) -> None:
    """A late refresh gives a new pair; the spent refresh token is refused and its second use is counted."""
    tokens = await exchanged(strava)
    await strava.advance(5 * HOUR)
    fresh = (await refresh(strava, tokens["refresh_token"])).json
    dead = await refresh(strava, tokens["refresh_token"])

    assert fresh["refresh_token"] != tokens["refresh_token"]
    assert (dead.status, dead.json["errors"]) == (
        400,
        [{"resource": "RefreshToken", "field": "refresh_token", "code": "invalid"}],
    )
    assert (await strava.count("token_refreshes"), await strava.count("refresh_token_reuses")) == (1, 1)


async def test_old_refresh_token_lives_on_when_so_set(strava: Driver) -> None:
    """Without immediate death a spent refresh token works again, and is counted as used twice."""
    await strava.settings(old_refresh_dies=False)
    tokens = await exchanged(strava)
    await strava.advance(5 * HOUR)
    await refresh(strava, tokens["refresh_token"])

    assert (await refresh(strava, tokens["refresh_token"])).status == 200
    await strava.advance(5 * HOUR)
    assert (await refresh(strava, tokens["refresh_token"])).status == 200
    assert await strava.count("refresh_token_reuses") == 2


async def test_refresh_token_stays_without_rotation(strava: Driver) -> None:
    """With rotation off only the access token is new."""
    await strava.settings(rotate_refresh=False)
    tokens = await exchanged(strava)
    await strava.advance(5 * HOUR)
    fresh = (await refresh(strava, tokens["refresh_token"])).json

    assert fresh["access_token"] != tokens["access_token"]
    assert fresh["refresh_token"] == tokens["refresh_token"]


async def test_access_token_expires(strava: Driver) -> None:
    """A dead token is a 401 that names the access token."""
    strava.token = (await exchanged(strava))["access_token"]
    await strava.advance(6 * HOUR)
    answer = await strava.get("/api/v3/athlete")

    assert answer.status == 401
    assert answer.json["errors"] == [{"resource": "Athlete", "field": "access_token", "code": "invalid"}]


async def test_deauthorize_ends_the_grant(strava: Driver) -> None:
    """The old way answers with the token and kills both tokens."""
    tokens = await exchanged(strava)
    strava.token = tokens["access_token"]
    answer = await strava.call("POST", "/oauth/deauthorize")

    assert answer.json == {"access_token": tokens["access_token"]}
    assert (await strava.get("/api/v3/athlete")).status == 401
    assert (await refresh(strava, tokens["refresh_token"])).status == 400


async def test_revoke_needs_the_client_and_ends_the_grant(strava: Driver) -> None:
    """The new way takes client credentials as HTTP Basic; an unknown token is fine too."""
    tokens = await exchanged(strava)
    strava.token = ""
    form = {"token": tokens["access_token"], "token_type_hint": "access_token"}
    wrong = await strava.call("POST", "/oauth/revoke", data=form)
    basic = {"Authorization": aiohttp.encode_basic_auth(CLIENT["client_id"], CLIENT["client_secret"])}
    right = await strava.call("POST", "/oauth/revoke", data=form, headers=basic)
    unknown = await strava.call("POST", "/oauth/revoke", data={"token": "x"}, headers=basic)

    assert (wrong.status, right.status, unknown.status) == (401, 200, 200)
    assert (await refresh(strava, tokens["refresh_token"])).status == 400


async def test_grant_revoked_by_the_person_is_dead(strava: Driver) -> None:
    """The control API revokes as the person does in the settings of the service."""
    tokens = await exchanged(strava)
    revoked = await strava.control("POST", "/grants/revoke", {"user_id": "77"})

    assert revoked == {"revoked": 2}
    assert (await refresh(strava, tokens["refresh_token"])).status == 400
