"""The checkers of the invariants over a recorded history, one file each.

A checker returns what is wrong, one sentence each; an empty list is the only good answer. An event `info` means that
the outcome is unknown: the checkers allow both.
"""

from tests.chaos.checkers.attempts import check_attempts
from tests.chaos.checkers.cursors import check_cursor_honesty
from tests.chaos.checkers.duplicates import check_no_duplicate
from tests.chaos.checkers.lost_jobs import TERMINAL_STATES, check_no_lost_job
from tests.chaos.checkers.owners import check_single_owner
from tests.chaos.checkers.request_keys import check_one_job_per_key
from tests.chaos.checkers.versions import check_no_lost_update

__all__ = [
    "TERMINAL_STATES",
    "check_attempts",
    "check_cursor_honesty",
    "check_no_duplicate",
    "check_no_lost_job",
    "check_no_lost_update",
    "check_one_job_per_key",
    "check_single_owner",
]
