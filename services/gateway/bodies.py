"""The request bodies, as types that cannot be wrong; unknown fields are refused."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from syncwell.domain.errors import InvalidInputError
from syncwell.domain.jobs import DateRange, JobMode, JobRequest, Priority
from syncwell.domain.records import ConnectionId, DataType, RecordId, UserId
from syncwell.domain.resolution import Strategy
from syncwell.ports.job_queue import JobClass
from syncwell.usecases.answer_decisions import ANSWERS_MAX, PersonsAnswer, Verdict
from syncwell.usecases.redrive_dead_letters import REDRIVE_MAX

Id = Annotated[str, Meta(min_length=1, max_length=64)]
MESSAGE_CHARACTERS_MAX = 300
RECORD_ID_CHARACTERS_MAX = 256
STRATEGY_CHARACTERS_MAX = 40

_PATH = re.compile(r" - at `(?:key in )?([^`]*)`")
_NAMED_FIELD = re.compile(r"(?:unknown|required) field `([^`]*)`")
_MS = timedelta(milliseconds=1)

BodyT = TypeVar("BodyT")


class DateRangeBody(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Whole days, UTC; the last one is included."""

    start_date: date
    end_date: date

    def to_range(self) -> DateRange:
        """Returns the half-open range in milliseconds."""
        return DateRange(_midnight_ms(self.start_date), _midnight_ms(self.end_date) + timedelta(days=1) // _MS)


class NewSyncJob(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The body of `POST /v1/sync-jobs`."""

    source_connection_id: Id
    destination_connection_id: Id
    data_type: DataType
    mode: Literal["manual", "historical"]
    priority: Priority = Priority.MEDIUM
    date_range: DateRangeBody | UnsetType = UNSET
    dry_run: bool = False

    def to_request(self, user_id: UserId) -> JobRequest:
        """Returns what `user_id` asks for."""
        return JobRequest(
            user_id=user_id,
            source_connection_id=ConnectionId(self.source_connection_id),
            destination_connection_id=ConnectionId(self.destination_connection_id),
            data_type=self.data_type,
            mode=JobMode(self.mode),
            priority=self.priority,
            date_range=None if self.date_range is UNSET else self.date_range.to_range(),
            is_dry_run=self.dry_run,
        )


class NewSyncConfig(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The body of `POST /v1/sync-configs`."""

    source_connection_id: Id
    destination_connection_id: Id
    data_type: DataType
    conflict_strategy: Annotated[str, Meta(max_length=STRATEGY_CHARACTERS_MAX)] = Strategy.NEWEST_WINS
    is_enabled: bool = True
    deletes: bool = False


class ChangedSyncConfig(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The body of `PUT /v1/sync-configs/{configId}`."""

    conflict_strategy: Annotated[str, Meta(max_length=STRATEGY_CHARACTERS_MAX)]
    is_enabled: bool
    deletes: bool
    version: Annotated[int, Meta(ge=1, le=2**53)]


class DecisionAnswer(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One answer to an open question."""

    source_record_id: Annotated[str, Meta(min_length=1, max_length=RECORD_ID_CHARACTERS_MAX)]
    answer: Verdict
    destination_record_id: Annotated[str, Meta(min_length=1, max_length=RECORD_ID_CHARACTERS_MAX)] | UnsetType = UNSET


class DecisionAnswers(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The body of `POST /v1/sync-jobs/{jobId}/decisions`."""

    decisions: Annotated[list[DecisionAnswer], Meta(min_length=1, max_length=ANSWERS_MAX)]

    def to_answers(self) -> list[PersonsAnswer]:
        """Returns the answers."""
        return [
            PersonsAnswer(
                RecordId(one.source_record_id),
                one.answer,
                None if isinstance(one.destination_record_id, UnsetType) else RecordId(one.destination_record_id),
            )
            for one in self.decisions
        ]


class RedriveRequest(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The body of `POST /v1/admin/dlq/redrive`."""

    limit: Annotated[int, Meta(ge=1, le=REDRIVE_MAX)]
    job_class: JobClass | UnsetType = UNSET


class BodyDecoder(Generic[BodyT]):
    """Decodes bodies of one type; made once, at import, because making one costs more than using it."""

    def __init__(self, body_type: type[BodyT]) -> None:
        self._decode = msgspec.json.Decoder(body_type).decode

    def __call__(self, body: bytes) -> BodyT:
        """Returns the body as its type.

        Raises:
            InvalidInputError: no JSON, or not this type; `fields["field"]` is the path of the wrong value.
        """
        try:
            return self._decode(body)
        except msgspec.ValidationError as exc:
            raise _wrong_value(str(exc)) from exc
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise InvalidInputError("the body is not valid JSON", field="$") from exc


decode_new_sync_job = BodyDecoder(NewSyncJob)
decode_new_sync_config = BodyDecoder(NewSyncConfig)
decode_changed_sync_config = BodyDecoder(ChangedSyncConfig)
decode_decision_answers = BodyDecoder(DecisionAnswers)
decode_redrive_request = BodyDecoder(RedriveRequest)


def strategy_of(text: str) -> Strategy:
    """Returns the strategy that `text` names in any case.

    Raises:
        InvalidInputError: there is no such strategy here.
    """
    try:
        return Strategy(text.lower())
    except ValueError as exc:
        known = ", ".join(Strategy)
        raise InvalidInputError(f"conflictStrategy must be one of {known}", field="$.conflictStrategy") from exc


def _wrong_value(message: str) -> InvalidInputError:
    at = _PATH.search(message)
    path = "$" if at is None else at[1]
    if (named := _NAMED_FIELD.search(message)) is not None:
        path = f"{path}.{named[1]}"
    return InvalidInputError(message[:MESSAGE_CHARACTERS_MAX], field=path[:MESSAGE_CHARACTERS_MAX])


def _midnight_ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
