"""The contract of the native core; `syncwell.domain` holds the typed doors to it.

Every function raises `syncwell.domain.errors.InvalidInputError` for a value out of range, and TypeError for a value of
another type than stated here.
"""

from collections.abc import Sequence
from typing import TypeAlias, TypeVar, final

_TextT = TypeVar("_TextT", bound=str | bytes)
_EchoT = TypeVar("_EchoT", bound=str)
_TombstoneT = TypeVar("_TombstoneT", bound=str)
_FieldT = TypeVar("_FieldT", bound=str)

__all__ = [
    "SOURCE_HASH",
    "Budget",
    "BudgetTable",
    "Lease",
    "buckets",
    "fingerprint",
    "fingerprint_many",
    "murmur3_32",
    "murmur3_32_many",
    "resolve",
]

SOURCE_HASH: str
"""SHA-256 over the Rust sources that this build was made of."""

_RecordRow: TypeAlias = tuple[
    str,  # record_id
    str,  # data_type
    int,  # sport
    int,  # start_ms
    int,  # elapsed_ms
    str,  # version
    int | None,  # moving_ms
    float | None,  # distance_m
    int | None,  # utc_offset_s
    int | None,  # modified_ms
    str,  # external_id
    str,  # device_name
    bool,  # is_start_hidden
    bool,  # is_manual
    str,  # title
    str,  # notes
]
_LinkRow: TypeAlias = tuple[str, str, int | None, int | None, int | None]
"""Source id, destination id, then the base of title, notes and sport."""

_DecisionRow: TypeAlias = tuple[
    str,  # action
    str,  # outcome
    str,  # reason
    str | None,  # destination_id
    float | None,  # score
    list[str],  # fields to write
    dict[str, float | int | str],  # evidence
    list[tuple[str, int]],  # base to keep, by field
]

def murmur3_32(data: str | bytes, seed: int = 0, /) -> int: ...
def murmur3_32_many(items: list[_TextT], seed: int = 0, /) -> list[int]: ...
def buckets(ids: list[_TextT], /) -> bytes: ...
def fingerprint(key: bytes, field: str, value: str | bytes, /) -> int: ...
def fingerprint_many(key: bytes, field: str, values: list[_TextT], /) -> list[int]: ...
def resolve(
    sources: list[_RecordRow],
    destinations: list[_RecordRow],
    links: list[_LinkRow],
    echoes: list[_EchoT],
    tombstones: list[_TombstoneT],
    updatable: list[_FieldT],
    strategy: str,
    key: bytes,
    clock_offset_ms: int,
    destinations_complete: bool,
    /,
) -> list[_DecisionRow]: ...

@final
class Budget:
    def __new__(
        cls,
        windows: Sequence[tuple[int, int]],
        *,
        rate: tuple[int, int, int] | None = None,
        reserves_per_mille: tuple[int, int, int] = (0, 100, 300),
        tracks_in_flight: bool = False,
    ) -> Budget: ...
    def try_take(self, cost: int, priority: int, now_ms: int, /) -> int: ...
    def finish(self, cost: int, granted_ms: int, now_ms: int, /) -> None: ...
    def observe(self, window: int, used: int, limit: int, now_ms: int, /) -> None: ...
    def mark_lost(self, now_ms: int, /) -> None: ...
    def lease(self, count: int, priority: int, now_ms: int, /) -> Lease: ...
    def give_back(self, count: int, leased_ms: int, now_ms: int, /) -> None: ...

@final
class BudgetTable:
    def __new__(
        cls,
        windows: Sequence[tuple[int, int]],
        *,
        capacity: int,
        rate: tuple[int, int, int] | None = None,
        reserves_per_mille: tuple[int, int, int] = (0, 100, 300),
        tracks_in_flight: bool = False,
    ) -> BudgetTable: ...
    def __len__(self) -> int: ...
    def try_take(self, key: str, cost: int, priority: int, now_ms: int, /) -> int: ...
    def try_take_many(self, keys: list[str], cost: int, priority: int, now_ms: int, /) -> list[int]: ...
    def finish(self, key: str, cost: int, granted_ms: int, now_ms: int, /) -> None: ...
    def observe(self, key: str, window: int, used: int, limit: int, now_ms: int, /) -> bool: ...
    def mark_lost(self, key: str, now_ms: int, /) -> bool: ...
    def lease(self, key: str, count: int, priority: int, now_ms: int, /) -> Lease: ...
    def give_back(self, key: str, count: int, leased_ms: int, now_ms: int, /) -> None: ...

@final
class Lease:
    def __new__(cls, granted: int, expires_ms: int, /) -> Lease: ...
    @property
    def granted(self) -> int: ...
    @property
    def expires_ms(self) -> int: ...
    def try_take(self, cost: int, now_ms: int, /) -> bool: ...
    def left(self, now_ms: int, /) -> int: ...
    def close(self) -> int: ...
