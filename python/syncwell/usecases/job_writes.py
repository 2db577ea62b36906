"""What a job wrote, told by the ledger: the truth even where its run ended before it could commit anything."""

from __future__ import annotations

from syncwell.domain.jobs import Job
from syncwell.domain.links import Link, LinkState
from syncwell.domain.records import ConnectionId, UserId
from syncwell.domain.resolution import Action, Decision, Outcome, Reason
from syncwell.repositories import keys
from syncwell.repositories.accounts import Accounts
from syncwell.repositories.ledger import Ledger


class JobWrites:
    """Finds the links that a job made or changed last."""

    def __init__(self, ledger: Ledger, accounts: Accounts) -> None:
        self._ledger = ledger
        self._accounts = accounts

    async def links_of(self, job: Job, *, state: LinkState = LinkState.WRITTEN) -> tuple[Link, ...]:
        """Returns the links in `state` that `job` wrote last.

        There are none for a job of a whole source, or one whose connections are gone.

        Raises:
            StoreUnavailableError: they could not be read.
        """
        request = job.request
        if request.is_of_source or request.is_dry_run:
            return ()
        source = await self._account(request.user_id, request.source_connection_id)
        destination = await self._account(request.user_id, request.destination_connection_id)
        if source is None or destination is None:
            return ()
        links = await self._ledger.load_links_between(request.user_id, source, destination)
        return tuple(link for link in links if link.job_id == job.job_id and link.state is state)

    async def decisions_of(self, job: Job) -> tuple[Decision, ...]:
        """Returns what became of the records that `job` wrote, updated or linked."""
        return tuple(_decision(link) for link in await self.links_of(job))

    async def _account(self, user_id: UserId, connection_id: ConnectionId) -> str | None:
        connection = await self._accounts.load_connection(user_id, connection_id)
        return None if connection is None else keys.account(connection.provider, connection.external_user_id)


def _decision(link: Link) -> Decision:
    return Decision(
        link.source_id,
        Action.NONE,
        link.outcome or Outcome.SKIPPED,
        link.reason or Reason.KNOWN_LINK_UNCHANGED,
        link.destination_id,
    )
