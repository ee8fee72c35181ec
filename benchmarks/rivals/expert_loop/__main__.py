"""One run of the expert's loop, in a process of its own: `python -m benchmarks.rivals.expert_loop TOLD.json`.

Writes `result` when everything is committed and public, and waits to be ended.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import uvloop

from benchmarks.rivals.expert_loop.arguments import MODEL, Batch, Opened
from benchmarks.rivals.expert_loop.columns import columns
from benchmarks.rivals.expert_loop.kernel import RECORD, apply
from benchmarks.rivals.expert_loop.loop import EPOCH, Loop, Outcome, Told
from benchmarks.rivals.expert_loop.redis_connection import RedisConnection
from models.touchpoints import event
from streams.kafka.clients import async_producer
from streams.kafka.security import KafkaConnection

ABOUT_2026 = 1_772_000_000_000


def load_kernels() -> None:
    """Compiled code is there before the first event, as in the engine."""
    touch = event("visit", id="1", source="warm", subject="nobody", time_ms=ABOUT_2026, data={"channel": "app"})
    read = columns([touch], np.array([ABOUT_2026]))
    rows = np.zeros(1, np.int64)
    apply(np.zeros(1, RECORD), Batch(rows, *read[2:]), MODEL, Opened(rows.copy(), np.zeros(1)))


async def run(told: Told) -> None:
    load_kernels()
    redis = await RedisConnection.opened(told.redis_host, told.redis_port, told.redis_database)
    epoch = b"%d" % await redis.call(("INCR", EPOCH))
    producer = async_producer(
        KafkaConnection(told.bootstrap_servers), transactional_id="the-expert", linger_ms=0, max_batch_size=1 << 18
    )
    await producer.start()
    loop = Loop(told, redis, epoch, producer)
    await loop.run()
    ended, cpu_s = time.time(), time.process_time() - loop.cpu_began
    await loop.published()
    await producer.stop()
    outcome = Outcome(
        events=loop.touchpoints,
        began=loop.began,
        ended=ended,
        cpu_s=cpu_s,
        triggers=loop.triggers,
        duplicates=loop.duplicates,
        rss=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )
    result = Path(told.result)
    partial = result.with_suffix(".partial")
    partial.write_bytes(msgspec.json.encode(outcome))
    partial.rename(result)
    await asyncio.Event().wait()


if __name__ == "__main__":
    # Events are many and short-lived, and none is part of a circle.
    gc.set_threshold(100_000, 50, 100)
    uvloop.install()
    asyncio.run(run(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Told)))
