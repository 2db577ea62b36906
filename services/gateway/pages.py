"""The few pages that browsers see: plain, readable without styles, nothing loaded from anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape

from services.gateway.call import Answer
from services.gateway.problems import Problem
from syncwell.domain.connections import ConnectionStatus
from syncwell.ports.connector import ConnectionView

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

_ADVICE = {
    "access_denied": "You did not allow the access, so nothing was connected. You may close this page.",
    "account_linked_elsewhere": (
        "This account is already connected by another SyncWell user. Disconnect it there first, then try again."
    ),
    "invalid_input": "This link was used already, or is older than ten minutes. Go back to the app and begin again.",
    "provider_unavailable": "The service did not answer. Go back to the app and begin again in a moment.",
}
_ADVICE_OTHERWISE = "Go back to the app and begin again."


def connected_page(connection: ConnectionView, provider_name: str) -> Answer:
    """Returns the page after a consent; a pending connection needs the app's confirmation."""
    if connection.status is ConnectionStatus.PENDING:
        heading = "One step left"
        text = f"{escape(provider_name)} allowed the access. Go back to the app and confirm the connection."
    else:
        heading = "Connected"
        text = f"{escape(provider_name)} is connected. You may close this page."
    reference = f"<p>Connection: <code>{escape(connection.connection_id)}</code></p>"
    return page(200, heading, f"<p>{text}</p>{reference}")


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


def page(status: int, heading: str, body: str) -> Answer:
    """Returns an HTML answer; `body` is HTML already."""
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(heading)} - SyncWell</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(heading)}</h1>{body}</main></body></html>"
    )
    return Answer(status, html.encode(), HTML, SECURITY_HEADERS)
