"""What a real run tells about itself: one id in the lines of all services, one trace through them, honest metrics."""

from __future__ import annotations

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from syncwell.runtime.telemetry.definitions import DEFINITIONS, LABEL_SETS_MAX, MetricKind
from tests.e2e.observed_run import EMAIL, TRACE, ObservedRun

pytestmark = pytest.mark.timeout(120)

ALWAYS_COUNTED = {
    "syncwell_requests",
    "syncwell_rpcs",
    "syncwell_job_runs",
    "syncwell_sync_seconds",
    "syncwell_first_sync_seconds",
    "syncwell_records",
    "syncwell_provider_calls",
    "syncwell_store_batches",
    "syncwell_store_operations",
    "syncwell_queue_messages",
    "syncwell_token_refreshes",
    "syncwell_cache_hits",
    "syncwell_cache_misses",
    "syncwell_loop_lag_seconds",
    "syncwell_spans",
}
# Letters and few digits: what an id, an address or a time is not.
WORD = re.compile(r"[A-Za-z][A-Za-z_./{} -]{0,80}|[1-5]xx|\d{3}|/v1/[A-Za-z_./{} -]+|(GET|POST|PUT|PATCH|DELETE) [^ ]+")
BUCKET_BOUND = re.compile(r"\d+(\.\d+)?|\+Inf")


def samples_of(text: str) -> dict[str, list[tuple[str, dict[str, str], float]]]:
    return {
        family.name: [(sample.name, sample.labels, sample.value) for sample in family.samples]
        for family in text_string_to_metric_families(text)
    }


def test_both_syncs_succeed_while_they_are_watched(observed: ObservedRun) -> None:
    """Without this the other tests would look at nothing."""
    assert [job["status"] for job in observed.jobs] == ["SUCCEEDED", "SUCCEEDED"]


def test_one_id_is_in_the_lines_of_every_service_that_touched_the_job(observed: ObservedRun) -> None:
    """Gateway, worker and credentials log the same correlation id: that of the caller's trace."""
    services = {line["service"] for line in observed.logged() if line["correlationId"] == TRACE}
    assert {"gateway", "sync_worker", "credentials"} <= services


def test_every_line_has_a_place_for_the_id(observed: ObservedRun) -> None:
    """Every line is JSON with service and correlationId."""
    assert all({"service", "correlationId", "event", "level", "timestamp"} <= line.keys() for line in observed.logged())


def test_one_trace_goes_through_http_grpc_queue_worker_and_provider(observed: ObservedRun) -> None:
    """From an upload at the provider the parents lead back to the caller's own span."""
    spans = {span["spanId"]: span for span in observed.spans if span["traceId"] == TRACE}
    (upload,) = [span for span in spans.values() if span["name"] == "POST /api/v3/uploads"]
    names, last = [upload["name"]], upload
    while last["parentId"] in spans:
        last = spans[last["parentId"]]
        names.append(last["name"])
    assert names == ["POST /api/v3/uploads", "job run", "queue send", "POST /v1/sync-jobs"]
    assert last["parentId"] == "00f067aa0ba902b7"


def test_the_trace_reaches_the_credentials_service(observed: ObservedRun) -> None:
    """The token call is a client span of the worker with a server span of the credentials service below it."""
    spans = [span for span in observed.spans if span["traceId"] == TRACE]
    asked = {span["spanId"] for span in spans if span["name"] == "grpc CredentialService/GetAccessToken"}
    served = {span["parentId"] for span in spans if span["name"] == "CredentialService/GetAccessToken"}
    assert asked
    assert asked == served


def test_spans_of_calls_to_providers_name_routes_not_urls(observed: ObservedRun) -> None:
    """No query and no id stands in a span's name or route."""
    calls = [span for span in observed.spans if "provider" in span["attributes"]]
    assert len(calls) > 5
    assert not [span for span in calls if re.search(r"[?&=]|\d{3}", span["name"] + span["attributes"]["route"])]


def test_metrics_of_all_services_are_in_one_exposition(observed: ObservedRun) -> None:
    """Every service is up, every family is one of the table, and what the run did is counted."""
    families = samples_of(observed.metrics)
    assert {labels["service"]: value for _, labels, value in families["syncwell_up"]} == dict.fromkeys(
        ("gateway", "store", "credentials", "sync_worker", "coalescer", "scheduler"), 1.0
    )
    assert families.keys() - {"syncwell_up"} <= {str(metric) for metric in DEFINITIONS}
    assert {name for name, samples in families.items() if samples} >= ALWAYS_COUNTED


def test_success_rate_cache_rate_and_first_sync_can_be_derived(observed: ObservedRun) -> None:
    """The three figures that operators are promised come out of the exposition."""
    families = samples_of(observed.metrics)
    ended = {
        labels["outcome"]: value
        for name, labels, value in families["syncwell_sync_seconds"]
        if name.endswith("_count") and labels["service"] == "sync_worker"
    }
    assert ended == {"succeeded": 2.0}
    assert sum(value for _, _, value in families["syncwell_cache_hits"]) > 0
    first = [value for name, _, value in families["syncwell_first_sync_seconds"] if name.endswith("_count")]
    assert sum(first) == 1.0


def test_no_label_tells_one_person_or_job_from_another(observed: ObservedRun) -> None:
    """Label values are words of closed lists, few of each, and the names of labels are those of the table."""
    bounds = {"le"}
    for family, samples in samples_of(observed.metrics).items():
        for _, labels, _ in samples:
            values = {name: value for name, value in labels.items() if name not in bounds}
            assert all(WORD.fullmatch(value) for value in values.values()), (family, labels)
            assert all(BUCKET_BOUND.fullmatch(labels[name]) for name in bounds & labels.keys())
        assert len({tuple(labels.items()) for _, labels, _ in samples}) <= LABEL_SETS_MAX * 14
    ids = [job["jobId"] for job in observed.jobs] + [EMAIL, "usr_", "conn_", "job_8"]
    assert not [each for each in ids if each in observed.metrics]


@pytest.mark.parametrize(
    "value", ["usr_5f1d2a", "job_82d81a4c-e896-403d-a7fc", "robin@mail.example", "192.0.2.7", "4411"]
)
def test_the_rule_for_labels_would_refuse_ids(value: str) -> None:
    """The rule above is not one that everything passes."""
    assert not WORD.fullmatch(value)


def test_metrics_are_for_this_machine_only(observed: ObservedRun) -> None:
    """What a proxy passes on from elsewhere is refused."""
    assert observed.remote_metrics_status == 403


def test_counters_of_the_table_are_named_like_counters() -> None:
    """Histograms and gauges carry their unit, so that nobody has to guess."""
    timed = [metric for metric, what in DEFINITIONS.items() if what.kind is MetricKind.HISTOGRAM]
    assert all(metric.endswith("_seconds") for metric in timed)
