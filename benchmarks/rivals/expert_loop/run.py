"""One measured run of the expert's loop, on a fresh copy of the world's day."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import msgspec
from numpy.typing import NDArray

from benchmarks.baselines import DATABASE, TOPIC, own_database, seed, set_values
from benchmarks.proc import Sampler
from benchmarks.rivals import outputs
from benchmarks.rivals.expert_loop.fetching import By
from benchmarks.rivals.expert_loop.loop import Outcome, Told
from benchmarks.rivals.expert_loop.records import CLEARANCE, key_of
from benchmarks.rivals.outputs import Done
from benchmarks.runs import of_itself
from benchmarks.servers import run_to_result
from benchmarks.world import DAY, World
from streams.config import load

RUN_S = 900.0
TRIGGERS = "the-expert.triggers"


def run(world: World, records: NDArray[Any], name: str, *, fetch_by: By, keep_records: bool) -> Done:
    """records: after the history (`history.records_after_history`). Raises LostOutput."""
    facts, workload = world.facts, world.workload
    with world.copy(DAY) as servers, own_database(servers) as client:
        outputs.create_topics(servers, [TRIGGERS], workload.partitions)
        rows = ((key_of(key), record.tobytes()) for key, record in zip(workload.keys, records, strict=True))
        seed(client, rows, set_values)
        redis = urlsplit(servers.redis_url)
        result, told = servers.directory / "expert.result", servers.directory / "expert.json"
        given = Told(
            bootstrap_servers=servers.bootstrap_servers,
            redis_host=redis.hostname or "",
            redis_port=redis.port or 0,
            redis_database=DATABASE,
            topic=TOPIC,
            triggers=TRIGGERS,
            starts=facts.starts,
            ends=facts.ends,
            batch_records=load().batch_records,
            fetch_by=fetch_by,
            keep_records=keep_records,
            rows=workload.customers + 2 * CLEARANCE,
            result=str(result),
        )
        told.write_bytes(msgspec.json.encode(given))
        with Sampler(servers.pids()) as sampler:
            command = ["-m", "benchmarks.rivals.expert_loop", str(told)]
            outcome = msgspec.convert(run_to_result("the expert's loop", command, {}, result, RUN_S), Outcome)
            time.sleep(0.2)  # a last look at the CPU after its end
        public = outputs.triggers(servers, TRIGGERS)
    named = outputs.require_day(name, public, applied=outcome.events, decided=outcome.triggers, day=facts.touchpoints)
    measured = of_itself(name, outcome, sampler)
    return Done(msgspec.structs.replace(measured, rss=[outcome.rss]), named)
