"""Puts the expositions of several services together, each sample labelled with its service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
UP = "syncwell_up"


def merge(expositions: Mapping[str, bytes | None]) -> bytes:
    """Returns one exposition. A service that gave None is shown as down (`syncwell_up` 0)."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Merged(expositions))
    return generate_latest(registry)


class _Merged(Collector):
    def __init__(self, expositions: Mapping[str, bytes | None]) -> None:
        self._expositions = expositions

    def collect(self) -> Iterable[Family]:
        """Returns the families of all services, each family once."""
        up = GaugeMetricFamily(UP, "Whether the service answered the last collection.", labels=["service"])
        families: dict[str, Family] = {}
        for service, text in self._expositions.items():
            up.add_metric([service], 0.0 if text is None else 1.0)
            for family in _families_of(text or b""):
                kept = families.setdefault(family.name, Family(family.name, family.documentation, family.type))
                for sample in family.samples:
                    kept.add_sample(sample.name, {**sample.labels, "service": service}, sample.value)
        yield up
        yield from families.values()


def _families_of(text: bytes) -> Iterator[Family]:
    yield from text_string_to_metric_families(text.decode("utf-8"))
