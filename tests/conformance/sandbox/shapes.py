"""Compares the shape of an answer with recorded ones: names and JSON types, never values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PAYLOADS = Path(__file__).parents[2] / "fixtures" / "payloads"


def recorded(name: str) -> Any:  # Any: recorded JSON of every shape
    """Returns a recorded file."""
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def recorded_bodies(name: str) -> list[Any]:
    """Returns the bodies of the answers in a recorded exchange."""
    return [exchange["response"]["body"] for exchange in recorded(name)]


def json_type(value: object) -> str:
    """Returns the JSON type; whole and broken numbers are one type."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def wrong_types(shown: Mapping[str, object], samples: Iterable[Mapping[str, object]]) -> dict[str, str]:
    """Returns the keys whose type was never recorded, and the keys that no sample knows at all."""
    known: dict[str, set[str]] = {}
    for sample in samples:
        for key, value in sample.items():
            known.setdefault(key, set()).add(json_type(value))
    return {
        key: f"{json_type(value)}, recorded {sorted(known.get(key, set()))}"
        for key, value in shown.items()
        if json_type(value) not in known.get(key, set())
    }


def missing_keys(shown: Mapping[str, object], samples: Iterable[Mapping[str, object]]) -> set[str]:
    """Returns the keys that every sample has and the answer lacks."""
    return set.intersection(*(set(sample) for sample in samples)) - set(shown)
