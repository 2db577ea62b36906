"""The few pages that browsers see: plain, readable without styles, nothing loaded from anywhere."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from html import escape
from urllib.parse import urlencode, urlsplit

from services.gateway.call import Answer
from services.gateway.problems import Problem
from syncwell.domain.errors import SetupError
from syncwell.domain.records import ConnectionId
from syncwell.ports.connector import CompletedConsent

HTML = "text/html; charset=utf-8"

_STYLE = (
    "body{font:1.125rem/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;"
    "color:#1b1b1b;background:#fff}code{background:#eee;padding:.1em .3em;overflow-wrap:anywhere}"
    "table{border-collapse:collapse}th,td{border:1px solid #767676;padding:.3rem .6rem;text-align:left}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
SECURITY_HEADERS = (
    (
        b"content-security-policy",
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'".encode(),
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)

_APP_URL = re.compile(r"[a-z][a-z0-9+.-]*://[!-~]{1,500}")
_SCHEMES_REFUSED = frozenset({"javascript", "data", "vbscript", "file", "blob", "about"})
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

_ADVICE = {
    "access_denied": "You did not allow the access, so nothing was connected. You may close this page.",
    "account_linked_elsewhere": (
        "This account is already connected by another SyncWell user. Disconnect it there first, then try again."
    ),
    "invalid_input": "This link was used already, or is older than ten minutes. Go back to the app and begin again.",
    "provider_unavailable": "The service did not answer. Go back to the app and begin again in a moment.",
}
_ADVICE_OTHERWISE = "Go back to the app and begin again."


class AppLink:
    """Where the page after a consent leads back to: the app's own address, like `myapp://connected`."""

    def __init__(self, app_url: str) -> None:
        """Takes the address of the app.

        Raises:
            SetupError: it is relative, would run in the page, or would carry the code in the clear.
        """
        try:
            parts = urlsplit(app_url)
        except ValueError:
            parts = urlsplit("")
        is_local = parts.hostname in _LOOPBACK_HOSTS
        is_safe = parts.scheme not in _SCHEMES_REFUSED and (parts.scheme != "http" or is_local)
        is_whole = _APP_URL.fullmatch(app_url) is not None and bool(parts.netloc)
        if not (is_whole and is_safe) or parts.fragment:
            raise SetupError("SYNCWELL_APP_URL must be the app's own address, such as myapp://connected, or https")
        self._start = app_url + ("&" if parts.query else "?")

    def to(self, connection_id: ConnectionId, code: str) -> str:
        """Returns the address that confirms this connection in the app; never log it."""
        return self._start + urlencode({"connectionId": connection_id, "confirmationCode": code})


def connected_page(
    done: CompletedConsent, provider_name: str, app_link: AppLink | None, *headers: tuple[bytes, bytes]
) -> Answer:
    """Returns the page after a consent; a pending connection needs the app's confirmation with the page's code."""
    connection_id, code = done.connection.connection_id, done.confirmation_code
    reference = f"<p>Connection: <code>{escape(connection_id)}</code></p>"
    if code is None:
        text = f"{escape(provider_name)} is connected. You may close this page."
        return page(200, "Connected", f"<p>{text}</p>{reference}", *headers)
    link = ""
    if app_link is not None:
        link = f'<p><a href="{escape(app_link.to(connection_id, code))}">Return to the app and confirm</a></p>'
    body = (
        f"<p>{escape(provider_name)} allowed the access. Go back to the app and confirm the connection within ten "
        f"minutes.</p>{link}<p>If the app asks for it, the confirmation code is <code>{escape(code)}</code></p>"
        "<p>Did somebody else send you here? Then close this page, and give the code to nobody.</p>"
    )
    return page(200, "One step left", body + reference, *headers)


def error_page(problem: Problem) -> Answer:
    """Returns a page that says what went wrong, what to do, and under which id it was logged."""
    reason = problem.fields.get("reason", problem.code)
    advice = _ADVICE.get(reason, _ADVICE.get(problem.code, _ADVICE_OTHERWISE))
    reference = f"<p>Reference: <code>{escape(problem.correlation_id)}</code></p>"
    return page(problem.status, "Not connected", f"<p>{escape(advice)}</p>{reference}")


def docs_page(title: str, description: str, rows: Iterable[tuple[str, str, str]]) -> Answer:
    """Returns the reference of all operations: (method, path, summary) a row."""
    body = "".join(
        f'<tr><th scope="row"><code>{escape(method)} {escape(path)}</code></th><td>{escape(summary)}</td></tr>'
        for method, path, summary in rows
    )
    paragraphs = "".join(f"<p>{escape(each)}</p>" for each in description.split("\n\n"))
    table = f'<table><thead><tr><th scope="col">Request</th><th scope="col">Does</th></tr></thead>{body}</table>'
    link = '<p>The whole contract: <a href="/openapi.json">OpenAPI 3.0</a>.</p>'
    return page(200, title, f"{paragraphs}{link}{table}")


def page(status: int, heading: str, body: str, *headers: tuple[bytes, bytes]) -> Answer:
    """Returns an HTML answer; `body` is HTML already."""
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(heading)} - SyncWell</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(heading)}</h1>{body}</main></body></html>"
    )
    return Answer(status, html.encode(), HTML, (*headers, *SECURITY_HEADERS))
