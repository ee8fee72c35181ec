"""Redis goes back by some commits, under a live worker or while none runs: nothing is lost, nothing doubled."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from models.outputs import Decision
from streams.errors import ExitCode
from tests.support.logs import touchpoint
from tests.support.servers import ApacheKafka
from tests.support.world import World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, send, stand_still
from tests.support.world_logs import lengths, split, tape_log
from tests.support.world_places import Copy, copy_place, put_back

SHARDS = ("0", "1", "2")
LEARNER = "learner"


def _number(world: World, place: str) -> int:
    return int(world.redis.hget(f"{{{world.config.app}:{place}}}:meta", "number") or -1)


def _copies(world: World, places: tuple[str, ...]) -> dict[str, Copy]:
    return {place: copy_place(world.redis, world.config.app, place) for place in places}


def _put_back(world: World, copies: dict[str, Copy]) -> None:
    for place, copied in copies.items():
        put_back(world.redis, world.config.app, place, copied)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("places", "commits"),
    [(("1",), 2), (SHARDS, 20), ((LEARNER,), 8), ((*SHARDS, LEARNER), 8)],
    ids=["one shard by two commits", "all shards by twenty", "the learner by eight", "everything by eight"],
)
def test_a_live_worker_notices_at_its_next_write(
    kafka: ApacheKafka, make_world: MakeWorld, places: tuple[str, ...], commits: int
) -> None:
    world = make_world(kafka, batch_records=20)
    log = tape_log(seed=7)
    before_it, after_it = split(log, 0.9)
    world.produce(before_it)
    worker = world.worker()
    watched = places[0]
    world.wait(lambda: sum(world.next_offsets()) > 0.15 * sum(lengths(log)))
    before = _number(world, watched)
    copies = _copies(world, places)
    world.wait(lambda: _number(world, watched) >= before + commits)
    _put_back(world, copies)
    world.produce(after_it)  # there is a next write, however far it has come
    assert world.ended(worker) == ExitCode.STORE_WENT_BACK, world.output()
    world.worker()
    world.wait(lambda: world.done(lengths(log)))
    world.check()


@pytest.mark.slow
@pytest.mark.parametrize("places", [("1",), (*SHARDS, LEARNER)], ids=["of one shard", "of everything"])
def test_a_restored_backup_is_replayed_and_publishes_nothing_twice(
    kafka: ApacheKafka, make_world: MakeWorld, places: tuple[str, ...]
) -> None:
    world = make_world(kafka, batch_records=50)
    log = tape_log(seed=8)
    world.produce(log)
    world.worker()
    world.wait(lambda: sum(world.next_offsets()) > 0.3 * sum(lengths(log)))
    copies = _copies(world, places)
    world.wait(lambda: world.done(lengths(log)))
    world.end()
    _put_back(world, copies)
    world.worker()
    world.wait(lambda: world.done(lengths(log)))
    world.wait(world.shown)
    assert world.stop() == [ExitCode.OK]
    world.check()
    assert world.shown()


@pytest.mark.slow
def test_a_replay_that_would_say_something_else_than_is_public_parks_its_shard_by_name(
    kafka: ApacheKafka, make_world: MakeWorld
) -> None:
    world = make_world(kafka, batch_records=50)
    before, after = split(tape_log(seed=9), 0.4)
    world.produce(before)
    world.worker()
    world.wait(lambda: world.done(lengths(before)))
    world.end()
    backup = _copies(world, ("0",))
    world.produce(after)
    ends = [a + b for a, b in zip(lengths(before), lengths(after), strict=True)]
    world.worker()
    world.wait(lambda: world.done(ends))
    world.end()
    _put_back(world, backup)
    # The next customer of this shard who is due is forgotten: what follows has other ids than what is public.
    prefix = f"{{{world.config.app}:0}}:"
    due: Any = world.redis.zrange(f"{prefix}due", 0, -1)
    for customer in due:
        world.redis.delete(prefix.encode() + b"c:" + customer)
        world.redis.zrem(f"{prefix}due", customer)
    worker = world.worker()
    world.wait(lambda: "is parked, the others go on: DifferentOutput" in world.log_of(worker))
    assert "in public | remedy: " in world.log_of(worker)
    assert world.stop() == [ExitCode.OK]


@pytest.mark.slow
@pytest.mark.parametrize("places", [SHARDS, (*SHARDS, LEARNER)], ids=["the shards", "everything"])
def test_live_a_replay_obeys_the_versions_that_were_late_when_its_outputs_became_public(
    kafka: ApacheKafka, make_world: MakeWorld, places: tuple[str, ...]
) -> None:
    world = make_world(kafka, **LIVE)
    worker = world.worker()
    world.wait(lambda: "took over" in world.log_of(worker))

    def late() -> int:
        told = [r for partition in world.read("decisions")["decisions"] for r in partition]
        return sum(msgspec.json.decode(r.value, type=Decision).late is not None for r in told)

    def buy(name: str) -> None:
        for number in range(12):
            now = int(time.time() * 1000)
            send(world, f"{name}-{number}", touchpoint("purchase", f"{name}-{number}", now, {"amount": 20}), now)

    buy("first")
    world.wait(lambda: late() > 2)
    before, copies = late(), _copies(world, places)
    buy("second")
    # No delay is granted to the learner here: every version comes after its boundary, and so after the copy too.
    world.wait(lambda: late() > before + 3)
    world.end()
    assert late() > before + 3
    _put_back(world, copies)
    stand_still(world)
    assert world.wrote("the store lost commits; outputs are published up to")
    world.check(learner_went_back=LEARNER in places)
