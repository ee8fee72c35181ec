"""The policies that stand in the log: those that no shard has read yet, or all that it still holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from models.decisions.policy.in_force import policy_in
from models.timeline.chosen_policy import rank
from models.timeline.shard_state import PolicyName
from models.touchpoints import Rejected, read
from models.touchpoints.types.reserved import PolicyChosenData
from streams.kafka.security import KafkaConnection
from streams.kafka.topic_reader import Read, TopicReader
from streams.operations.policy.planning import Stands
from streams.operations.policy.shards import ShardPolicyNow

ASKED = 0
"""Of the partitions the one that is read: a policy is written into them in their order."""
_POLICY = b"policy_chosen"


class InLog(NamedTuple):
    """A policy's record. time: of the record, ms."""

    data: PolicyChosenData
    time: int

    @property
    def name(self) -> PolicyName:
        return PolicyName(self.data.number, self.data.sha256)


def unread(touchpoints: TopicReader, shards: Mapping[int, ShardPolicyNow]) -> list[InLog]:
    """Those that stand behind what the first shard has read. Raises as `streams.kafka.topic_reader.TopicReader`."""
    starts, ends = touchpoints.bounds()
    low = shards[ASKED].body.state.next_offset if ASKED in shards else 0
    return list(policies(touchpoints.up_to(ASKED, max(low, starts[ASKED]), ends[ASKED])))


def all_in(connection: KafkaConnection, topic: str) -> list[InLog]:
    """All that the log still holds, each once, in the order of their numbers. Raises as `unread`."""
    with TopicReader(connection, topic) as reader:
        starts, ends = reader.bounds()
        found = policies(reader.up_to(ASKED, starts[ASKED], ends[ASKED]))
        once: dict[tuple[int, str], InLog] = {}
        for one in found:
            once.setdefault(rank(one.name), one)
        return [once[key] for key in sorted(once)]


def policies(records: Iterable[Read]) -> Iterator[InLog]:
    """The records of policies among others."""
    for record in records:
        if record.value and record.key is None and _POLICY in record.value:
            touch = read(record.value, None, record.timestamp)
            if not isinstance(touch, Rejected) and isinstance(touch.data, PolicyChosenData):
                yield InLog(touch.data, record.timestamp)


def stands_of(record: InLog) -> Stands | None:
    """A record's policy, on its way into the shards; None: it is none. Raises PolicyOfAnotherRelease."""
    policy, _ = policy_in(record.data)
    return None if policy is None else Stands(policy, record.data.at or 0, everywhere=False)
