"""Steps in the recorded history."""

from __future__ import annotations

import asyncio

import pytest

from syncwell.domain.errors import NotFoundError, OutcomeUnknownError
from syncwell.ports.history import Op
from syncwell.usecases.recorded_step import recorded
from tests.unit.fakes.history import MemoryHistory


def test_success_tells_what_was_learnt() -> None:
    """The end carries the ids of the beginning and what came to light between."""
    history = MemoryHistory()

    with recorded(history, "step", connection="conn_1") as learnt:
        learnt["generation"] = 2

    assert history.events == [
        (Op.INVOKE, "step", {"connection": "conn_1"}),
        (Op.OK, "step", {"connection": "conn_1", "generation": 2}),
    ]


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (NotFoundError("nothing there"), Op.FAIL),
        (OutcomeUnknownError("lost"), Op.INFO),
        (asyncio.CancelledError(), Op.INFO),
        (RuntimeError("a bug"), Op.INFO),
    ],
)
def test_errors_end_the_step_honestly(error: BaseException, end: Op) -> None:
    """A refusal is a failure; whatever leaves the outcome open says so, and goes on."""
    history = MemoryHistory()

    with pytest.raises(type(error)), recorded(history, "step"):
        raise error

    assert history.ops("step") == [Op.INVOKE, end]
