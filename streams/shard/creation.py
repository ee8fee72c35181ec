"""Creates a new shard, after checking that no earlier state of it exists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models.decisions.policy.vocabulary import policy_read
from models.settings import EngineSettings
from models.timeline.shard_state import ShardState
from streams.errors import MetaMissing
from streams.kafka.partition_facts import LogFacts
from streams.shard.meta import SCHEMA, ShardBody, born_with, check_settings, check_topic, creation_of, unpack_body
from streams.shard.settings import ShardSettings
from streams.store import Store


async def new_body(
    namespace: str, settings: ShardSettings, facts: LogFacts, public: Sequence[str], store: Store
) -> ShardBody:
    """The first body of a shard without a meta.

    Args:
        namespace: of the shard.
        settings: of it, as configured.
        facts: of its input partition.
        public: the roles of its output topics that hold something of it.
        store: asked for the meta of shard 0.

    Raises:
        MetaMissing: the shard has been: its state is lost.
        TopicChanged: its partition was added to the topic later.
        SettingsChanged: the other shards were created with other settings.
    """
    if facts.committed is not None:
        raise MetaMissing(
            f"shard {namespace}: Kafka has offset {facts.committed} committed for the group, the store has no meta"
        )
    if public:
        raise MetaMissing(f"shard {namespace}: {', '.join(public)} hold its outputs, the store has no meta")
    engine = await _fits_the_others(settings, facts, store)
    return first_body(namespace, replace(settings, engine=engine), facts)


def first_body(namespace: str, settings: ShardSettings, facts: LogFacts, quiet_until: int = 0) -> ShardBody:
    """The body of a shard that begins at its log's start, whatever there was before.

    quiet_until: the cut-over of a backfill that is replayed; 0: that of the settings.
    """
    creation = creation_of(facts, settings.mode, settings.engine, quiet_until or settings.backfill_until)
    state = ShardState(int(namespace), facts.partitions, facts.start)
    return ShardBody(SCHEMA, creation, state, policy_read=policy_read())


async def _fits_the_others(settings: ShardSettings, facts: LogFacts, store: Store) -> EngineSettings:
    """The settings of a new shard: where there are others, what an operator may change is as they were created.

    A partition that was added later is no new shard: its customers have their records elsewhere. The owners of the
    other shards find that out too, but this worker may own none of them. Shard 0 tells: there is no topic without it.
    """
    first = await store.read_meta("0")
    if first is None:
        return settings.engine
    creation = unpack_body("0", first.body).creation
    check_topic("0", creation, facts)
    check_settings("0", creation, settings.mode, settings.engine)
    return born_with("0", creation, settings.engine)
