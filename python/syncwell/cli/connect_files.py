"""`syncwell connect-files`: gives a person a folder whose workouts are synced, and where workouts are written."""

from __future__ import annotations

import secrets
import uuid
from pathlib import Path

from syncwell.adapters.identity.development_issuer import ISSUER
from syncwell.adapters.identity.identity import SUBJECT_CHARACTERS_MAX
from syncwell.domain.connections import Connection
from syncwell.domain.errors import InvalidInputError, SetupError
from syncwell.domain.records import UserId
from syncwell.providers.files.account_folders import AccountFolders
from syncwell.providers.files.capabilities import PROVIDER
from syncwell.repositories.identities import Identities
from syncwell.runtime.backends import open_backends
from syncwell.runtime.clock import make_clock
from syncwell.runtime.history import make_history
from syncwell.runtime.settings import InstallationSettings, Profile, prepare_directories
from syncwell.usecases.connect_folder import ConnectFolder
from syncwell.usecases.recognise_user import RecogniseUser


async def connect_files(settings: InstallationSettings, *, user: str, issuer: str = "") -> tuple[Connection, Path]:
    """Returns an active connection of `user` and its folder, where FIT files may be put from now on.

    `issuer` is the identity provider that knows `user` by this name (its `sub`); empty for the development issuer,
    whose tokens `syncwell token --user` prints. The store must run.

    Raises:
        SetupError: a production profile without an issuer: nobody could sign in as that user.
        InvalidInputError: the name is empty or too long.
        StoreUnavailableError: the store does not run.
        ProviderUnavailableError: the folder cannot be made.
    """
    if settings.profile is Profile.PRODUCTION and not issuer:
        raise SetupError("name the identity provider that knows this user: --issuer https://...")
    if not 0 < len(user) <= SUBJECT_CHARACTERS_MAX:
        raise InvalidInputError(f"a user has 1 to {SUBJECT_CHARACTERS_MAX} characters", field="user")
    prepare_directories(settings)
    clock = make_clock(settings)
    folders = AccountFolders(settings.files_dir)
    async with open_backends(settings) as backends:
        recognise = RecogniseUser(Identities(backends.items), clock, lambda: UserId(f"usr_{uuid.uuid4()}"))
        connect = ConnectFolder(
            backends.items,
            provider=PROVIDER,
            make_folder=lambda account: folders.of(account).make(),
            clock=clock,
            random_bytes=secrets.token_bytes,
            history=make_history(settings, clock, "cli"),
        )
        connection = await connect.run(await recognise(issuer=issuer or ISSUER, subject=user))
    return connection, folders.path_of(connection.external_user_id)
