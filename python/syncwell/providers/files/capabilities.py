"""What a folder of files can do for SyncWell."""

from __future__ import annotations

from syncwell.domain.records import DataType
from syncwell.ports.roles import Capabilities

PROVIDER = "files"

CAPABILITIES = Capabilities(
    provider=PROVIDER,
    display_name="Files",
    readable=frozenset({DataType.WORKOUT}),
    writable=frozenset({DataType.WORKOUT}),
    # Changing a person's own recording is not ours to do, and FIT has no title and no notes.
    updatable=frozenset(),
    can_delete=True,
    # A recording of last year may be put here today.
    lists_by_change_time=True,
)
