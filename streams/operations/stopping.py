"""A stop's whole way into force, and its end: flag, orders to senders, records of the log, and who has read them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from models.timeline.stop_types import Stop
from streams.config import Config
from streams.kafka.security import kafka_connection
from streams.operations import stops as steps
from streams.operations.choices import NoShard
from streams.operations.redis_access import store_of
from streams.store.stop_flag import read_flag


class Stopped(NamedTuple):
    """again: it stood before, and was written once more. not_read: shards that do not decide by it yet."""

    stop: Stop
    again: bool
    not_read: list[int]


class Resumed(NamedTuple):
    """ended: none: there was no such stop."""

    ended: list[Stop]
    not_read: list[int]


async def stop_now(config: Config, partitions: int, wanted: Stop, wait_s: float) -> Stopped:
    """Stop something everywhere; wait so long for the shards. wanted: its number is not read.

    Raises NoShard, and as the steps of `streams.operations.stops`.
    """
    async with store_of(config) as store:
        if wanted.actions:
            steps.check_selectors(
                wanted, await steps.policies_now(store, partitions), await steps.earlier_actions(store)
            )
        else:
            steps.check_selectors(wanted, {})
        bodies = await steps.bodies_now(store, partitions)
        if not bodies:
            raise NoShard(f"app {config.app!r} has no shard that can be read")
        known = steps.known_of(bodies, await read_flag(store))
        made, again = await steps.raise_flag(store, wanted, known, int(time.time() * 1000))
        connection = kafka_connection(config)
        topics = config.topic("triggers"), config.topic("touchpoints")
        await asyncio.to_thread(steps.write_orders, connection, topics[0], partitions, made)
        await asyncio.to_thread(steps.write_stop, connection, topics[1], partitions, bodies, made)
        _, lack = await steps.read_by(store, partitions, (made.number,), True, wait_s)
        return Stopped(made, again, list(lack))


async def resume_now(
    config: Config,
    partitions: int,
    numbers: Sequence[int],
    meant: Callable[[Stop], bool],
    told: tuple[str, str],
    wait_s: float,
) -> Resumed:
    """End stops, and wait so long for the shards.

    Args:
        config: of the application.
        partitions: of the touchpoints.
        numbers: of stops that are ended, also where an earlier end was cut short; none: all that are meant.
        meant: which of those that stand are ended.
        told: who ends them, and why.
        wait_s: seconds.

    Raises as the steps of `streams.operations.stops`.
    """
    async with store_of(config) as store:
        bodies = await steps.bodies_now(store, partitions)
        flag = await read_flag(store)
        known = steps.known_of(bodies, flag)
        some = [one for one in steps.anywhere(bodies, flag) if meant(one) and (not numbers or one.number in numbers)]
        ended = [one.number for one in some] + [number for number in numbers if number in known.ended]
        if not ended:
            return Resumed([], [])
        await steps.lower_flag(store, known, ended)
        connection, topic = kafka_connection(config), config.topic("touchpoints")
        await asyncio.to_thread(steps.write_end, connection, topic, partitions, bodies, ended, *told)
        _, lack = await steps.read_by(store, partitions, ended, False, wait_s)
        return Resumed(some, list(lack))
