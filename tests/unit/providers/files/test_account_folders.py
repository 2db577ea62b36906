"""A folder for each account, and none for what is no account."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncwell.domain.errors import InvalidInputError, ProviderUnavailableError
from syncwell.providers.files.account_folders import AccountFolders


def test_accounts_have_folders_of_their_own(tmp_path: Path) -> None:
    """Each account's folder lies directly below the root, private; making it twice changes nothing."""
    folders = AccountFolders(tmp_path / "files")
    for account in ("ann", "bob", "bob"):
        folders.of(account).make()

    assert sorted(tmp_path.glob("files/*")) == [folders.path_of("ann"), folders.path_of("bob")]
    assert folders.path_of("ann").stat().st_mode & 0o077 == 0
    folders.of("ann").store("run.fit", b"content")
    assert folders.of("bob").list_files() == []


@pytest.mark.parametrize("account", ["", ".", "..", "../bob", "bob/", "/etc", "b\\ob", "bob\n", "bob\0", "ü", "x" * 65])
def test_no_account_leads_elsewhere(tmp_path: Path, account: str) -> None:
    """What could name another folder is refused before anything is touched."""
    with pytest.raises(InvalidInputError):
        AccountFolders(tmp_path).of(account)


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file in the folder's place is an error that says so."""
    (tmp_path / "ann").write_text("in the way")
    with pytest.raises(ProviderUnavailableError, match="Cannot make"):
        AccountFolders(tmp_path).of("ann").make()
