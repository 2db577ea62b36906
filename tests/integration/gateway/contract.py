"""Holds answers to the OpenAPI document."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any  # reason: an OpenAPI document is a tree of mixed types

from openapi_schema_validator import OAS30Validator, oas30_format_checker

from services.gateway.system_routes import load_document


class Contract:
    """Finds the operation of a request, and checks status, media type and body of its answer."""

    def __init__(self) -> None:
        self.document = load_document()
        self._paths = [
            (re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), methods)
            for path, methods in self.document["paths"].items()
        ]

    def check(self, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
        operation = self._operation(method, path)
        if operation is None:
            declared = self.document["components"]["responses"]["Problem"]
        else:
            responses = operation["responses"]
            declared = self._resolve(responses.get(str(status)) or responses["default"])
        content = declared.get("content", {})
        if not content:
            assert body == b"", f"{method} {path} {status} has a body that the document does not know"
            return
        media_type = headers["Content-Type"].partition(";")[0]
        assert media_type in content, f"{method} {path} answered {status} as {media_type}"
        if media_type.endswith("json"):
            schema = {**content[media_type]["schema"], "components": self.document["components"]}
            OAS30Validator(schema, format_checker=oas30_format_checker).validate(json.loads(body))

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        # Fixed paths first, as the gateway matches them.
        for pattern, methods in sorted(self._paths, key=lambda pair: pair[0].pattern.count("[^/]+")):
            if pattern.fullmatch(path):
                found: dict[str, Any] | None = methods.get(method.lower())
                return found
        return None

    def _resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            target: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node
