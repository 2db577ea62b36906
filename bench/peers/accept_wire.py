"""P1, peer: what its API and its store say to each other. MessagePack is no slower than protobuf here."""

from __future__ import annotations

import msgspec

METHOD = "/bench.Store/Accept"

SCHEMA = """
CREATE TABLE connections (id TEXT PRIMARY KEY, user TEXT NOT NULL, provider TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE jobs (
    job_id TEXT PRIMARY KEY, user TEXT NOT NULL, fingerprint TEXT NOT NULL, state TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID;
"""


class NewJob(msgspec.Struct, frozen=True, array_like=True):
    """A job to insert unless it is there."""

    job_id: str
    user: str
    fingerprint: str
    created_at_ms: int
    body: bytes


class Accepted(msgspec.Struct, frozen=True, array_like=True):
    """The fingerprint of the stored job and whether it was there before."""

    fingerprint: str
    is_replay: bool


encode = msgspec.msgpack.Encoder().encode
decode_job = msgspec.msgpack.Decoder(NewJob).decode
decode_accepted = msgspec.msgpack.Decoder(Accepted).decode
