"""Every stored key, as a function. Nothing else in SyncWell spells a partition or sort key.

| partition            | sort                                | what                  | owner       | life            |
|----------------------|-------------------------------------|-----------------------|-------------|-----------------|
| USER#{user}          | PROFILE                             | tier, settings        | gateway     | until erasure   |
| USER#{user}          | CONN#{connection}                   | a connection          | credentials | until erasure   |
| USER#{user}          | SYNCCONFIG#{source}##{dest}##{type} | a standing wish       | gateway     | until deleted   |
| USER#{user}          | JOB#{job}                           | a job and its result  | sync_worker | 90 d            |
| USER#{user}          | DECISION#{job}#{page}               | outcomes by page      | sync_worker | 30 d            |
| USER#{user}          | CURSOR#{source}##{dest}##{type}     | how far a pair is read | sync_worker | with the pair   |
| USER#{user}          | NEED#{connection}                   | dirty / covered (D2)  | coalescer   | with connection |
| USER#{user}          | OUTBOX#{event}                      | a fact to publish     | its writer  | until published |
| LINK#{user}#{source} | {dest}#{record}                     | write ledger (D5)     | sync_worker | for ever        |
| REC#{user}#{account} | {record}                            | lineage of our own    | sync_worker | for ever        |
| TOKEN#{connection}   | TOKEN                               | sealed grant (D8)     | credentials | until revoked   |
| TOKEN#{connection}   | REVOKE                              | grant to end there    | credentials | until ended     |
| AUTH#{state}         | AUTH                                | one-time consent      | credentials | 10 min          |
| EXT#{provider}#{id}  | OWNER                               | whose account it is   | credentials | until revoked   |
| IDENT#{issuer}       | {digest of subject}                 | identity → user       | gateway     | until erasure   |
| IDEM#{user}          | {route}#{key}                       | an answer to replay   | gateway     | 24 h            |
| BUDGET#{provider}    | {window}                            | leased calls (D7)     | sync_worker | the window      |
| DLQ#{class}          | {time}#{job}                        | a job nobody can run  | sync_worker | until redriven  |
| DLQARCHIVE#{class}   | {time}#{job}                        | a redriven one's ids  | operator    | 365 d           |
| DLQPACE              | NEXT                                | next redrive's time   | operator    | for ever        |
| AUDIT#{day}          | {time}#{audit}                      | an operator's act     | its doer    | for ever        |
| WEBHOOK#{provider}   | SUBSCRIPTION                        | which events are ours | cli         | until replaced  |

An *account* is `provider:external user id`: links outlive a connection, so that reconnecting re-creates nothing.

Due buckets: `PARK#{b}` parked jobs, `LEASE#{b}` running jobs, `OUTBOX#{b}` unpublished facts, `NEED#{b}` sources whose
job is due, with b = the user's bucket of 256 (`domain.sharding`); `REVOKE#0` grants that must end at their provider,
which are few.
"""

from __future__ import annotations

import base64
import hashlib

from syncwell.domain.connections import SyncConfig
from syncwell.domain.jobs import JobId
from syncwell.domain.records import ConnectionId, DataType, RecordId, UserId
from syncwell.ports.item_store import Key

CONNECTION_PREFIX = "CONN#"
CONFIG_PREFIX = "SYNCCONFIG#"
JOB_PREFIX = "JOB#"
OUTBOX_PREFIX = "OUTBOX#"
REVOCATION_BUCKET = "REVOKE#0"


def user_partition(user_id: UserId) -> str:
    """Returns the partition of everything that belongs to one person."""
    return f"USER#{_plain(user_id)}"


def profile(user_id: UserId) -> Key:
    """Returns the key of the profile."""
    return Key(user_partition(user_id), "PROFILE")


def connection(user_id: UserId, connection_id: ConnectionId) -> Key:
    """Returns the key of a connection."""
    return Key(user_partition(user_id), f"{CONNECTION_PREFIX}{_plain(connection_id)}")


def sync_config(config: SyncConfig) -> Key:
    """Returns the key of a config; at most one for a pair and type."""
    ends = config.source_connection_id, config.destination_connection_id
    return sync_config_of(config.user_id, *ends, config.data_type)


def sync_config_of(user_id: UserId, source: ConnectionId, destination: ConnectionId, data_type: DataType) -> Key:
    """Returns the key of the config of a pair and type."""
    return Key(user_partition(user_id), f"{CONFIG_PREFIX}{_pair(source, destination, data_type)}")


def job(user_id: UserId, job_id: JobId) -> Key:
    """Returns the key of a job row, which is its idempotency record too."""
    return Key(user_partition(user_id), f"{JOB_PREFIX}{_plain(job_id)}")


def decision_page(user_id: UserId, job_id: JobId, page: int) -> Key:
    """Returns the key of one page of decisions."""
    return Key(user_partition(user_id), f"{decision_prefix(job_id)}{page:06d}")


def decision_prefix(job_id: JobId) -> str:
    """Returns the sort prefix of a job's decision pages."""
    return f"DECISION#{_plain(job_id)}#"


def cursor(user_id: UserId, source: ConnectionId, destination: ConnectionId, data_type: DataType) -> Key:
    """Returns the key of a pair's cursor."""
    return Key(user_partition(user_id), f"CURSOR#{_pair(source, destination, data_type)}")


def need(user_id: UserId, connection_id: ConnectionId) -> Key:
    """Returns the key of what a source still owes."""
    return Key(user_partition(user_id), f"NEED#{_plain(connection_id)}")


def outbox(user_id: UserId, event_id: str) -> Key:
    """Returns the key of an unpublished fact."""
    return Key(user_partition(user_id), f"{OUTBOX_PREFIX}{_plain(event_id)}")


def link_partition(user_id: UserId, source_account: str) -> str:
    """Returns the partition of the write ledger of one source account."""
    return f"LINK#{_plain(user_id)}#{_opaque(source_account)}"


def link_prefix(destination_account: str) -> str:
    """Returns the sort prefix of the links into one destination account."""
    return f"{_opaque(destination_account)}#"


def link(user_id: UserId, source_account: str, record_id: RecordId, destination_account: str) -> Key:
    """Returns the ledger key (D5): user, source account, source record, destination account."""
    sort = f"{link_prefix(destination_account)}{_opaque(record_id)}"
    return Key(link_partition(user_id, source_account), sort)


def lineage(user_id: UserId, account: str, record_id: RecordId) -> Key:
    """Returns the reverse key: where a record that we wrote came from."""
    return Key(f"REC#{_plain(user_id)}#{_opaque(account)}", _opaque(record_id))


def token(connection_id: ConnectionId) -> Key:
    """Returns the key of a sealed grant."""
    return Key(f"TOKEN#{_plain(connection_id)}", "TOKEN")


def revocation(connection_id: ConnectionId) -> Key:
    """Returns the key of a sealed grant that waits for its end at the provider."""
    return Key(f"TOKEN#{_plain(connection_id)}", "REVOKE")


def authorization(state_digest: str) -> Key:
    """Returns the key of a consent under way; the state itself is not stored, its digest is."""
    return Key(f"AUTH#{_plain(state_digest)}", "AUTH")


def external_owner(provider: str, external_user_id: str) -> Key:
    """Returns the key that says which user an external account belongs to."""
    return Key(f"EXT#{_plain(provider)}#{_opaque(external_user_id)}", "OWNER")


def identity(issuer: str, subject: str) -> Key:
    """Returns the key from a verified identity to a user.

    Some issuers use e-mail addresses as subjects; only a digest is stored.
    """
    digest = hashlib.blake2b(subject.encode(), digest_size=24, person=b"syncwell-subject").hexdigest()
    return Key(f"IDENT#{_opaque(issuer)}", digest)


def idempotency(user_id: UserId, route: str, key: str) -> Key:
    """Returns the key of a remembered answer of a route other than job creation."""
    return Key(f"IDEM#{_plain(user_id)}", f"{_opaque(route)}#{_plain(key)}")


def budget_window(provider: str, window: str) -> Key:
    """Returns the key of a provider's budget window."""
    return Key(f"BUDGET#{_plain(provider)}", _plain(window))


def webhook_subscription(provider: str) -> Key:
    """Returns the key of the subscription whose events are ours."""
    return Key(f"WEBHOOK#{_plain(provider)}", "SUBSCRIPTION")


def need_bucket(bucket: int) -> str:
    """Returns the due bucket of sources whose job is due."""
    return f"NEED#{bucket}"


def dead_letter_partition(job_class: str) -> str:
    """Returns the partition of the dead letters of one class of jobs, oldest first."""
    return f"DLQ#{_plain(job_class)}"


def dead_letter(job_class: str, at_ms: int, job_id: JobId) -> Key:
    """Returns the key of a dead letter."""
    return Key(dead_letter_partition(job_class), f"{at_ms:015d}#{_plain(job_id)}")


def archived_letter(job_class: str, at_ms: int, job_id: JobId) -> Key:
    """Returns the key of what is kept of a redriven letter."""
    return Key(f"DLQARCHIVE#{_plain(job_class)}", f"{at_ms:015d}#{_plain(job_id)}")


def redrive_pace() -> Key:
    """Returns the key of the one line in which redriven jobs begin."""
    return Key("DLQPACE", "NEXT")


def audit_partition(day: str) -> str:
    """Returns the partition of the audit entries of one UTC day."""
    return f"AUDIT#{_plain(day)}"


def audit(day: str, at_ms: int, audit_id: str) -> Key:
    """Returns the key of an audit entry."""
    return Key(audit_partition(day), f"{at_ms:015d}#{_plain(audit_id)}")


def parked_bucket(bucket: int) -> str:
    """Returns the due bucket of parked and waiting jobs."""
    return f"PARK#{bucket}"


def lease_bucket(bucket: int) -> str:
    """Returns the due bucket of running jobs, due when their lease ends."""
    return f"LEASE#{bucket}"


def outbox_bucket(bucket: int) -> str:
    """Returns the due bucket of facts that their writer did not publish."""
    return f"OUTBOX#{bucket}"


def account(provider: str, external_user_id: str) -> str:
    """Returns the name of an account, the same for every connection to it."""
    return f"{provider}:{external_user_id}"


def _pair(source: ConnectionId, destination: ConnectionId, data_type: DataType) -> str:
    return f"{_plain(source)}##{_plain(destination)}##{data_type}"


def _plain(part: str) -> str:
    """Refuses what could reach into another key; ids of ours never hold a number sign."""
    if not part or "#" in part or "\x00" in part:
        raise ValueError("an id in a key is empty or holds a number sign")
    return part


def _opaque(part: str) -> str:
    """Encodes foreign text so that no choice of it can collide with another key."""
    if part.isascii() and part.replace("-", "").replace("_", "").replace(":", "").replace(".", "").isalnum():
        return part
    return "=" + base64.urlsafe_b64encode(part.encode()).decode().rstrip("=")
