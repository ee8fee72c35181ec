"""What a customer takes in Redis under a policy with all that is kept of them: value, points, loyalty loop and levels.

python -m benchmarks.loyalty_bytes [--customers 600] [--days 120]

A stream with every sort of touchpoint goes through the engine in memory under the example policy with `[value]`,
`[points]`, `[loyalty]` and `[membership]`, the sender's answers in it. What the records are in the end goes into a
Redis of its own, in the keys in which a worker would put it.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Final

import click
import msgspec
import redis

from benchmarks.customer_bytes import CustomerBytes, of_customers
from models.outputs import Trigger, Withdrawal
from models.settings import DAY, EngineSettings
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from streams.local.embedded import EmbeddedRedis
from streams.store import Write
from streams.store.redis.connection import connect
from streams.store.redis.store import RedisStore
from tests.support.policies import EXAMPLE, POINT_PER_UNIT
from tests.support.replies import answered, busy, with_policy

APP: Final = "bytes"
SEED, PARTITIONS = 3, 2
MOST: Final = 800
"""Bytes that a typical customer should take in all, with points and value."""
SETTINGS: Final = EngineSettings(horizon=28 * DAY, boundary=7 * DAY, version_delay=0)
KEPT: Final = f"""
[value]
fewest = 20
[points]
expires = "180d"
expires_at = "month"
returns_within = "30d"
{POINT_PER_UNIT}[loyalty]
[membership]
counts = "spent"
window = "365d"
levels = [{{ name = "silver", at = 100 }}, {{ name = "gold", at = 300, times = 1.5 }}]
"""
_outputs = msgspec.json.Decoder(Trigger | Withdrawal)


def lived(customers: int, days: int) -> Rehearsal:
    """The stream, with what came of its triggers."""
    text = EXAMPLE + KEPT
    logs: list[list[LogRecord]] = [with_policy(log, text) for log in busy(SEED, PARTITIONS, customers, days)]
    told = []
    for log, shard in zip(logs, rehearse(logs, SETTINGS).shards, strict=True):
        said = [_outputs.decode(one.value) for one in shard.outputs if one.role == "triggers"]
        told.append(answered(log, [one for one in said if isinstance(one, Trigger)], SEED))
    return rehearse(told, SETTINGS)


async def store_all(url: str, world: Rehearsal) -> None:
    """Records and due items as a worker's commits would leave them."""
    store = RedisStore(connect(url), APP)
    for number, shard in enumerate(world.shards):
        name = str(number)
        await store.create(name, b"")
        await store.mint(name, b"me")
        values = [(b"c:" + customer, value) for customer, value in shard.records.items()]
        dues = [(due, customer) for customer, due in shard.dues.items()]
        done = await store.commit(name, Write(b"me", 0, b"n", b"", values, (), dues))
        if not done.stands:
            raise RuntimeError(f"the records of shard {name} were not written: {done}")
    await store.close()


def measured(world: Rehearsal) -> CustomerBytes:
    """In a Redis of its own, which is ended afterwards."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedRedis(Path(folder), appendonly=False) as server:
        asyncio.run(store_all(server.url, world))
        with redis.Redis.from_url(server.url) as client:
            return of_customers(client, APP, 10**9)


@click.command()
@click.option("--customers", default=600, show_default=True)
@click.option("--days", default=120, show_default=True)
def main(customers: int, days: int) -> None:
    """Print bytes a customer, and what they are of."""
    found = measured(lived(customers, days))
    for name, value in found.rows():
        click.echo(f"{name}: {value}")
    in_all = found.mean + found.due
    click.echo(f"in all {in_all:.0f} bytes a customer in the mean, of {MOST} at most")
    if in_all > MOST:
        raise click.ClickException("a customer takes too much")


if __name__ == "__main__":
    main()
