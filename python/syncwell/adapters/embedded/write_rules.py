"""What a write must be before it is sent: DynamoDB's bounds, so that nothing passes here and fails there."""

from __future__ import annotations

from collections.abc import Sequence

from syncwell.domain.errors import InvalidInputError
from syncwell.ports.item_store import ITEM_BYTES_MAX, TRANSACTION_WRITES_MAX, Item, Key, Put, Write

REQUEST_BYTES_MAX = 4 * 1024 * 1024  # all items of one transaction together
WRITE_EACH_MAX = 1_000
SORT_BYTES_MAX = 1_024
PARTITION_BYTES_MAX = 2_048
_UTF8_BYTES_MAX = 4  # of one character


def check_transaction(writes: Sequence[Write]) -> None:
    """Checks the writes of one transaction.

    Raises:
        InvalidInputError: too many or too large, or a key twice.
    """
    if len(writes) > TRANSACTION_WRITES_MAX:
        raise InvalidInputError(f"a transaction holds at most {TRANSACTION_WRITES_MAX} writes", field="writes")
    if len({_key_of(write) for write in writes}) < len(writes):
        raise InvalidInputError("a transaction may name a key only once", field="writes")
    _check_sizes(writes)


def check_each(writes: Sequence[Write]) -> None:
    """Checks independent writes.

    Raises:
        InvalidInputError: too many or too large.
    """
    if len(writes) > WRITE_EACH_MAX:
        raise InvalidInputError(f"at most {WRITE_EACH_MAX} writes go together", field="writes")
    _check_sizes(writes)


def _check_sizes(writes: Sequence[Write]) -> None:
    total = 0
    for write in writes:
        _check_key(_key_of(write))
        if isinstance(write, Put):
            total += _check_item(write.item)
    if total > REQUEST_BYTES_MAX:
        raise InvalidInputError(f"all items together may have {REQUEST_BYTES_MAX} bytes", field="writes")


def _check_item(item: Item) -> int:
    size = len(item.body)
    if size > ITEM_BYTES_MAX:
        raise InvalidInputError(f"an item may have {ITEM_BYTES_MAX} bytes", field="body")
    return size


def _check_key(key: Key) -> None:
    if not key.partition or not key.sort:
        raise InvalidInputError("both halves of a key need text", field="key")
    if _is_longer(key.partition, PARTITION_BYTES_MAX) or _is_longer(key.sort, SORT_BYTES_MAX):
        raise InvalidInputError("the key is too long", field="key")


def _is_longer(text: str, bytes_max: int) -> bool:
    # Encoding is only worth its price where the number of characters leaves the answer open.
    return len(text) * _UTF8_BYTES_MAX > bytes_max and len(text.encode()) > bytes_max


def _key_of(write: Write) -> Key:
    return write.item.key if isinstance(write, Put) else write.key
