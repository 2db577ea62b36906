"""P1, peer: the same acceptance of a sync job with FastAPI, as a careful team writes it.

It checks the token (verdict cached), the key, the body, and that both connections are active; it derives the job's id
from the key, so that a repetition finds the first; and it answers when the store has the job on disk.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Annotated

import grpc
import jwt
from fastapi import FastAPI, Header, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from bench.peers.accept_wire import METHOD, Accepted, NewJob, decode_accepted, encode

CALL_SECONDS_MAX = 10.0
VERDICTS_MAX = 10_000
AUDIENCE = "bench"
ALGORITHM = "HS256"

Id = Annotated[str, Field(min_length=1, max_length=64)]


class DataType(StrEnum):
    """What can be synced."""

    WORKOUT = "workout"
    SLEEP_SESSION = "sleep_session"
    STEPS = "steps"
    WEIGHT = "weight"


class Mode(StrEnum):
    """Who asked."""

    MANUAL = "manual"
    HISTORICAL = "historical"


class Priority(StrEnum):
    """How soon."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class NewSyncJob(BaseModel):
    """The body."""

    model_config = ConfigDict(extra="forbid")

    sourceConnectionId: Id  # noqa: N815 - the name on the wire
    destinationConnectionId: Id  # noqa: N815 - the name on the wire
    dataType: DataType  # noqa: N815 - the name on the wire
    mode: Mode
    priority: Priority = Priority.MEDIUM
    dryRun: bool = False  # noqa: N815 - the name on the wire


class Users:
    """Verified tokens, remembered."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._verdicts: dict[str, tuple[str, float]] = {}

    def user_of(self, authorization: str) -> str:
        """Returns the user of a bearer token."""
        token = authorization.removeprefix("Bearer ")
        known = self._verdicts.get(token)
        if known is not None and known[1] > time.time():
            return known[0]
        try:
            claims = jwt.decode(token, self._key, algorithms=[ALGORITHM], audience=AUDIENCE)
        except jwt.InvalidTokenError as exc:
            raise HTTPException(401, "no valid token") from exc
        if len(self._verdicts) >= VERDICTS_MAX:
            self._verdicts.clear()
        self._verdicts[token] = (str(claims["sub"]), float(claims["exp"]))
        return str(claims["sub"])


def make_app() -> FastAPI:
    """Returns the application; settings come from the environment."""
    users = Users(os.environ["BENCH_JWT_KEY"])
    state: dict[str, grpc.aio.UnaryUnaryMultiCallable[NewJob, Accepted]] = {}
    database = sqlite3.connect(f"file:{os.environ['BENCH_DATABASE']}?mode=ro", uri=True, check_same_thread=False)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with grpc.aio.insecure_channel(os.environ["BENCH_STORE"]) as channel:
            state["accept"] = channel.unary_unary(
                METHOD, request_serializer=encode, response_deserializer=decode_accepted
            )
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    def require_active(user: str, connection_id: str) -> None:
        row = database.execute("SELECT user, status FROM connections WHERE id = ?", (connection_id,)).fetchone()
        if row is None or row[0] != user:
            raise HTTPException(404, "there is no such connection")
        if row[1] != "active":
            raise HTTPException(409, "the connection is not active")

    @app.post("/v1/sync-jobs")
    async def create(
        body: NewSyncJob,
        request: Request,
        authorization: Annotated[str, Header()],
        idempotency_key: Annotated[uuid.UUID, Header()],
    ) -> Response:
        user = users.user_of(authorization)
        require_active(user, body.sourceConnectionId)
        require_active(user, body.destinationConnectionId)
        digest = hashlib.blake2b(f"{user}:{idempotency_key}".encode(), digest_size=16, key=b"job ids").digest()
        job_id = f"job_{uuid.UUID(bytes=digest, version=4)}"
        text = await request.body()
        fingerprint = hashlib.blake2b(text, digest_size=16).hexdigest()
        job = NewJob(job_id, user, fingerprint, time.time_ns() // 1_000_000, text)
        accepted = await state["accept"](job, timeout=CALL_SECONDS_MAX)
        if accepted.fingerprint != fingerprint:
            raise HTTPException(409, "the key was used for another request")
        answer = b'{"jobId":"%b","status":"QUEUED"}' % job_id.encode()
        return Response(answer, status_code=202, media_type="application/json")

    return app
