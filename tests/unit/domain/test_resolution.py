"""The rules of resolution, one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest

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

KEY = bytes(range(16))
TITLE, NOTES, SPORT = EditableField.TITLE, EditableField.NOTES, EditableField.SPORT
RUN = RecordMetadata(
    record_id=RecordId("s"),
    data_type=DataType.WORKOUT,
    sport=Sport.RUN,
    start_ms=1_700_000_017_000,
    elapsed_ms=3_000_000,
    version="1",
    distance_m=10_000.0,
    title="Morning",
)
COPY = replace(RUN, record_id=RecordId("d"))
REQUEST = ResolutionRequest([RUN], [COPY], Strategy.SMART_MERGE, KEY, updatable=frozenset(EditableField))


def only(request: ResolutionRequest) -> Decision:
    [decision] = resolve(request)
    return decision


def linked(source: RecordMetadata, destination: RecordMetadata, strategy: Strategy) -> ResolutionRequest:
    """Returns a window whose two records were equal to `RUN` at the last sync."""
    base = only(REQUEST).field_fingerprints
    link = KnownLink(RUN.record_id, COPY.record_id, "1", base)
    return replace(REQUEST, sources=[source], destinations=[destination], strategy=strategy, links=[link])


def test_record_without_counterpart_is_created() -> None:
    """What the destination does not have is created, with a base for every field."""
    decision = only(replace(REQUEST, destinations=[]))
    assert (decision.action, decision.outcome, decision.reason) == (Action.CREATE, Outcome.CREATED, Reason.NEW_RECORD)
    assert (decision.destination_id, decision.score) == (None, None)
    assert set(decision.field_fingerprints) == set(EditableField)


def test_same_workout_is_linked_and_explained() -> None:
    """A copy is linked, nothing is written, and the decision says by what evidence and weights."""
    decision = only(REQUEST)
    assert (decision.action, decision.outcome, decision.reason) == (Action.LINK, Outcome.MERGED, Reason.SAME_WORKOUT)
    assert decision.destination_id == COPY.record_id
    assert decision.fields == ()
    assert decision.score is not None
    assert decision.score > 0.99
    assert {"explanation", "weights", "start_gap_s", "overlap_share"} <= decision.evidence.keys()


def test_wrong_time_zone_is_linked_as_such() -> None:
    """A copy that is off by whole hours is linked with its own reason."""
    decision = only(replace(REQUEST, destinations=[replace(COPY, start_ms=COPY.start_ms - 5 * 3_600_000)]))
    assert (decision.action, decision.reason) == (Action.LINK, Reason.ZONE_SHIFT)
    assert decision.evidence["shift_half_hours"] == -10


def test_learnt_clock_offset_finds_the_copy() -> None:
    """A gap that is too large by itself is no gap once the offset of both clocks is known."""
    late = replace(COPY, start_ms=COPY.start_ms + 2_500_000)
    request = replace(REQUEST, destinations=[late])
    assert only(request).action is Action.CREATE
    assert only(replace(request, clock_offset_ms=2_500_000)).action is Action.LINK


def test_echo_and_tombstone_are_left_alone() -> None:
    """What we wrote ourselves, and what the person deleted over there, is not written again."""
    echo = only(replace(REQUEST, echoes=frozenset({RUN.record_id}), tombstones=frozenset({RUN.record_id})))
    tombstone = only(replace(REQUEST, tombstones=frozenset({RUN.record_id})))
    assert (echo.outcome, echo.reason) == (Outcome.SKIPPED, Reason.ECHO)
    assert (tombstone.outcome, tombstone.reason) == (Outcome.SKIPPED, Reason.TOMBSTONE)


def test_equal_external_ids_are_one_record() -> None:
    """An external id settles what the evidence alone would not."""
    mine = replace(RUN, external_id="upload-7")
    theirs = replace(COPY, external_id="upload-7", elapsed_ms=1_000_000, distance_m=2_000.0)
    decision = only(replace(REQUEST, sources=[mine], destinations=[theirs]))
    assert (decision.action, decision.reason) == (Action.LINK, Reason.SAME_EXTERNAL_ID)


def test_file_name_used_every_day_is_no_external_id() -> None:
    """Equal external ids days apart are a coincidence."""
    mine = replace(RUN, external_id="ride.fit")
    theirs = replace(COPY, external_id="ride.fit", start_ms=COPY.start_ms + 3 * 86_400_000)
    assert only(replace(REQUEST, sources=[mine], destinations=[theirs])).action is Action.CREATE


def test_leg_is_part_of_its_event_even_when_the_event_is_linked() -> None:
    """A leg of a multisport event that is already there is not written beside it."""
    event = replace(
        COPY, record_id=RecordId("event"), sport=Sport.MULTISPORT, elapsed_ms=9_000_000, distance_m=60_000.0
    )
    whole = replace(event, record_id=RecordId("whole"))
    request = replace(REQUEST, sources=[whole, RUN], destinations=[event])
    first = resolve(request)
    link = KnownLink(whole.record_id, event.record_id, "1", first[0].field_fingerprints)
    second = resolve(replace(request, links=[link]))
    for decision in (first[1], second[1]):
        assert (decision.action, decision.outcome, decision.reason) == (Action.NONE, Outcome.SKIPPED, Reason.PART_OF)
        assert decision.destination_id == event.record_id


def test_pieces_side_by_side_are_parts_of_the_whole() -> None:
    """A record that the destination keeps in two uneven pieces is neither linked to one nor written again."""
    first = replace(COPY, elapsed_ms=2_000_000, distance_m=6_700.0)
    second = replace(
        COPY, record_id=RecordId("e"), start_ms=COPY.start_ms + 2_100_000, elapsed_ms=900_000, distance_m=3_300.0
    )
    assert only(replace(REQUEST, destinations=[first])).reason is Reason.SAME_WORKOUT
    assert only(replace(REQUEST, destinations=[first, second])).reason is Reason.PART_OF


def test_unsure_pair_is_asked_and_written_nowhere() -> None:
    """Where the evidence does not suffice, a person decides."""
    likely = replace(COPY, start_ms=COPY.start_ms + 1_100_000)
    decision = only(replace(REQUEST, destinations=[likely]))
    assert (decision.action, decision.outcome, decision.reason) == (
        Action.NONE,
        Outcome.CONFLICTED,
        Reason.UNSURE_MATCH,
    )
    assert decision.score is not None
    assert 0.3 < decision.score < 0.7


@pytest.mark.parametrize(
    ("strategy", "fields"),
    [
        (Strategy.SOURCE_WINS, (TITLE, NOTES)),
        (Strategy.DEST_WINS, ()),
        (Strategy.NEWEST_WINS, ()),
        (Strategy.SMART_MERGE, ()),
    ],
)
def test_new_link_without_base(strategy: Strategy, fields: tuple[EditableField, ...]) -> None:
    """At the first meeting only `source_wins` overwrites what the person has at the destination."""
    theirs = replace(COPY, title="Mine", notes="felt good")
    decision = only(replace(REQUEST, destinations=[theirs], strategy=strategy))
    assert (decision.action, decision.outcome, decision.fields) == (Action.LINK, Outcome.MERGED, fields)
    assert decision.evidence["no_base"] == 1
    assert ("newest_wins_without_times" in decision.evidence) == (strategy is Strategy.NEWEST_WINS)


def test_newest_side_wins_a_new_link() -> None:
    """With modified times on both sides the newer value is kept or carried over."""
    theirs = replace(COPY, title="Theirs", modified_ms=RUN.start_ms + 5)
    older, newer = replace(RUN, modified_ms=RUN.start_ms), replace(RUN, modified_ms=RUN.start_ms + 9)
    request = replace(REQUEST, destinations=[theirs], strategy=Strategy.NEWEST_WINS)
    assert only(replace(request, sources=[older])).fields == ()
    assert only(replace(request, sources=[newer])).fields == (TITLE,)


def test_field_that_cannot_be_updated_is_not_written() -> None:
    """Only fields that the destination can change are named."""
    request = replace(REQUEST, destinations=[replace(COPY, title="x")], strategy=Strategy.SOURCE_WINS)
    decision = only(replace(request, updatable=frozenset({NOTES})))
    assert decision.fields == ()
    assert decision.evidence["fields_not_updatable"] == 1


EDITED = replace(RUN, title="Morning run with Kim", version="2")
THEIRS = replace(COPY, title="Tempo")
UPDATED, SKIPPED, CONFLICTED = Outcome.UPDATED, Outcome.SKIPPED, Outcome.CONFLICTED


@pytest.mark.parametrize(
    ("strategy", "source", "destination", "outcome", "reason"),
    [
        (Strategy.SMART_MERGE, RUN, COPY, SKIPPED, Reason.KNOWN_LINK_UNCHANGED),
        (Strategy.SMART_MERGE, EDITED, COPY, UPDATED, Reason.SOURCE_EDITED),
        (Strategy.SMART_MERGE, RUN, THEIRS, SKIPPED, Reason.DESTINATION_EDITED),
        (Strategy.SMART_MERGE, EDITED, THEIRS, CONFLICTED, Reason.BOTH_EDITED),
        (Strategy.SMART_MERGE, EDITED, replace(COPY, title=EDITED.title), SKIPPED, Reason.BOTH_EDITED),
        (Strategy.SMART_MERGE, EDITED, replace(COPY, notes="hot"), UPDATED, Reason.BOTH_EDITED),
        (Strategy.SOURCE_WINS, EDITED, COPY, UPDATED, Reason.SOURCE_EDITED),
        (Strategy.SOURCE_WINS, RUN, THEIRS, UPDATED, Reason.DESTINATION_EDITED),
        (Strategy.SOURCE_WINS, EDITED, THEIRS, UPDATED, Reason.BOTH_EDITED),
        (Strategy.DEST_WINS, EDITED, COPY, SKIPPED, Reason.DESTINATION_WINS),
        (Strategy.DEST_WINS, RUN, THEIRS, SKIPPED, Reason.DESTINATION_EDITED),
        (Strategy.NEWEST_WINS, EDITED, COPY, UPDATED, Reason.SOURCE_EDITED),
        (Strategy.NEWEST_WINS, RUN, THEIRS, SKIPPED, Reason.DESTINATION_EDITED),
        (Strategy.NEWEST_WINS, EDITED, THEIRS, CONFLICTED, Reason.BOTH_EDITED),
    ],
)
def test_three_way_merge(
    strategy: Strategy, source: RecordMetadata, destination: RecordMetadata, outcome: Outcome, reason: Reason
) -> None:
    """It is known which side changed a field since the last sync, and the strategy decides the rest."""
    decision = only(linked(source, destination, strategy))
    assert (decision.outcome, decision.reason) == (outcome, reason)
    assert decision.fields == ((TITLE,) if outcome is UPDATED else ())
    assert decision.destination_id == COPY.record_id


def test_kept_edit_is_still_known_as_one_later() -> None:
    """An edit kept at the destination survives the next run, whose base must not have moved to it."""
    request = linked(RUN, THEIRS, Strategy.SMART_MERGE)
    again = replace(request.links[0], base=only(request).field_fingerprints)
    assert only(replace(request, links=[again])).reason is Reason.DESTINATION_EDITED


def test_space_around_a_title_is_no_edit() -> None:
    """Services trim texts and change line ends; that is not an edit."""
    source = replace(RUN, notes="one\r\ntwo")
    destination = replace(COPY, title=" Morning ", notes="one\ntwo\n")
    assert only(replace(REQUEST, sources=[source], destinations=[destination])).evidence.get("no_base") is None


def test_label_of_the_same_family_is_no_edit() -> None:
    """A service that knows fewer sports than the other is not corrected again and again."""
    source = replace(RUN, sport=Sport.TRAIL_RUN)
    first = only(replace(REQUEST, sources=[source], destinations=[COPY], strategy=Strategy.SOURCE_WINS))
    assert first.fields == ()
    request = linked(source, COPY, Strategy.SOURCE_WINS)
    link = replace(request.links[0], base=first.field_fingerprints)
    assert only(replace(request, links=[link])).reason is Reason.KNOWN_LINK_UNCHANGED


def test_missing_copy_counts_as_deleted_only_in_a_complete_list() -> None:
    """A linked record that a partial list lacks is judged by its base; a complete list says that it was deleted."""
    request = replace(linked(EDITED, COPY, Strategy.SMART_MERGE), destinations=[])
    deleted, unseen = only(request), only(replace(request, destinations_complete=False))
    assert (deleted.outcome, deleted.reason) == (SKIPPED, Reason.DESTINATION_DELETED)
    assert (unseen.outcome, unseen.fields, unseen.evidence["destination_unseen"]) == (UPDATED, (TITLE,), 1)


def test_two_sources_of_one_record_do_not_fight() -> None:
    """Where two source records are linked to one destination record, one of them writes."""
    request = linked(replace(RUN, title="A"), COPY, Strategy.SOURCE_WINS)
    other = replace(RUN, record_id=RecordId("z"), title="B")
    links = [*request.links, replace(request.links[0], source_id=other.record_id)]
    decisions = resolve(replace(request, sources=[*request.sources, other], links=links))
    assert [decision.outcome for decision in decisions] == [UPDATED, SKIPPED]


@pytest.mark.parametrize(
    "wrong",
    [
        replace(RUN, start_ms=2**63 - 1),
        replace(RUN, start_ms=-(2**70)),
        replace(RUN, elapsed_ms=-1),
        replace(RUN, moving_ms=2**63),
        replace(RUN, distance_m=float("nan")),
        replace(RUN, distance_m=-0.5),
        replace(RUN, distance_m=float("inf")),
        replace(RUN, utc_offset_s=-(31 * 365 * 86_400)),
        replace(RUN, record_id=RecordId("")),
        replace(RUN, title="\ud800"),
    ],
)
def test_value_out_of_range_is_refused(wrong: RecordMetadata) -> None:
    """Numbers and texts that no provider should send are an error of our own tree, not a panic."""
    with pytest.raises(InvalidInputError):
        resolve(replace(REQUEST, sources=[wrong]))


def test_request_that_contradicts_itself_is_refused() -> None:
    """Ids are unique on their side, a source has one link, a key has sixteen bytes; no message tells a value."""
    link = KnownLink(RUN.record_id, COPY.record_id, "1")
    requests = [
        replace(REQUEST, sources=[RUN, RUN]),
        replace(REQUEST, destinations=[COPY, COPY]),
        replace(REQUEST, links=[link, link]),
        replace(REQUEST, fingerprint_key=b"short"),
        replace(REQUEST, clock_offset_ms=2**62),
    ]
    for request in requests:
        with pytest.raises(InvalidInputError) as caught:
            resolve(request)
        assert "Morning" not in caught.value.message
