"""The named places of an acceptance where crash tests kill the gateway."""

from __future__ import annotations

from enum import StrEnum


class AcceptStep(StrEnum):
    """In the order of the story: a job, then any other change under its Idempotency-Key."""

    BEFORE_ACCEPT = "gateway.before_accept"
    AFTER_ACCEPT = "gateway.after_accept"  # durable; no hint sent, no answer given
    AFTER_HINT = "gateway.after_hint"
    AFTER_CLAIM = "gateway.after_claim"  # the key is taken; nothing is done
    AFTER_ACTION = "gateway.after_action"  # done; the answer is not remembered
    AFTER_ANSWER = "gateway.after_answer"  # remembered, not given
