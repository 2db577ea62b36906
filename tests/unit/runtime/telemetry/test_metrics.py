"""Metrics: what the table declares, and bounded whatever is counted."""

from __future__ import annotations

import pytest

from syncwell.ports.metrics import Metric
from syncwell.runtime.telemetry.definitions import DEFINITIONS
from syncwell.runtime.telemetry.exposition import merge
from syncwell.runtime.telemetry.metrics import PrometheusMetrics


def test_every_metric_is_defined() -> None:
    """The port's list and the table are the same."""
    assert set(DEFINITIONS) == set(Metric)


def test_counts_gauges_and_measurements_are_exposed() -> None:
    """Each kind appears with its labels."""
    metrics = PrometheusMetrics()
    metrics.count(Metric.CACHE_HITS, cache="verdicts")
    metrics.count(Metric.CACHE_HITS, 2, cache="verdicts")
    metrics.set(Metric.QUEUE_MESSAGES, 7, job_class="bulk")
    metrics.observe(Metric.STORE_COMMIT_SECONDS, 0.003)
    text = metrics.exposition().decode()
    assert 'syncwell_cache_hits_total{cache="verdicts"} 3.0' in text
    assert 'syncwell_queue_messages{job_class="bulk"} 7.0' in text
    assert 'syncwell_store_commit_seconds_bucket{le="0.005"} 1.0' in text
    assert "_created" not in text


def test_labels_beyond_the_bound_become_other() -> None:
    """A label that takes too many values cannot grow the process: the rest is counted together."""
    metrics = PrometheusMetrics(label_sets_max=3)
    for number in range(10):
        metrics.count(Metric.CACHE_HITS, cache=f"cache{number}")
    text = metrics.exposition().decode()
    assert 'syncwell_cache_hits_total{cache="other"} 7.0' in text
    assert text.count("syncwell_cache_hits_total{") == 4


def test_a_wrong_label_is_a_mistake_of_the_caller() -> None:
    """Labels are those of the table."""
    with pytest.raises(KeyError):
        PrometheusMetrics().count(Metric.CACHE_HITS, user="robin")


def test_expositions_of_services_are_merged_by_family() -> None:
    """Each family stands once, each sample is labelled with its service, a silent service is down."""
    one, two = PrometheusMetrics(), PrometheusMetrics()
    one.count(Metric.CACHE_HITS, cache="verdicts")
    two.count(Metric.CACHE_HITS, 5, cache="verdicts")
    text = merge({"gateway": one.exposition(), "store": two.exposition(), "scheduler": None}).decode()
    assert text.count("# TYPE syncwell_cache_hits_total counter") == 1
    assert 'syncwell_cache_hits_total{cache="verdicts",service="gateway"} 1.0' in text
    assert 'syncwell_cache_hits_total{cache="verdicts",service="store"} 5.0' in text
    assert 'syncwell_up{service="scheduler"} 0.0' in text
