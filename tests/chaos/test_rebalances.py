"""Workers join and leave while shards wait for a model version, and in a storm: no wait is in their way."""

from __future__ import annotations

import random
import signal
import time

import pytest

from streams.errors import ExitCode
from tests.support.servers import ApacheKafka
from tests.support.world_fixtures import MakeWorld
from tests.support.world_logs import lengths, split, tape_log


@pytest.mark.slow
def test_a_rebalance_ends_the_wait_for_a_model_version(kafka: ApacheKafka, make_world: MakeWorld) -> None:
    world = make_world(kafka)
    log = tape_log(seed=15)
    before, after = split(log, 0.4)
    held_back = 2
    world.produce([before[n] if n == held_back else log[n] for n in range(3)])
    first = world.worker()
    world.wait(lambda: world.next_offsets()[held_back] >= len(before[held_back]))
    world.rest(world.next_offsets)
    stood = world.next_offsets()
    assert all(stood[n] < len(log[n]) for n in range(3)), "nobody is waiting for a version"
    began = time.monotonic()
    second = world.worker()
    # The one may have told what it took over before the other has told what it kept.
    world.wait(lambda: world.owned(second) > 0 and world.owned(first) + world.owned(second) == 3)
    print(f"joined in {time.monotonic() - began:.1f} s")  # a wait that a rebalance does not end would last for ever
    assert sum(world.next_offsets()) == sum(stood), "a shard went on without its version"
    second.terminate()  # and a leave, while all wait again
    assert world.ended(second) == ExitCode.OK
    world.wait(lambda: world.owned(first) == 3)
    world.produce([after[n] if n == held_back else [] for n in range(3)])
    world.worker()
    world.wait(lambda: world.done(lengths(log)))
    world.end()
    world.check()


@pytest.mark.slow
def test_a_storm_of_joins_and_leaves_loses_no_batch_and_stalls_no_shard(
    kafka: ApacheKafka, make_world: MakeWorld
) -> None:
    world = make_world(kafka, batch_records=10, stall_after_s=20)
    log = tape_log(seed=16, customers=300)
    parts, rest = [], log
    for share in (0.25, 0.35, 0.5):
        part, rest = split(rest, share)
        parts.append(part)
    parts.append(rest)
    rng = random.Random(16)
    world.worker()
    for part in parts:
        world.produce(part)
        for _ in range(3):
            world.worker()
            time.sleep(rng.uniform(0.5, 3))
            if len(world.workers) > 2:
                leaving = rng.choice(world.workers[:-1])
                leaving.send_signal(rng.choice([signal.SIGTERM, signal.SIGTERM, signal.SIGKILL]))
                code = world.ended(leaving)
                assert code in (ExitCode.OK, -signal.SIGTERM, -signal.SIGKILL), f"{code}\n{world.output()}"
    world.wait(lambda: world.done(lengths(log)))
    assert set(world.stop()) <= {ExitCode.OK, -signal.SIGTERM}
    world.check()
