"""Health and documentation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any  # reason: an OpenAPI document is a tree of mixed types

import msgspec
import yaml

from services.gateway.call import JSON, Answer, Call, json_answer
from services.gateway.operations import Kind, Operation
from services.gateway.pages import docs_page
from syncwell.domain.errors import SetupError

SPEC_PATH = Path(__file__).parents[2] / "openapi" / "spec.yaml"
CHECK_SECONDS_MAX = 1.0

Check = Callable[[], Awaitable[bool]]


def load_document(path: Path = SPEC_PATH) -> dict[str, Any]:  # reason: see the import
    """Reads the OpenAPI document.

    Raises:
        SetupError: it is not there or not readable.
    """
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as exc:
        raise SetupError(f"cannot read {path}; install SyncWell anew", path=str(path)) from exc
    if not isinstance(document, dict):
        raise SetupError(f"{path} is no OpenAPI document; install SyncWell anew", path=str(path))
    return document


class SystemRoutes:
    """What operators, load balancers and developers ask."""

    def __init__(self, document: Mapping[str, Any], checks: Mapping[str, Check]) -> None:  # reason: see the import
        self._checks = checks
        self._openapi = Answer(200, msgspec.json.encode(document), JSON)
        info = document["info"]
        self._docs = docs_page(f"{info['title']} REST API", info["description"], _rows_of(document))

    def operations(self) -> Sequence[Operation]:
        """Returns the operations of this file."""
        return (
            Operation("getHealth", "GET", "/healthz", Kind.PUBLIC, self.get_health),
            Operation("getReadiness", "GET", "/readyz", Kind.PUBLIC, self.get_readiness),
            Operation("getOpenApi", "GET", "/openapi.json", Kind.PUBLIC, self.get_openapi),
            Operation("getDocs", "GET", "/docs", Kind.PAGE, self.get_docs),
        )

    async def get_health(self, _: Call) -> Answer:
        """Tells that the process runs."""
        return json_answer(200, {"status": "ok"})

    async def get_readiness(self, _: Call) -> Answer:
        """Asks every dependency at once."""
        verdicts = await asyncio.gather(*(_ask(check) for check in self._checks.values()))
        checks = {name: "ok" if is_ok else "unavailable" for name, is_ok in zip(self._checks, verdicts, strict=True)}
        is_ready = all(verdicts)
        return json_answer(200 if is_ready else 503, {"status": "ok" if is_ready else "unavailable", "checks": checks})

    async def get_openapi(self, _: Call) -> Answer:
        """Returns the document."""
        return self._openapi

    async def get_docs(self, _: Call) -> Answer:
        """Returns the document as a page."""
        return self._docs


async def _ask(check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_SECONDS_MAX):
            return await check()
    except TimeoutError:
        return False


def _rows_of(document: Mapping[str, Any]) -> Sequence[tuple[str, str, str]]:  # reason: see the import
    return [
        (method.upper(), path, operation["summary"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
