"""The page after a consent, and its way back to the app."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from services.gateway.pages import AppLink, connected_page
from syncwell.domain.connections import ConnectionStatus
from syncwell.domain.errors import SetupError
from syncwell.domain.records import ConnectionId
from syncwell.ports.connector import CompletedConsent, ConnectionView

CODE = "a-b_c&d"
PENDING = CompletedConsent(
    ConnectionView(ConnectionId("conn_1"), "strava", "<Ann>", ConnectionStatus.PENDING, 1), CODE, 600_000
)


@pytest.mark.parametrize("app_url", ["myapp://connected", "https://app.example/connected?from=syncwell"])
def test_link_carries_what_the_app_needs(app_url: str) -> None:
    """The app is opened with id and code, whatever else its address carries."""
    html = connected_page(PENDING, "Strava", AppLink(app_url)).body.decode()

    (target,) = re.findall(r'<a href="([^"]*)">', html)
    query = parse_qs(urlsplit(unescape(target)).query)
    assert unescape(target).startswith(app_url)
    assert (query["connectionId"], query["confirmationCode"]) == (["conn_1"], [CODE])


def test_page_without_an_app_shows_the_code_only() -> None:
    """Where the installation names no app, the person copies the code."""
    html = connected_page(PENDING, "<b>Strava</b>", None).body.decode()

    assert "<a " not in html
    assert "<b>" not in html
    assert "<code>a-b_c&amp;d</code>" in html


def test_active_connection_shows_no_code() -> None:
    """Nothing is left to confirm, so there is no code and no way back with one."""
    active = ConnectionView(ConnectionId("conn_1"), "strava", "Ann", ConnectionStatus.ACTIVE, 2)

    html = connected_page(CompletedConsent(active), "Strava", AppLink("myapp://connected")).body.decode()

    assert "You may close this page" in html
    assert "confirmationCode" not in html


@pytest.mark.parametrize(
    "app_url",
    [
        "connected",
        "/connected",
        "myapp:connected",
        "javascript://x/%0aalert(1)",
        "data://text/html,x",
        "JAVASCRIPT://x",
        "http://app.example/connected",
        "https://app.example/#/connected",
        "https://app.example/ connected",
        "https://[",
        "myapp://" + "x" * 600,
    ],
)
def test_address_that_no_page_may_lead_to_stops_the_start(app_url: str) -> None:
    """What is no app's address, runs in the page, or carries the code in the clear is told by its setting's name."""
    with pytest.raises(SetupError, match="SYNCWELL_APP_URL"):
        AppLink(app_url)


def test_app_on_this_machine_may_be_plain_http() -> None:
    """People who develop an app need no certificate."""
    link = AppLink("http://localhost:3000/connected").to(ConnectionId("conn_1"), "x")

    assert link == "http://localhost:3000/connected?connectionId=conn_1&confirmationCode=x"
