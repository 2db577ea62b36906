"""The page on which a person allows or refuses an application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import urlencode, urlsplit, urlunsplit

from starlette.responses import RedirectResponse, Response

from syncwell.sandbox.answers import html_answer

SIGN_IN_COOKIE = "sandbox_user"
URL_LENGTH_MAX = 2_048


def is_redirect_allowed(redirect_uri: str) -> bool:
    """Tells whether a browser may be sent there: an absolute web address without a fragment."""
    parts = urlsplit(redirect_uri)
    is_web = parts.scheme in ("http", "https") and bool(parts.netloc)
    return is_web and not parts.fragment and len(redirect_uri) <= URL_LENGTH_MAX


def send_back(redirect_uri: str, answer: Mapping[str, str]) -> Response:
    """Returns the redirect to the application with `answer` added to its query."""
    parts = urlsplit(redirect_uri)
    query = "&".join(part for part in (parts.query, urlencode(answer)) if part)
    return RedirectResponse(urlunsplit(parts._replace(query=query)), status_code=302)


def consent_page(
    provider: str, action: str, person_name: str, asked: Mapping[str, str], scopes: Sequence[str]
) -> Response:
    """Returns the page: what was asked travels in hidden fields, each scope is a ticked box."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in asked.items()
    )
    boxes = "".join(
        f'<p><label><input type="checkbox" name="scope_{escape(scope)}" value="on" checked> {escape(scope)}</label></p>'
        for scope in scopes
    )
    return html_answer(
        f"<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>{escape(provider)} sandbox</title></head>"
        f"<body><h1>{escape(provider)} sandbox</h1><p>Signed in as {escape(person_name)}. "
        f"The application <b>{escape(asked.get('client_id', ''))}</b> asks for access to your workouts.</p>"
        f'<form method="post" action="{escape(action)}">{hidden}{boxes}'
        '<button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button>'
        "</form></body></html>"
    )
