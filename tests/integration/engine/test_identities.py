"""Ids that turn out to be one customer, on real servers: what moves between the workers' shards moves once."""

from __future__ import annotations

import time
from random import Random

import pytest

from models.customer.layout import SPENT
from models.customer.merged import is_merged
from models.customer.record import unpack
from models.settings import DAY
from models.timeline.partitioning import partition_of
from streams.errors import ExitCode
from tests.support.logs import START, touchpoint
from tests.support.servers import ApacheKafka, Broker
from tests.support.world import PATIENCE_S, Raw, World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, send, shopping, stand_still
from tests.support.world_logs import split, tape_log

PARTITIONS = 3


def with_merges(log: list[list[Raw]], seed: int, merges: int) -> list[list[Raw]]:
    """A log in which customers turn out to be others."""
    random = Random(seed)
    log = [list(partition) for partition in log]
    names = sorted({key.decode() for partition in log for key, *_ in partition if key and key.startswith(b"c-")})
    for number in range(merges):
        old, new = random.sample(names, 2)
        at = START + random.randrange(10 * DAY, 120 * DAY)
        value = touchpoint("identity_merged", old, at, {"into": new}, id=f"merge-{number}")
        partition = log[partition_of(old, PARTITIONS)]
        place = next((n for n, entry in enumerate(partition) if entry[2] > at), len(partition))
        partition.insert(place, (old.encode(), value, at))
    return log


def at_rest(world: World) -> bool:
    """Everything is read that is there, and nothing is on its way."""
    ends = [log[-1].offset + 1 for log in world.logs()]
    return world.done(ends) and [log[-1].offset + 1 for log in world.logs()] == ends


def settled(world: World, timeout_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not at_rest(world):
        assert time.monotonic() < deadline, f"not at rest\n{world.output()}"
        time.sleep(0.3)


def moved(world: World) -> int:
    """Ids that are another customer's."""
    found = [unpack(name, value) for n in range(PARTITIONS) for name, value in world.records(n).items()]
    return sum(is_merged(record.flags) for record in found)


@pytest.mark.slow
@pytest.mark.parametrize("server", [pytest.param("kafka", marks=pytest.mark.kafka), "tansu"])
def test_two_workers_one_of_which_dies_in_the_middle(
    server: str, request: pytest.FixtureRequest, make_world: MakeWorld
) -> None:
    broker: Broker = request.getfixturevalue(server)
    world = make_world(broker, batch_records=40, piece_items=10, session_timeout_s=1.2)
    first, rest = split(with_merges(tape_log(seed=5), 5, 40), 0.6)
    world.produce(first)
    for step in ("commit.b.written:4", "publish.1.begun:3", "publish.4.committed:4"):
        victim = world.worker(RETENTION_CRASH_POINT=step)
        assert world.ended(victim) == ExitCode.CRASH_POINT
    workers = [world.worker(), world.worker()]
    world.produce(rest)
    world.wait(lambda: sum(world.next_offsets()) > 0.6 * sum(map(len, first)))
    world.kill(workers[0])
    settled(world)
    world.end()
    expected = world.check(committed=server == "kafka")
    assert moved(world) >= 25
    assert sum(shard.state.totals.duplicate for shard in expected.shards) > 0
    received = [shard.state.received for shard in expected.shards]
    assert all(received), received
    verified = world.command("verify", "--all")
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.slow
def test_live_what_comes_at_the_old_id_reaches_the_customer(kafka: ApacheKafka, make_world: MakeWorld) -> None:
    world = make_world(kafka, **LIVE)
    shopping(world, 12)
    worker, other = world.worker(), world.worker()
    world.wait(lambda: sum(len(world.records(n)) for n in range(PARTITIONS)) == 12)
    now = int(time.time() * 1000)
    for n in range(0, 12, 2):
        old, new = f"buyer-{n:03d}", f"buyer-{n + 1:03d}"
        send(world, old, touchpoint("identity_merged", old, now, {"into": new}, id=old), now)
    world.wait(lambda: moved(world) == 6)
    world.kill(worker)
    for n in range(0, 12, 2):
        old = f"buyer-{n:03d}"
        send(world, old, touchpoint("purchase", old, now, {"amount": 1000}, id=f"later {old}"), now)

    def spent(name: str) -> float:
        stored = world.records(partition_of(name, PARTITIONS))[name.encode()]
        return float(unpack(name.encode(), stored).numbers[SPENT])

    world.wait(lambda: all(spent(f"buyer-{n + 1:03d}") > 1000 for n in range(0, 12, 2)))
    told = world.command("customer", "buyer-000")
    assert "another id of buyer-001" in told.stdout, told.stdout + told.stderr
    stand_still(world)
    world.check()
    assert other.poll() is not None
