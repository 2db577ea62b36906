"""The write ledger's values (design D5): which record is a copy of which."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from syncwell.domain.jobs import JobId
from syncwell.domain.records import EditableField, RecordId, UserId
from syncwell.domain.resolution import Outcome, Reason

_NAMESPACE = uuid.UUID("6d2b1f6e-4d0c-5c0a-9a3e-9f1f6f7f5e11")
_PAYLOAD_HASH_BYTES = 16

NO_RECORD = RecordId("")


class LinkState(StrEnum):
    """What is known of a source record at one destination.

    PENDING: a write was announced and may have happened. WRITTEN: both records are known. ASKED: a person must say
    whether the record is `destination_id`. APART: it is none of `apart_from`, and was not written yet. TOMBSTONE: what
    was written was removed on purpose and must not come back.
    """

    PENDING = "pending"
    WRITTEN = "written"
    ASKED = "asked"
    APART = "apart"
    TOMBSTONE = "tombstone"


@dataclass(frozen=True, slots=True)
class Link:
    """One ledger row. `version` is the row's; 0 means not stored yet.

    While PENDING, no call of the announced write goes on after `call_until_ms`. `base` holds the keyed fingerprints of
    the last synced values. `apart_from` are destination records that a person told apart from this one. `outcome` and
    `reason` say what the job `job_id` did, so that its next attempt can tell.
    """

    source_account: str
    source_id: RecordId
    destination_account: str
    state: LinkState
    job_id: JobId
    fence: int
    external_id: str
    since_ms: int
    call_until_ms: int = 0
    payload_hash: bytes = b""
    record_hour: int = 0
    destination_id: RecordId = NO_RECORD
    destination_version: str = ""
    source_version: str = ""
    base: Mapping[EditableField, int] = field(default_factory=dict)
    outcome: Outcome | None = None
    reason: Reason | None = None
    version: int = 0
    apart_from: tuple[RecordId, ...] = ()

    @property
    def is_pending(self) -> bool:
        """True when a write was announced of which nobody knows how it ended."""
        return self.state is LinkState.PENDING

    @property
    def is_written(self) -> bool:
        """True when the destination record is known."""
        return self.state is LinkState.WRITTEN


@dataclass(frozen=True, slots=True)
class Origin:
    """A record that another one is a copy of."""

    account: str
    record_id: RecordId


@dataclass(frozen=True, slots=True)
class Lineage:
    """Every record that this one is a copy of, nearest first; `was_written` is False where we only found it there."""

    origins: tuple[Origin, ...]
    was_written: bool

    def comes_from(self, account: str) -> bool:
        """True when some origin lies in `account`."""
        return any(origin.account == account for origin in self.origins)

    def joined(self, known: Lineage | None) -> Lineage:
        """Returns this lineage with what was `known` of the same record; what we wrote stays ours."""
        if known is None:
            return self
        origins = tuple(dict.fromkeys((*known.origins, *self.origins)))
        return Lineage(origins, known.was_written or self.was_written)


def external_id_of(user_id: UserId, source_account: str, source_id: RecordId, destination_account: str) -> str:
    """Returns the id that a write carries to the destination; the same for the same ledger key, always."""
    parts = (user_id, source_account, source_id, destination_account)
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(f"{len(part)}:{part}" for part in parts)))


def payload_hash(payload: bytes) -> bytes:
    """Returns a digest of what is about to be written."""
    return hashlib.blake2b(payload, digest_size=_PAYLOAD_HASH_BYTES).digest()
