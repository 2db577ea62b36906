"""The two query parameters of every list: how many, and from where on."""

from __future__ import annotations

from services.gateway.call import Call
from syncwell.domain.errors import InvalidInputError

LIMIT_DEFAULT = 50
LIMIT_MAX = 100
CURSOR_CHARACTERS_MAX = 512


def limit_of(call: Call) -> int:
    """Returns the `limit` of a list.

    Raises:
        InvalidInputError: it is not 1 to 100.
    """
    text = call.query.get("limit")
    if text is None:
        return LIMIT_DEFAULT
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= LIMIT_MAX:
        raise InvalidInputError(f"limit must be 1 to {LIMIT_MAX}", field="limit")
    return int(text)


def cursor_of(call: Call, name: str) -> str | None:
    """Returns the cursor in the query parameter `name`; None for the first page.

    Raises:
        InvalidInputError: it is empty or too long.
    """
    cursor = call.query.get(name)
    if cursor is not None and not 0 < len(cursor) <= CURSOR_CHARACTERS_MAX:
        raise InvalidInputError("this page cursor is not one of ours; begin with the first page", field=name)
    return cursor
