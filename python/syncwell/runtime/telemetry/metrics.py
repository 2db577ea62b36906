"""Metrics of this process in a Prometheus registry."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from syncwell.ports.metrics import Metric, Metrics
from syncwell.runtime.telemetry.definitions import DEFINITIONS, LABEL_SETS_MAX, Definition, MetricKind

OTHER = "other"

Child = Counter | Gauge | Histogram
_KINDS: dict[MetricKind, Callable[[Metric, Definition, CollectorRegistry], Child]] = {
    MetricKind.COUNTER: lambda metric, what, registry: Counter(metric, what.help, what.labels, registry=registry),
    MetricKind.GAUGE: lambda metric, what, registry: Gauge(metric, what.help, what.labels, registry=registry),
    MetricKind.HISTOGRAM: lambda metric, what, registry: Histogram(
        metric, what.help, what.labels, registry=registry, buckets=what.buckets
    ),
}


class PrometheusMetrics(Metrics):
    """Every metric of `definitions`, with a bounded number of label sets each."""

    def __init__(self, *, label_sets_max: int = LABEL_SETS_MAX) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # reason: the library leaves it untyped
        self._registry = CollectorRegistry(auto_describe=False)
        self._families = {
            metric: _KINDS[what.kind](metric, what, self._registry) for metric, what in DEFINITIONS.items()
        }
        self._children: dict[Metric, dict[tuple[str, ...], Child]] = {metric: {} for metric in DEFINITIONS}
        self._label_sets_max = label_sets_max

    def count(self, metric: Metric, amount: float = 1, **labels: str) -> None:
        """Adds `amount` to a counter."""
        child = self._child(metric, labels)
        assert isinstance(child, Counter)  # noqa: S101 - by the table of definitions
        child.inc(amount)

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        """Adds a measurement to a histogram."""
        child = self._child(metric, labels)
        assert isinstance(child, Histogram)  # noqa: S101 - by the table of definitions
        child.observe(max(0.0, value))

    def set(self, metric: Metric, value: float, **labels: str) -> None:
        """Sets a gauge."""
        child = self._child(metric, labels)
        assert isinstance(child, Gauge)  # noqa: S101 - by the table of definitions
        child.set(value)

    def exposition(self) -> bytes:
        """Returns everything in the Prometheus text format."""
        return generate_latest(self._registry)

    def _child(self, metric: Metric, labels: dict[str, str]) -> Child:
        names = DEFINITIONS[metric].labels
        assert len(labels) == len(names), f"{metric} has the labels {names}"  # noqa: S101 - a caller's mistake
        key = tuple([labels[name] for name in names])
        children = self._children[metric]
        child = children.get(key)
        return self._new_child(metric, key) if child is None else child

    def _new_child(self, metric: Metric, key: tuple[str, ...]) -> Child:
        children, family = self._children[metric], self._families[metric]
        if not key:
            children[key] = family
            return family
        if len(children) >= self._label_sets_max:
            key = (OTHER,) * len(key)
        child = children.get(key) or family.labels(*key)
        children[key] = child
        return child
