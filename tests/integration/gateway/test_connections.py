"""Connecting and disconnecting accounts over the wire."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from syncwell.domain.connections import ConnectionStatus
from syncwell.domain.errors import (
    AccountLinkedElsewhereError,
    ProviderRefusedError,
    ProviderUnavailableError,
    SecretStoreUnavailableError,
    SyncWellError,
)
from tests.integration.gateway.bed import Bed

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "7a1f3c58-2b7e-4e0f-9d80-3c0b4e0a9b11"


async def test_person_connects_an_account(bed: Bed) -> None:
    """Consent, callback in a browser without a token, confirmation with its code: then the connection is active."""
    person, browser = bed.person("robin"), bed.nobody()
    user_id = await bed.user_id(person)

    begun = await person.post("/v1/connections/strava/authorize", {})
    page = await browser.get(f"/v1/connections/strava/callback?state={user_id}&code=abc&scope=read,write&extra=1")
    pending = (await person.get("/v1/connections")).json["connections"]
    connection_id = pending[0]["connectionId"]
    code = bed.connector.codes[connection_id]
    confirmed = await person.post(f"/v1/connections/{connection_id}/confirm", {"confirmationCode": code})

    redirect = parse_qs(urlsplit(begun.json["consentUrl"]).query)["redirect_uri"]
    assert redirect == [f"{bed.url}/v1/connections/strava/callback"]
    assert page.status == 200
    assert connection_id in page.body.decode()
    assert f"<code>{code}</code>" in page.body.decode()
    assert code not in json.dumps(pending), "who did not consent does not see it"
    assert "confirm" in page.body.decode()
    assert [each["status"] for each in pending] == ["pending"]
    assert confirmed.json["status"] == "active"
    assert confirmed.json["providerIconUrl"].startswith("/v1/provider-icons/strava.")


@pytest.mark.parametrize("accept", ["application/json", "Application/JSON;q=0.9, text/plain"])
async def test_client_without_pages_gets_the_code_as_json(bed: Bed, accept: str) -> None:
    """The same answer as JSON, kept by nobody and told to no other site."""
    user_id = await bed.user_id(bed.person("robin"))

    reply = await bed.nobody().get(f"/v1/connections/strava/callback?state={user_id}&code=abc", Accept=accept)

    (connection_id,) = [each for each in bed.connector.codes if each == reply.json["connectionId"]]
    assert reply.json["confirmationCode"] == bed.connector.codes[connection_id]
    assert (reply.json["provider"], reply.json["status"]) == ("strava", "pending")
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert reply.headers["Vary"] == "accept"


@pytest.mark.parametrize(
    "accept", ["", "*/*", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html, application/json"]
)
async def test_browser_gets_the_page(bed: Bed, accept: str) -> None:
    """Whoever reads pages gets the page."""
    user_id = await bed.user_id(bed.person("robin"))

    page = await bed.nobody().get(f"/v1/connections/strava/callback?state={user_id}&code=abc", Accept=accept)

    assert page.headers["Content-Type"].startswith("text/html")
    assert "give the code to nobody" in page.body.decode()


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
async def test_known_account_has_no_code(bed: Bed, accept: str) -> None:
    """An account that was confirmed before is connected without another step."""
    user_id = await bed.user_id(bed.person("robin"))

    reply = await bed.nobody().get(f"/v1/connections/strava/callback?state={user_id}&code=known", Accept=accept)

    assert reply.status == 200
    assert b"onfirm" not in reply.body


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (None, None),
        ({}, "$.confirmationCode"),
        ({"confirmationCode": ""}, "$.confirmationCode"),
        ({"confirmationCode": None}, "$.confirmationCode"),
        ({"confirmationCode": "x" * 65}, "$.confirmationCode"),
        ({"confirmationCode": "x", "more": 1}, "$.more"),
    ],
)
async def test_confirmation_without_a_code_is_a_wrong_request(bed: Bed, body: object, field: str | None) -> None:
    """What carries no code is refused at the edge, in words that repeat none, and nothing is tried."""
    person = bed.person("robin")
    source, _ = await bed.connected(person)

    reply = await person.post(f"/v1/connections/{source}/confirm", body)

    assert reply.status == (415 if body is None else 400)
    assert "confirm" not in bed.connector.calls
    if field is not None:
        assert (reply.json["code"], reply.json["fields"]) == ("invalid_input", {"field": field})


async def test_wrong_code_is_not_found(bed: Bed) -> None:
    """Who began the consent but never saw its end cannot confirm the pending connection in their list."""
    person = bed.person("robin")
    user_id = await bed.user_id(person)
    await bed.nobody().get(f"/v1/connections/strava/callback?state={user_id}&code=abc")
    (pending,) = (await person.get("/v1/connections")).json["connections"]

    reply = await person.post(f"/v1/connections/{pending['connectionId']}/confirm", {"confirmationCode": "guess"})

    (still,) = (await person.get("/v1/connections")).json["connections"]
    assert (reply.status, reply.json["code"]) == (404, "not_found")
    assert "guess" not in reply.body.decode()
    assert still["status"] == "pending"


async def test_callback_page_is_accessible_and_locked_down(bed: Bed) -> None:
    """The page names its language and title, has one heading, loads nothing and is not kept."""
    user_id = await bed.user_id(bed.person("robin"))

    page = await bed.nobody().get(f"/v1/connections/strava/callback?state={user_id}&code=abc")

    html = page.body.decode()
    assert '<html lang="en">' in html
    assert "<title>" in html
    assert html.count("<h1>") == 1
    assert "<script" not in html
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("failure", "status", "words"),
    [
        (ProviderRefusedError("refused", reason="access_denied"), 400, "did not allow"),
        (AccountLinkedElsewhereError("linked"), 409, "another SyncWell user"),
        (ProviderUnavailableError("no answer"), 502, "did not answer"),
        (SecretStoreUnavailableError("down"), 503, "begin again"),
    ],
)
async def test_callback_that_fails_tells_the_person_what_to_do(
    bed: Bed, failure: SyncWellError, status: int, words: str
) -> None:
    """Whatever goes wrong, the browser shows words for people and a reference."""
    bed.connector.failure = failure

    page = await bed.nobody().get("/v1/connections/strava/callback?state=x&code=y")

    assert page.status == status
    assert words in page.body.decode()
    assert page.headers["X-Correlation-Id"] in page.body.decode()


@pytest.mark.parametrize(
    "query", ["", "code=abc", "state=replayed&code=abc", "state=a&state=b", f"state=usr_1&code={'x' * 3000}"]
)
async def test_wrong_or_replayed_callback_connects_nothing(bed: Bed, query: str) -> None:
    """A callback without a good state is refused with 400, and names no detail of anybody."""
    page = await bed.nobody().get(f"/v1/connections/strava/callback?{query}")

    assert page.status == 400
    assert "begin again" in page.body.decode()


async def test_query_never_becomes_markup(bed: Bed) -> None:
    """What a stranger puts into the address is never part of the page."""
    page = await bed.nobody().get(
        "/v1/connections/strava/callback?state=%3Cscript%3Ealert(1)%3C/script%3E&error=%3Cb%3E"
    )

    assert b"<script" not in page.body
    assert b"<b>" not in page.body


async def test_unknown_provider_is_not_found(bed: Bed) -> None:
    """A provider that is not installed is 404, for apps and browsers."""
    assert (await bed.person("robin").post("/v1/connections/nosuch/authorize")).status == 404
    assert (await bed.nobody().get("/v1/connections/nosuch/callback?state=x")).status == 404


async def test_ended_connection_is_listed_no_more(bed: Bed) -> None:
    """Deleting answers 204 and the connection is gone from the list."""
    person = bed.person("robin")
    source, destination = await bed.connected(person)

    ended = await person.change("DELETE", f"/v1/connections/{source}")

    left = (await person.get("/v1/connections")).json["connections"]
    assert ended.status == 204
    assert [each["connectionId"] for each in left] == [destination]


async def test_repeated_deletion_is_replayed_without_a_second_call(bed: Bed) -> None:
    """The same key ends the connection once, and is answered twice."""
    person = bed.person("robin")
    source, _ = await bed.connected(person)

    first = await person.change("DELETE", f"/v1/connections/{source}", key=KEY)
    second = await person.change("DELETE", f"/v1/connections/{source}", key=KEY)

    assert (first.status, second.status) == (204, 204)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert bed.connector.calls.count("revoke") == 1


async def test_failed_confirmation_may_be_repeated_with_the_same_key(bed: Bed) -> None:
    """While the credentials service is down a confirmation is 503; the same key succeeds once it is back."""
    person = bed.person("robin")
    connection = await bed.connector.add(await bed.user_id(person), "strava", ConnectionStatus.PENDING)
    path, body = f"/v1/connections/{connection.connection_id}/confirm", {"confirmationCode": "the-code"}
    bed.connector.codes[connection.connection_id] = "the-code"

    bed.connector.failure = SecretStoreUnavailableError("the credentials service cannot be reached")
    refused = await person.post(path, body, key=KEY)
    bed.connector.failure = None
    confirmed = await person.post(path, body, key=KEY)

    assert (refused.status, refused.json["code"]) == (503, "secret_store_unavailable")
    assert int(refused.headers["Retry-After"]) >= 1
    assert confirmed.json["status"] == "active"


async def test_capability_table_tells_what_each_provider_can_do(bed: Bed) -> None:
    """Garmin is read, Strava is read and written, and each has an icon that may be kept for ever."""
    person = bed.person("robin")

    table = {each["provider"]: each for each in (await person.get("/v1/providers")).json["providers"]}
    icon = await bed.nobody().get(table["strava"]["providerIconUrl"])

    assert table["garmin"]["writable"] == []
    assert table["strava"]["writable"] == ["workout"]
    assert icon.headers["Content-Type"] == "image/svg+xml"
    assert "immutable" in icon.headers["Cache-Control"]
    assert (await bed.nobody().get("/v1/provider-icons/strava.0.svg")).status == 404
