"""One request on its way through the gateway, and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from syncwell.domain.errors import InvalidInputError
from syncwell.domain.records import UserId

JSON = "application/json"

NOBODY = UserId("")  # what a public operation sees

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Call:
    """A request whose bounds were checked. `user_id` comes from the verified token and from nowhere else."""

    method: str
    path: str
    headers: Mapping[bytes, bytes]
    params: Mapping[str, str]
    query: Mapping[str, str]
    correlation_id: str
    user_id: UserId = NOBODY
    client_address: str = ""
    idempotency_key: str = ""
    body: bytes = field(default=b"", repr=False)

    def refuse_unknown_query(self, *known: str) -> None:
        """Raises InvalidInputError where the query holds a parameter that is not `known`."""
        for name in self.query:
            if name not in known:
                raise InvalidInputError("there is no such query parameter", field=name[:100])


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the caller."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


def json_answer(status: int, value: object, *headers: tuple[bytes, bytes]) -> Answer:
    """Returns `value` (a view) as a JSON answer."""
    return Answer(status, _encode(value), JSON, headers)
