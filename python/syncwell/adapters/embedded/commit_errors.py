"""What the callers of a failed batch are told."""

from __future__ import annotations

import apsw

from syncwell.domain.errors import OutcomeUnknownError, StorageFullError, StoreUnavailableError, SyncWellError


def error_of_batch(exc: Exception, *, is_committing: bool) -> SyncWellError:
    """Returns a fresh error; `is_committing` says that the commit had begun."""
    if is_committing and not _is_surely_undone(exc):
        return OutcomeUnknownError("the disk did not confirm the write; read back before deciding")
    if isinstance(exc, apsw.FullError | apsw.IOError):
        return StorageFullError("the disk of the store is full or failing; free some space, reads go on")
    return StoreUnavailableError(f"the store cannot write now ({type(exc).__name__}); try again")


def _is_surely_undone(exc: Exception) -> bool:
    # A commit that could not write, or not begin, leaves nothing. Behind the write (a failed sync, anything unforeseen)
    # the pages may or may not be on the disk.
    code = getattr(exc, "extendedresult", 0)
    return isinstance(exc, apsw.FullError | apsw.BusyError) or code == apsw.SQLITE_IOERR_WRITE
