"""The result of a check, and the list of all checks."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple


class Status(StrEnum):
    """OK: as it should be. WARNING: works, and may cost you something. PROBLEM: a worker would not work, would end, or
    could lose what it has. SKIPPED: could not be checked, because of something that another check names."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"


CHECKS = {
    "kafka.reachable": "a broker answers; its version",
    "kafka.security": "encryption, the principal, until when the certificates last (a warning below 30 days)",
    "kafka.transactions": "a transaction is begun, filled and aborted on a topic made for it and deleted again",
    "kafka.idempotence": "an idempotent producer may write",
    "kafka.clock": "the broker's clock beside this machine's",
    "topics.exist": "all six topics are there",
    "topics.partitions": "as many partitions in each output as in the input; one in `learner`",
    "topics.time": "`message.timestamp.type` of the input is that of the mode",
    "topics.settings": "cleanup, retention and timestamp limits are those that `topics create` sets",
    "topics.message_size": "`max.message.bytes` of each output is above its largest record",
    "topics.transactions": "no open transaction of a producer holds up the input's readers",
    "topics.rights": "this principal may do what a worker does with the topics",
    "topics.replicas": "replicas, replicas in sync, leaders",
    "redis.reachable": "Redis answers; its version",
    "redis.security": "encryption, the user, until when the certificates last (a warning below 30 days)",
    "redis.cluster": "`redis_cluster` is what Redis is, and the cluster is whole",
    "redis.replicas": "we write to a primary; what a failover may lose",
    "redis.persistence": "append-only file, synced at each write",
    "redis.eviction": "`maxmemory-policy noeviction`: no record is thrown away",
    "redis.memory": "room below `maxmemory`",
    "redis.scripts": "a namespace is created, written, read and deleted again: this user may make all calls of it",
    "redis.clock": "Redis's clock beside this machine's",
    "shards.state": "the state of each shard is there where it must be, and readable; no backfill is left unfinished",
    "shards.settings": "the settings are those that the shards were created with",
    "shards.policy": "the policy that was applied last is in force in every shard",
    "shards.retention": "topics are kept as long as `[retention]` of the policy in force says, else `recovery_days`",
    "shards.log": "the topic is the one that the shards were created on, and holds what they have not read",
    "shards.committed": "offsets committed in Kafka beside the next offsets in Redis",
    "shards.outbox": "outputs that are decided and not yet published",
    "shards.workers": "members of the consumer group, and what waits for them; in mode `replay` also whether anything "
    "moves (a look again after two seconds)",
    "shards.churn_rate": "the churn rate that the model has seen beside `enter`: above it nearly everybody triggers",
    "shards.model": "whether this release's learner has to learn all examples anew, and how far it is",
    "local.environment": "`RETENTION_*` variables that set nothing",
    "local.open_files": "how many files and connections a process may have open",
}
"""Every check, in order, and what it looks at. An examination has one finding of each."""


class Finding(NamedTuple):
    """check: a key of CHECKS. text: what is there, with values. remedy: what to do; empty when there is nothing."""

    check: str
    status: Status
    text: str
    remedy: str = ""


def ok(check: str, text: str) -> Finding:
    return Finding(check, Status.OK, text)


def warning(check: str, text: str, remedy: str) -> Finding:
    return Finding(check, Status.WARNING, text, remedy)


def problem(check: str, text: str, remedy: str) -> Finding:
    return Finding(check, Status.PROBLEM, text, remedy)


def merged(findings: Sequence[Finding]) -> Finding:
    """Several findings of one check as one, the gravest of them; what is no worse than others is left out."""
    gravest = max((finding.status for finding in findings), key=GRAVITY.index)
    grave = [finding for finding in findings if finding.status is gravest]
    text, remedies = dict.fromkeys(f.text for f in grave), dict.fromkeys(f.remedy for f in grave if f.remedy)
    return Finding(findings[0].check, gravest, "; ".join(text), "; ".join(remedies))


GRAVITY = [Status.OK, Status.SKIPPED, Status.WARNING, Status.PROBLEM]
"""From harmless to grave."""
