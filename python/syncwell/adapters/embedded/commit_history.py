"""Tells the recorded history which item versions a commit made durable, in the order in which it did."""

from __future__ import annotations

from collections.abc import Sequence

from syncwell.adapters.embedded.batch import Answer, Submission, Task
from syncwell.adapters.embedded.operations import Transact, WriteEach
from syncwell.ports.history import History, Op
from syncwell.ports.item_store import Delete, Put, Write


def note_commit(history: History, batch: Sequence[Submission], answers: Sequence[Sequence[Answer]]) -> None:
    """Records every write of `batch` that `answers` call done: keys, versions and fences, never bodies."""
    for submission, given in zip(batch, answers, strict=True):
        for task, answer in zip(submission.tasks, given, strict=True):
            for write in _done(task, answer):
                _note(history, write)


def _done(task: Task, answer: Answer) -> Sequence[Write]:
    if isinstance(task, Transact) and answer is None:
        return task.writes
    if isinstance(task, WriteEach) and isinstance(answer, tuple):
        return [write for write, was_done in zip(task.writes, answer, strict=True) if was_done is True]
    return ()


def _note(history: History, write: Write) -> None:
    if isinstance(write, Put):
        item = write.item
        history.record(
            Op.OK,
            "store.put",
            partition=item.key.partition,
            sort=item.key.sort,
            version=item.version,
            fence=item.fence,
        )
    elif isinstance(write, Delete):
        history.record(Op.OK, "store.delete", partition=write.key.partition, sort=write.key.sort)
