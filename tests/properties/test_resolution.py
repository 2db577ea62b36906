"""What must hold for any window of any two accounts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from math import log
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from syncwell.domain.errors import InvalidInputError
from syncwell.domain.records import DataType, EditableField, RecordId, RecordMetadata, Sport
from syncwell.domain.resolution import (
    Action,
    Decision,
    KnownLink,
    Outcome,
    Reason,
    ResolutionRequest,
    Strategy,
    resolve,
)

KEY = b"a person's keys."
NOON_MS = 1_700_000_000_000
ASK_FROM = -0.85
EVERY_FIELD = frozenset(EditableField)
WRITES = {Action.CREATE, Action.UPDATE, Action.LINK}


def make_record(seed: int) -> RecordMetadata:
    """Returns a record of few distinct values, so that those of a window meet, repeat and contradict each other."""
    random = Random(seed)
    elapsed_ms = random.choice([60, 600, 1_200, 1_800, 1_805, 3_600, 3_610]) * 1_000
    start_s = random.choice([0, 0, 1, 30, 110, 600, 1_800, 3_600, 7_200, 9_000, random.randrange(40_000)])
    return RecordMetadata(
        record_id=RecordId("unset"),
        data_type=random.choice([DataType.WORKOUT] * 5 + [DataType.SLEEP_SESSION]),
        sport=random.choice([Sport.RUN, Sport.RUN, Sport.TRAIL_RUN, Sport.RIDE, Sport.MULTISPORT, Sport.OTHER]),
        start_ms=NOON_MS + start_s * 1_000,
        elapsed_ms=elapsed_ms,
        version="1",
        moving_ms=random.choice([None, elapsed_ms, elapsed_ms // 2]),
        distance_m=random.choice([None, 0.0, 1_000.0, 5_000.0, 5_020.0, 10_000.0]),
        utc_offset_s=random.choice([None, 0, 3_600]),
        modified_ms=random.choice([None, NOON_MS, NOON_MS + 5]),
        external_id=random.choice(["", "", "", "ride.fit", "x1"]),
        is_start_hidden=random.random() < 0.1,
        is_manual=random.random() < 0.15,
        title=random.choice(["", "Lunch", "Evening", "Ümläut"]),
        notes=random.choice(["", "hot"]),
    )


records = st.integers(0, 2**32 - 1).map(make_record)


@st.composite
def requests(draw: st.DrawFn) -> ResolutionRequest:
    sources = named("s", draw(st.lists(records, max_size=6)))
    destinations = named("d", draw(st.lists(records, max_size=6)))
    ids = [record.record_id for record in sources]
    targets = [record.record_id for record in destinations] + [RecordId("gone")]
    bases = st.dictionaries(st.sampled_from(list(EditableField)), st.integers(0, 2**64 - 1))
    linked = draw(st.lists(st.sampled_from(ids), unique=True, max_size=2)) if ids else []
    few = st.frozensets(st.sampled_from(ids), max_size=1) if ids else st.just(frozenset[RecordId]())
    return ResolutionRequest(
        sources=sources,
        destinations=destinations,
        strategy=draw(st.sampled_from(Strategy)),
        fingerprint_key=KEY,
        links=[KnownLink(id_, draw(st.sampled_from(targets)), "0", draw(bases)) for id_ in linked],
        echoes=draw(few),
        tombstones=draw(few),
        updatable=draw(st.frozensets(st.sampled_from(EditableField))),
        clock_offset_ms=draw(st.sampled_from([0, 0, 45_000, -7_200_000])),
        destinations_complete=draw(st.booleans()),
    )


def named(prefix: str, found: Sequence[RecordMetadata]) -> list[RecordMetadata]:
    return [replace(record, record_id=RecordId(f"{prefix}{index}")) for index, record in enumerate(found)]


@given(requests(), st.randoms(use_true_random=False))
@settings(max_examples=120, deadline=None)
def test_order_of_records_changes_no_decision(request: ResolutionRequest, random: Random) -> None:
    """The same records in any order give the same decision for each."""
    shuffled = replace(
        request,
        sources=random.sample(request.sources, len(request.sources)),
        destinations=random.sample(request.destinations, len(request.destinations)),
        links=tuple(reversed(request.links)),
    )
    expected = {decision.source_id: decision for decision in resolve(request)}
    assert {decision.source_id: decision for decision in resolve(shuffled)} == expected


@given(requests())
@settings(max_examples=120, deadline=None)
def test_every_source_is_decided_once_and_no_destination_used_twice(request: ResolutionRequest) -> None:
    """Each source record has one decision, and no destination record becomes the copy of two."""
    decisions = resolve(request)
    assert [decision.source_id for decision in decisions] == [record.record_id for record in request.sources]
    written = {link.destination_id for link in request.links}
    for decision in decisions:
        assert (decision.outcome is Outcome.CREATED) == (decision.action is Action.CREATE)
        if decision.action is Action.LINK:
            assert decision.destination_id is not None
            assert decision.destination_id not in written
            written.add(decision.destination_id)


@given(requests())
@settings(max_examples=150, deadline=None)
def test_second_run_writes_nothing(request: ResolutionRequest) -> None:
    """After the decisions are carried out, the same window asks for no further write."""
    decisions = resolve(request)
    again = resolve(carry_out(request, decisions))
    before = {decision.source_id: decision for decision in decisions}
    for decision in again:
        assert decision.action not in WRITES, (before[decision.source_id], decision)


def carry_out(request: ResolutionRequest, decisions: Sequence[Decision]) -> ResolutionRequest:
    """Returns the window as the next run finds it: the destination changed, links with their base kept."""
    sources = {record.record_id: record for record in request.sources}
    destinations = {record.record_id: record for record in request.destinations}
    links = {link.source_id: link for link in request.links}
    for decision in decisions:
        source, target = sources[decision.source_id], decision.destination_id
        if decision.action is Action.CREATE:
            target = RecordId(f"new-{source.record_id}")
            destinations[target] = replace(source, record_id=target)
        elif decision.action in WRITES and target in destinations:
            changes = {name.value: getattr(source, name.value) for name in decision.fields}
            destinations[target] = replace(destinations[target], **changes)
        is_linked = decision.action in WRITES or decision.source_id in links
        if is_linked and target is not None:
            links[source.record_id] = KnownLink(source.record_id, target, "1", decision.field_fingerprints)
    return replace(request, destinations=list(destinations.values()), links=list(links.values()))


@given(requests())
@settings(max_examples=120, deadline=None)
def test_links_belong_to_a_best_assignment(request: ResolutionRequest) -> None:
    """No other way to pair the records fits the evidence better than the one chosen."""
    free = replace(request, links=(), echoes=frozenset(), tombstones=frozenset(), destinations_complete=True)
    free = replace(free, sources=[replace(record, external_id="") for record in free.sources])
    if has_pieces(free.sources, free.destinations) or has_pieces(free.destinations, free.sources):
        return  # pieces are judged together, which a pair alone cannot show
    decisions = resolve(free)
    gains = [[gain_of_pair(free, one, other) for other in free.destinations] for one in free.sources]
    places = {record.record_id: index for index, record in enumerate(free.destinations)}
    linked = {
        i: places[d.destination_id] for i, d in enumerate(decisions) if d.action is Action.LINK and d.destination_id
    }
    rows = frozenset(range(len(gains))) - linked.keys()
    columns = frozenset(range(len(free.destinations))) - set(linked.values())
    everything = best_total(gains, frozenset(range(len(gains))), frozenset(range(len(free.destinations))))
    chosen = sum(gains[row][column] for row, column in linked.items())
    assert abs(chosen + best_total(gains, rows, columns) - everything) < 1e-3


def has_pieces(wholes: Sequence[RecordMetadata], pieces: Sequence[RecordMetadata]) -> bool:
    """Returns whether two records of one side lie within one of the other, clocks being a little wrong."""
    slack_ms = 120_000

    def is_inside(piece: RecordMetadata, whole: RecordMetadata) -> bool:
        return whole.start_ms - slack_ms <= piece.start_ms and piece.end_ms <= whole.end_ms + slack_ms

    return any(sum(is_inside(piece, whole) for piece in pieces) > 1 for whole in wholes)


def gain_of_pair(request: ResolutionRequest, one: RecordMetadata, other: RecordMetadata) -> float:
    [decision] = resolve(replace(request, sources=[one], destinations=[other]))
    if decision.score is None or decision.action is Action.CREATE or decision.reason is Reason.PART_OF:
        return 0.0
    return log(decision.score / (1 - decision.score)) - ASK_FROM


def best_total(gains: list[list[float]], rows: frozenset[int], columns: frozenset[int]) -> float:
    """Tries every assignment of the rows to the columns, each row to one or none."""

    @cache
    def best(left: tuple[int, ...], open_columns: frozenset[int]) -> float:
        if not left:
            return 0.0
        row, rest = left[0], left[1:]
        paired = (gains[row][column] + best(rest, open_columns - {column}) for column in open_columns)
        return max([best(rest, open_columns), *paired])

    return best(tuple(rows), columns)


wild_integers = st.one_of(st.integers(-(2**63), 2**63 - 1), st.sampled_from([-(2**80), -1, 0, 2**63, 2**80]))
wild_texts = st.text(st.characters(), max_size=5)


@given(
    st.lists(
        st.builds(
            RecordMetadata,
            record_id=wild_texts.map(RecordId),
            data_type=st.sampled_from(DataType),
            sport=st.sampled_from(Sport),
            start_ms=wild_integers,
            elapsed_ms=wild_integers,
            version=st.just("1"),
            moving_ms=st.none() | wild_integers,
            distance_m=st.none() | st.floats(),
            utc_offset_s=st.none() | wild_integers,
            modified_ms=st.none() | wild_integers,
            title=wild_texts,
        ),
        min_size=1,
        max_size=3,
    ),
    wild_integers,
)
@settings(max_examples=120, deadline=None)
def test_wild_input_is_refused_or_decided(found: list[RecordMetadata], clock_offset_ms: int) -> None:
    """Whatever numbers and texts come in, the answer is a decision or an error of our own tree."""
    request = ResolutionRequest(
        found, found, Strategy.SMART_MERGE, KEY, updatable=EVERY_FIELD, clock_offset_ms=clock_offset_ms
    )
    with suppress(InvalidInputError):
        assert len(resolve(request)) == len(found)
