"""Opens the item store, queue and event log that the settings name; every service's wiring begins here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from syncwell.adapters.embedded.process_transport import ProcessTransport
from syncwell.adapters.embedded.store_client import EmbeddedEventLog, EmbeddedItemStore, EmbeddedJobQueue
from syncwell.ports.event_log import EventLog
from syncwell.ports.item_store import ItemStore
from syncwell.ports.job_queue import JobQueue
from syncwell.runtime.settings import InstallationSettings
from syncwell.runtime.telemetry.telemetry import Telemetry
from syncwell.runtime.telemetry.traced_queue import TracedJobQueue


@dataclass(frozen=True, slots=True)
class Backends:
    """The durable parts, as ports."""

    items: ItemStore
    queue: JobQueue
    events: EventLog


@asynccontextmanager
async def open_backends(settings: InstallationSettings, telemetry: Telemetry | None = None) -> AsyncIterator[Backends]:
    """Connects to the embedded store process; closes everything at the end of the body."""
    transport = ProcessTransport(settings.address_of("store"), settings.store_path)
    items, queue, events = EmbeddedItemStore(transport), EmbeddedJobQueue(transport), EmbeddedEventLog(transport)
    try:
        is_traced = telemetry is not None and telemetry.tracer.is_on
        yield Backends(items, TracedJobQueue(queue, telemetry.tracer) if telemetry and is_traced else queue, events)
    finally:
        items.close()
        queue.close()
        events.close()
        await transport.close()
