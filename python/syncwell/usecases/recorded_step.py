"""One step in the recorded history: its beginning, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from syncwell.domain.errors import OutcomeUnknownError, SyncWellError
from syncwell.ports.history import History, Op


@contextmanager
def recorded(
    history: History, kind: str, **ids: str | int | bool | None
) -> Iterator[dict[str, str | int | bool | None]]:
    """Records INVOKE, then OK, FAIL (refused, nothing done) or INFO (nobody knows).

    What the body puts into the yielded dictionary is recorded with OK.
    """
    history.record(Op.INVOKE, kind, **ids)
    learnt: dict[str, str | int | bool | None] = {}
    try:
        yield learnt
    except OutcomeUnknownError:
        history.record(Op.INFO, kind, **ids)
        raise
    except SyncWellError:
        history.record(Op.FAIL, kind, **ids)
        raise
    except BaseException:  # cancelled or a bug: the store may have done it
        history.record(Op.INFO, kind, **ids)
        raise
    history.record(Op.OK, kind, **ids, **learnt)
