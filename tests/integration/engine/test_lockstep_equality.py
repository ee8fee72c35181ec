"""Records, versions, triggers: over Kafka and Redis the same as in memory, to the byte, however the work is done."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime

import pytest

from models.simulation.rehearsal import Rehearsal
from streams.errors import ExitCode
from tests.support.cli_docs import undocumented
from tests.support.policies import BUDGETS, FEWER, LEARNED, RUN_DRY, answered, sorts
from tests.support.servers import Broker
from tests.support.world import World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_logs import lengths, split, tape_log

CLEAN = {0, -signal.SIGTERM}
"""Asked to end: by itself, or before it had begun."""
NONE: tuple[str, ...] = ()
BUDGETED = (BUDGETS, FEWER)
TAUGHT = (LEARNED, LEARNED.replace("useful/picks", "useful/others"))
"""One policy is applied, and another one later: under a learned choice other words make another arm."""


def is_repeated(world: World, expected: Rehearsal) -> None:
    """What was decided about one customer is made again by command; where the topic says otherwise it is named."""
    said = [
        (shard.state.partition, one) for shard in expected.shards for one in shard.outputs if one.role == "triggers"
    ]
    taken_back = next(one for _, one in said if json.loads(one.value)["type"] == "withdrawal")
    customer = taken_back.key.decode()
    repeated = world.command("why", customer, "--since", "1999-01-01", "--repeat", "--json")
    assert repeated.returncode == 0, repeated.stdout + repeated.stderr
    told = json.loads(repeated.stdout)["repeated"]
    assert undocumented("why", told) == []
    assert (told["differences"], told["gone"], told["not_repeated"], told["record_differs"]) == ([], 0, None, False)
    about = [json.loads(one.value)["type"] for _, one in said if one.key == taken_back.key]
    assert (told["triggers"], told["withdrawals"]) == (about.count("trigger"), about.count("withdrawal"))
    assert told["decisions"] > told["triggers"]

    shard, sent = next((shard, one) for shard, one in said if one.key == taken_back.key)
    trigger = json.loads(sent.value)
    other = json.dumps({**trigger, "channel": "pigeon"}, separators=(",", ":")).encode()
    added = [[(taken_back.key, other, sent.time)] if n == shard else [] for n in range(world.config.partitions)]
    world.produce(added, world.config.topic("triggers"))
    at = datetime.fromtimestamp(trigger["time"] / 1000, UTC).isoformat()
    differs = world.command("why", customer, "--since", "1999-01-01", "--at", at, "--repeat")
    assert differs.returncode == ExitCode.FAILURE, differs.stdout + differs.stderr
    named = f"trigger {trigger['id']} of "
    assert f"channel is 'pigeon' on the topic, {trigger['channel']!r} repeated\n" in differs.stdout
    assert named in differs.stdout
    assert differs.stdout.endswith(": 1 differ\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("broker", "batch", "workers", "customers", "texts"),
    [
        pytest.param("kafka", 1, 1, 25, NONE, id="batches of 1, one worker", marks=pytest.mark.kafka),
        pytest.param("kafka", 7, 2, 60, BUDGETED, id="batches of 7, two workers, a policy", marks=pytest.mark.kafka),
        pytest.param("kafka", 7, 2, 60, TAUGHT, id="batches of 7, a learned choice", marks=pytest.mark.kafka),
        pytest.param("kafka", 500, 2, 120, NONE, id="batches of 500, two workers", marks=pytest.mark.kafka),
        pytest.param("tansu", 7, 2, 60, BUDGETED, id="the embedded broker, a policy"),
        pytest.param("tansu", 7, 2, 60, TAUGHT, id="the embedded broker, a learned choice"),
    ],
    indirect=["broker"],
)
def test_a_run_equals_the_engine_in_memory_though_a_worker_is_killed_in_the_middle(
    broker: Broker,
    request: pytest.FixtureRequest,
    make_world: MakeWorld,
    batch: int,
    workers: int,
    customers: int,
    texts: tuple[str, ...],
) -> None:
    transactions = "kafka" in request.node.callspec.params["broker"]
    world = make_world(broker, batch_records=batch, piece_items=7)
    policies = dict(zip((20, 80), texts, strict=False))
    log = tape_log(seed=batch + workers, customers=customers, policies=policies)
    if policies:
        log = answered(log, world.config.engine(), seed=batch)
    started = [world.worker() for _ in range(workers)]
    world.wait(lambda: sum(map(world.owned, started)) == world.config.partitions and world.owned(started[-1]) > 0)
    before, rest = split(log, 0.7)
    world.produce(before)
    world.wait(lambda: sum(world.next_offsets()) > 0.4 * sum(lengths(log)))
    world.kill(started[-1])
    world.produce(rest)
    world.worker()
    world.wait(lambda: world.done(lengths(log)))
    if transactions:
        world.wait(world.shown)
    assert set(world.stop()) <= CLEAN
    expected = world.check(committed=transactions)
    assert not policies or sorts(expected) >= RUN_DRY
    triggers = [output.id for shard in expected.shards for output in shard.outputs if output.role == "triggers"]
    assert len(set(triggers)) == len(triggers) > 0
    if texts == TAUGHT:
        told = [one.value for shard in expected.shards for one in shard.outputs if one.role == "examples"]
        assert sum(b'"type":"outcome"' in value for value in told) > 10
        assert any(isinstance(version.choice, dict) for version in expected.versions.values())
    if transactions and policies:
        audited = world.command("audit", "--json")
        assert audited.returncode == 0, audited.stdout + audited.stderr
        assert json.loads(audited.stdout)["withdrawals"] > 0
        verified = world.command("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        is_repeated(world, expected)
    if transactions:
        assert world.shown()
