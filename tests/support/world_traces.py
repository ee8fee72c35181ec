"""What an engine has left in Redis and Kafka, and whether it equals the same engine in memory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from math import inf
from typing import Any

import msgspec
import redis
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from models.churn import Version, unseal
from models.learning.adoption import Recorded
from models.learning.learner import LearningState
from models.learning.schema import schema_of
from models.outputs import IN_FORCE, Decision
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from models.timeline.shard_state import ShardState
from models.touchpoints import Kind, Touch
from streams.config import Config
from streams.shard.meta import ShardBody, unpack_body
from tests.support.adoptions import Adoption, Dated, check_allowed, check_newest
from tests.support.stores import dump_dues, in_this_version

OUTPUT_ROLES = ("triggers", "decisions", "examples", "deadletters")
READ_TIMEOUT_S = 90.0


class Traces:
    """Everything that one application has written. `output()` of a subclass goes into the messages of failures."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.redis = redis.Redis.from_url(config.redis_url)
        self.history: list[list[LogRecord]] = []
        """By partition, what a backfill brought in before what is on the topic."""
        self.quiet_until = 0

    def output(self) -> str:
        return ""

    # -- Kafka

    def read(self, *roles: str, committed: bool = True) -> dict[str, list[list[Any]]]:
        """All readable records of topics: by role, then by partition.

        Reads until every position has reached the high watermark, which the embedded broker tells rightly only in the
        answer to a fetch.
        """
        consumer = KafkaConsumer(
            bootstrap_servers=self.config.bootstrap_servers,
            isolation_level="read_committed" if committed else "read_uncommitted",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        role_of = {self.config.topic(role): role for role in roles}
        tps = [
            TopicPartition(topic, n) for topic in role_of for n in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        found: dict[str, list[list[Any]]] = {role: [] for role in roles}
        for tp in tps:
            found[role_of[tp.topic]].append([])
        consumer.assign(tps)
        consumer.seek_to_beginning(*tps)
        deadline, behind = time.monotonic() + READ_TIMEOUT_S, set(tps)
        while behind:
            assert time.monotonic() < deadline, f"{behind} could not be read to the end: an open transaction?"
            for tp, records in consumer.poll(timeout_ms=100).items():
                found[role_of[tp.topic]][tp.partition] += records
            behind = {tp for tp in behind if not _at_end(consumer, tp)}
        consumer.close()
        return found

    def logs(self) -> list[list[LogRecord]]:
        """The input partitions as they stand, read back from the broker; behind a history, from its cut on."""
        found = [_as_read(partition) for partition in self.read("touchpoints")["touchpoints"]]
        if not self.history:
            return found
        return [
            past + [record for record in log if record.offset > past[-1].offset]
            for past, log in zip(self.history, found, strict=True)
        ]

    # -- state

    def body(self, shard: int) -> ShardBody | None:
        value = self.redis.hget(f"{{{self.config.app}:{shard}}}:meta", "body")
        return unpack_body(str(shard), value) if isinstance(value, bytes) else None

    def bodies(self) -> list[ShardBody | None]:
        return [self.body(n) for n in range(self.config.partitions)]

    def records(self, shard: int) -> dict[bytes, bytes]:
        """By customer, in this release's version."""
        prefix = f"{{{self.config.app}:{shard}}}:c:".encode()
        names: list[Any] = sorted(self.redis.scan_iter(prefix + b"*", count=1000))
        values: list[Any] = self.redis.mget(names) if names else []
        return in_this_version(dict(zip((name[len(prefix) :] for name in names), values, strict=True)))

    def outboxes(self) -> list[int]:
        return [int(self.redis.llen(f"{{{self.config.app}:{n}}}:outbox")) for n in range(self.config.partitions)]

    def versions(self) -> dict[int, Version]:
        """The versions that still stand in the store."""
        prefix = f"{{{self.config.app}:learner}}:v:".encode()
        schema = schema_of(self.config.engine())
        found = {}
        for name in self.redis.scan_iter(prefix + b"*"):
            value = self.redis.get(name)
            assert isinstance(value, bytes)
            found[int(name[len(prefix) :])] = unseal(value, schema, Version)
        return found

    def committed(self) -> dict[int, int]:
        """Kafka's committed offsets of the group on the input."""
        admin = KafkaAdminClient(bootstrap_servers=self.config.bootstrap_servers)
        told = admin.list_group_offsets(self.config.app)
        admin.close()
        offsets = told.get(self.config.app, told)
        return {tp.partition: o.offset for tp, o in offsets.items() if tp.topic == self.config.topic("touchpoints")}

    def shown(self) -> bool:
        """Kafka's committed offsets are the next offsets. A running worker brings them there, once a second; one that
        stops leaves its last to the next takeover where Kafka takes longer than a second."""
        return self.committed() == dict(enumerate(self.next_offsets()))

    def next_offsets(self) -> list[int]:
        """Of all shards; 0 where there is none yet."""
        return [body.state.next_offset if body else 0 for body in self.bodies()]

    def commits(self) -> list[int]:
        """The commit numbers of all shards and of the learner; -1 where there is none yet."""
        places = [*range(self.config.partitions), "learner"]
        return [int(self.redis.hget(f"{{{self.config.app}:{place}}}:meta", "number") or -1) for place in places]

    def learner_state(self) -> LearningState:
        value = self.redis.hget(f"{{{self.config.app}:learner}}:meta", "body")
        assert isinstance(value, bytes), "there is no learner"
        return unseal(value, schema_of(self.config.engine()), LearningState)

    def done(self, ends: Sequence[int]) -> bool:
        """Every shard's fence has reached its end, and every outbox is empty."""
        bodies = self.bodies()
        return all(body and body.state.next_offset >= end for body, end in zip(bodies, ends, strict=True)) and not any(
            self.outboxes()
        )

    # -- equality

    def check(self, committed: bool = True, learner_went_back: bool = False) -> Rehearsal:
        """What stands in Redis and Kafka equals the engine in memory over the same partitions, byte for byte, and the
        changes of model version that it was told are such as the rule allows.

        committed: the broker has transactions, so every output must be there exactly once; otherwise at least once.
        learner_went_back: some published versions were lost for a while.
        """
        logs, decisions = self.logs(), self.read("decisions")["decisions"]
        adoptions = [Recorded(map(_decision, told)) for told in decisions] if self.config.mode == "live" else None
        engine, topic = self.config.engine(), self.config.topic("touchpoints")
        expected = rehearse(logs, engine, topic, adoptions=adoptions, quiet_until=self.quiet_until)
        self.check_adoptions(expected, logs, decisions, learner_went_back)
        for n, shard in enumerate(expected.shards):
            body = self.body(n)
            assert body is not None
            assert _comparable(body.state) == _comparable(shard.state), f"state of shard {n} differs"
            assert self.records(n) == shard.records, f"records of shard {n} differ"
            dues = dump_dues(self.redis, f"{{{self.config.app}:{n}}}:".encode())
            assert set(dues) == set(shard.dues), f"due set of shard {n} differs"
            assert all(dues[c] <= shard.dues[c] for c in dues), f"the due set of shard {n} is no lower bound"
        self.check_learner(expected)
        self.check_outputs(expected, committed)
        return expected

    def check_adoptions(
        self,
        expected: Rehearsal,
        logs: Sequence[Sequence[LogRecord]],
        decisions: Sequence[Sequence[Any]],
        learner_went_back: bool,
    ) -> None:
        """Each change of model version is one that the rule allows; live, the newest of which is known that it was
        published by then: another shard had it in force."""
        engine, live_from = self.config.engine(), self.quiet_until if self.config.mode == "live" else inf
        dated: list[Dated] = []
        for log, told in zip(logs, decisions, strict=True):
            changes = [(Adoption.of(said), r.timestamp) for r in told if (said := _decision(r)).what == IN_FORCE]
            origin = min(expected.versions, default=0)
            check_allowed(engine, [change for change, _ in changes], origin, live_from)
            times = {record.offset: record.timestamp for record in log}
            dated += [Dated(one, times[one.offset], public) for one, public in changes if one.crossed >= live_from]
        if not learner_went_back:
            check_newest(engine, dated)

    def check_learner(self, expected: Rehearsal) -> None:
        """The learner has learned the same, and the versions that still stand are the same, to the last bit."""
        versions = self.versions()
        assert versions, "no model version stands in the store"
        for boundary, version in versions.items():
            assert version == expected.versions[boundary], f"model version {boundary} differs"
        assert max(versions) == max(expected.versions)
        told, wanted = self.learner_state(), expected.learning.state()
        for state in (told, wanted):
            state.shards = [msgspec.structs.replace(shard, offset=0) for shard in state.shards]
        assert told == wanted, "the learner's state differs"

    def check_outputs(self, expected: Rehearsal, committed: bool = True) -> None:
        """Every output is on its topic, in order, exactly once (without transactions: at least once)."""
        public = self.read(*OUTPUT_ROLES, committed=committed)
        replaced = self.expired_unsent()
        for role, partitions in public.items():
            for n, records in enumerate(partitions):
                wanted = [
                    (o.sequence, o.id, o.value)
                    for o in expected.shards[n].outputs
                    if o.role == role and not (role == "triggers" and o.id in replaced)
                ]
                found = [_output(record) for record in records if not _of_a_stop(record)]
                if not committed:
                    found = list(dict.fromkeys(found))
                assert [o[:2] for o in found] == [o[:2] for o in wanted], (
                    f"{role} of shard {n} differ: {len(found)} found, {len(wanted)} wanted\n{self.output()}"
                )
                assert found == wanted, f"{role} of shard {n} differ in their values"

    def expired_unsent(self) -> set[str]:
        """Ids of the triggers that expired before they could be sent, from the log itself."""
        return {
            getattr(entry.content.data, "trigger_id", "")
            for log in self.logs()
            for entry in log
            if isinstance(entry.content, Touch) and entry.content.kind == Kind.EXPIRED_UNSENT
        }


def _decision(record: Any) -> Decision:
    return msgspec.json.decode(record.value, type=Decision)


def _as_read(partition: Sequence[Any]) -> list[LogRecord]:
    return [LogRecord(r.offset, r.timestamp, r.key, r.value, r.headers) for r in partition]


def _comparable(state: ShardState) -> ShardState:
    """Without what depends on where the last commit happened to cut the line."""
    return msgspec.structs.replace(state, commit_position=0, commit_customer="", next_offset=0)


def _at_end(consumer: KafkaConsumer, tp: TopicPartition) -> bool:
    end = consumer.highwater(tp)
    return end is not None and consumer.position(tp) >= end


def _of_a_stop(record: Any) -> bool:
    """An operator's order to senders, or the marker of a trigger that was stopped."""
    return (record.value or b"").startswith((b'{"type":"stopped"', b'{"type":"unsent"'))


def _output(record: Any) -> tuple[int, str, bytes]:
    headers = dict(record.headers)
    return int(headers["count"]), headers["id"].decode(), record.value
