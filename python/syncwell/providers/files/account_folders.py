"""Which folder belongs to which account: one each, below one root, so that two people never share."""

from __future__ import annotations

import re
from pathlib import Path

from syncwell.domain.errors import InvalidInputError
from syncwell.providers.files.folder import WorkoutFolder

# Ids of our own making. Neither a dot nor a slash: no account can name the folder of another, or one outside the root.
_ACCOUNT = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class AccountFolders:
    """The folders of every account. A person may put and take files there by hand at any time."""

    def __init__(self, root: Path) -> None:
        """Keeps all folders directly below `root`; nothing is touched before the first use."""
        self._root = root

    def path_of(self, account: str) -> Path:
        """Returns where the folder of `account` is, or would be.

        Raises:
            InvalidInputError: this can be no account of ours.
        """
        if not _ACCOUNT.fullmatch(account):
            raise InvalidInputError("The account of a folder is made of letters, digits, - and _.", field="account")
        return self._root / account

    def of(self, account: str) -> WorkoutFolder:
        """Returns the folder of `account`, which must exist when it is used.

        Raises:
            InvalidInputError: this can be no account of ours.
        """
        return WorkoutFolder(self.path_of(account))
