"""Takes secrets and addresses out of text that is about to be shown or logged."""

from __future__ import annotations

import re

MASK = "***"

_PATTERNS = (
    re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
    re.compile(
        r"(?i)([\"']?\b(?:access_token|refresh_token|confirmation_?code|client_secret|code_verifier|authorization|password|code)[\"']?"
        r"\s*[=:]\s*[\"']?)[^\s\"'&,;}]+"
    ),
    re.compile(r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b"),
)


def redact(text: str) -> str:
    """Returns `text` with bearer tokens, JWTs, OAuth secrets and e-mail addresses masked."""
    for pattern in _PATTERNS:
        text = pattern.sub(_mask, text)
    return text


def _mask(match: re.Match[str]) -> str:
    kept = match.group(1) if match.lastindex else ""
    separator = " " if kept.lower() in ("bearer", "basic") else ""
    return f"{kept}{separator}{MASK}"
