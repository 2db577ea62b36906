"""What the ledger knows about a window: links, lineages, echoes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from syncwell.domain.links import Lineage, Link, LinkState, Origin
from syncwell.domain.records import RecordId, RecordMetadata
from syncwell.domain.resolution import KnownLink
from syncwell.repositories.ledger import Ledger
from syncwell.usecases.sync_pair import SyncPair


@dataclass(frozen=True, slots=True)
class KnownRecords:
    """The ledger's view of the source records of one window."""

    links: Mapping[RecordId, Link]
    lineages: Mapping[RecordId, Lineage]
    echoes: frozenset[RecordId]

    def with_links(self, changed: Mapping[RecordId, Link]) -> KnownRecords:
        """Returns the same view with some links as they stand now."""
        return replace(self, links={**self.links, **changed})

    def is_settled(self, record: RecordMetadata) -> bool:
        """True when nothing at the destination could change what happens to `record`."""
        link = self.links.get(record.record_id)
        is_current = link is not None and link.is_written and link.source_version == record.version
        return is_current or record.record_id in self.echoes or record.record_id in self.tombstones

    @property
    def tombstones(self) -> frozenset[RecordId]:
        """Records whose copy was removed on purpose."""
        return frozenset(one for one, link in self.links.items() if link.state is LinkState.TOMBSTONE)

    def apart_from(self, record_id: RecordId) -> tuple[RecordId, ...]:
        """Returns the destination records that a person told apart from this one, which is not written yet."""
        link = self.links.get(record_id)
        return () if link is None or link.is_written else link.apart_from


async def load_known(ledger: Ledger, pair: SyncPair, records: Sequence[RecordMetadata]) -> KnownRecords:
    """Returns what the ledger knows about `records` of the pair's source, read strongly.

    A source record is an echo when SyncWell itself wrote it from the destination's account, directly or by way of
    others.
    """
    ids = [record.record_id for record in records]
    user_id, destination = pair.request.user_id, pair.destination_account
    links = await ledger.load_links(user_id, pair.source_account, destination, ids)
    lineages = await ledger.load_lineages(user_id, pair.source_account, ids)
    echoes = {one for one, lineage in lineages.items() if lineage.was_written and lineage.comes_from(destination)}
    return KnownRecords(links, lineages, frozenset(echoes))


async def known_links(
    ledger: Ledger,
    pair: SyncPair,
    known: KnownRecords,
    records: Sequence[RecordMetadata],
    destinations: Sequence[RecordMetadata],
) -> tuple[KnownLink, ...]:
    """Returns every pair that needs no matching: by its link, or because both are copies of one record."""
    by_link = {
        record.record_id: _known(known.links[record.record_id])
        for record in records
        if record.record_id in known.links and known.links[record.record_id].is_written
    }
    taken = {link.destination_id for link in by_link.values()}
    ids = [one.record_id for one in destinations if one.record_id not in taken]
    lineages = await ledger.load_lineages(pair.request.user_id, pair.destination_account, ids)
    by_origin: dict[Origin, RecordId] = {}
    for one in ids:
        for origin in (Origin(pair.destination_account, one), *_origins(lineages.get(one))):
            by_origin.setdefault(origin, one)
    for record in records:
        if record.record_id in by_link or record.record_id in known.echoes:
            continue
        itself = Origin(pair.source_account, record.record_id)
        for origin in (itself, *_origins(known.lineages.get(record.record_id))):
            there = by_origin.get(origin)
            if there is not None and there not in taken:
                by_link[record.record_id] = KnownLink(record.record_id, there, record.version)
                taken.add(there)
                break
    return tuple(by_link.values())


def lineage_of_copy(pair: SyncPair, known: KnownRecords, source_id: RecordId, *, was_written: bool) -> Lineage:
    """Returns the lineage of a destination record that is a copy of `source_id`."""
    itself = Origin(pair.source_account, source_id)
    return Lineage((itself, *_origins(known.lineages.get(source_id))), was_written)


def _origins(lineage: Lineage | None) -> tuple[Origin, ...]:
    return () if lineage is None else lineage.origins


def _known(link: Link) -> KnownLink:
    return KnownLink(link.source_id, link.destination_id, link.source_version, link.base)
