"""How long the tails of many shards take to read at once, as in a takeover of all of them.

python -m benchmarks.tails --bootstrap-servers 127.0.0.1:9092 --shards 256

Makes topics of its own on the brokers named, and deletes them again.
"""

from __future__ import annotations

import argparse
import asyncio
import time
import uuid

from aiokafka import TopicPartition

from streams.kafka.admin import TopicAdmin
from streams.kafka.clients import admin, producer
from streams.kafka.security import KafkaConnection
from streams.kafka.tails import TailReader
from streams.kafka.topics import OUTPUTS, TopicSpec

ENTRIES = 20
"""In each partition."""


def fill(connection: KafkaConnection, topics: list[str], shards: int) -> None:
    """Entries as shards publish them."""
    with TopicAdmin(connection) as admins:
        admins.create([TopicSpec("triggers", topic, shards, 1, {}) for topic in topics])
    sending = producer(connection, acks="all", linger_ms=50)
    for topic in topics:
        for shard in range(shards):
            for n in range(1, ENTRIES + 1):
                headers = [("count", str(n).encode()), ("id", b"id-%d" % n), ("sender", str(shard).encode())]
                sending.send(topic, b"v" * 300, partition=shard, headers=headers)
    sending.flush()
    sending.close()


async def measure(connection: KafkaConnection, topics: list[str], shards: int) -> list[float]:
    """Seconds of the first reading of all shards, which makes the connections, and of the second."""
    tails, seconds = TailReader(connection), []

    async def one(shard: int) -> None:
        found = await tails.read(shard, {TopicPartition(topic, shard): ENTRIES for topic in topics})
        if len(found) != len(topics):
            raise SystemExit(f"shard {shard}: {len(found)} of {len(topics)} tails were found")

    try:
        for _ in range(2):
            begun = time.monotonic()
            await asyncio.gather(*(one(shard) for shard in range(shards)))
            seconds.append(time.monotonic() - begun)
    finally:
        await tails.close()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--shards", type=int, default=256)
    given = parser.parse_args()
    connection = KafkaConnection(given.bootstrap_servers)
    topics = [f"benchmark-tails-{uuid.uuid4().hex[:8]}-{role}" for role in OUTPUTS]
    fill(connection, topics, given.shards)
    try:
        first, second = asyncio.run(measure(connection, topics, given.shards))
    finally:
        client = admin(connection, "benchmark-tails")
        client.delete_topics(topics)
        client.close()
    print(f"{given.shards} shards: {first:.2f} s, again {second:.2f} s ({1000 * second / given.shards:.1f} ms a shard)")


if __name__ == "__main__":
    main()
