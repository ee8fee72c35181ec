"""What changes of the policy look at: shards, log and ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

from models.decisions.policy.in_force import PolicyInForce
from streams.config import Config
from streams.kafka.security import kafka_connection
from streams.kafka.topic_reader import TopicReader
from streams.operations.partitions import touchpoint_partitions
from streams.operations.policy.changes import Changes, View
from streams.operations.policy.forecast import Forecast, forecast
from streams.operations.policy.in_log import unread
from streams.operations.policy.ledger_store import LedgerStore
from streams.operations.policy.planning import Stands
from streams.operations.policy.shards import ShardPolicyNow, shards_now
from streams.operations.redis_access import store_of

T = TypeVar("T")


class Sight(NamedTuple):
    """partitions: of the touchpoints. view: of shards and log. stands: the policy that was applied last. Not to be used
    in an event loop: it runs its own."""

    config: Config
    partitions: int
    view: View
    stands: Stands | None

    @property
    def last(self) -> PolicyInForce | None:
        return None if self.stands is None else self.stands.policy

    def with_changes(self, act: Callable[[Changes], Awaitable[T]]) -> T:
        """What comes of something done with the ledger."""

        async def acting() -> T:
            async with store_of(self.config) as store:
                return await act(Changes(LedgerStore(store), self.view))

        return asyncio.run(acting())

    def forecast(self, policy: PolicyInForce) -> Forecast:
        """Whom a policy would touch at its start."""

        async def looking() -> Forecast:
            async with store_of(self.config) as store:
                return await forecast(store, self.view.shards, policy)

        return asyncio.run(looking())


def shards_of(config: Config, partitions: int | None = None) -> dict[int, ShardPolicyNow]:
    """Every shard's policy."""

    async def looking() -> dict[int, ShardPolicyNow]:
        async with store_of(config) as store:
            there = touchpoint_partitions(config) if partitions is None else partitions
            return await shards_now(store, config.app, there)

    return asyncio.run(looking())


def sight_of(config: Config, touchpoints: TopicReader | None = None) -> Sight:
    """Shards, log and ledger, as they are. touchpoints: open already; None: it is opened for this."""
    if touchpoints is None:
        with TopicReader(kafka_connection(config), config.topic("touchpoints")) as opened:
            return sight_of(config, opened)
    partitions = touchpoints.partitions
    shards = shards_of(config, partitions)
    view = View(shards, unread(touchpoints, shards))
    sight = Sight(config, partitions, view, None)
    return sight._replace(stands=sight.with_changes(lambda changes: changes.stands()))
