"""Two customers who talk are offered the same by two workers' shards, on real servers, whatever is killed meanwhile."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from models.outputs import Trigger
from models.settings import DAY, MINUTE
from models.timeline.partitioning import partition_of
from streams.errors import ExitCode
from tests.integration.engine.test_identities import settled
from tests.support.logs import START, touchpoint
from tests.support.servers import ApacheKafka, Broker
from tests.support.two_who_talk import SHARED
from tests.support.world import Raw, World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, stand_still, triggers
from tests.support.world_logs import split, tape_log

PARTITIONS = 3
ALWAYS = re.sub(r"quiet_hours = .*\n", "", SHARED).replace('within = "5m"', 'within = "1h"')
NAMES = [f"n-{n:02d}" for n in range(24)]
PAIRS = [tuple(sorted(NAMES[n : n + 2])) for n in range(0, 24, 2)]


def with_chats(log: list[list[Raw]], seed: int) -> list[list[Raw]]:
    """A log in which pairs agree, and talk, while some disagree, are erased or become others."""
    random, log = Random(seed), [list(partition) for partition in log]
    entries: list[tuple[int, str, bytes]] = []

    def tell(at: int, kind: str, who: str, **data: Any) -> None:
        entries.append((at, who, touchpoint(kind, who, at, data, id=f"{kind}-{who}-{at}")))

    begin = START + 3 * DAY
    for who in NAMES:
        tell(begin, "consent_changed", who, marketing=True, channels=["email"])
        tell(begin + 1, "consent_changed", who, purpose="conversation", marketing=True)
    for pair in PAIRS:
        at = begin + random.randrange(1, 60) * DAY
        for who in pair:
            tell(at, "chat", who, participants=list(pair), channel="app", topic=random.choice(("espresso", "tea")))
        kind, data = random.choice(
            (
                ("visit", {}),
                ("erase_requested", {}),
                ("consent_changed", {"purpose": "conversation", "marketing": False}),
                ("identity_merged", {"into": random.choice(NAMES)}),
            )
        )
        tell(at + random.randrange(20) * MINUTE, kind, random.choice(pair), **data)
    for at, who, value in sorted(entries, key=lambda entry: entry[0]):
        partition = log[partition_of(who, PARTITIONS)]
        place = next((n for n, entry in enumerate(partition) if entry[2] > at), len(partition))
        partition.insert(place, (who.encode(), value, at))
    return log


@pytest.mark.slow
@pytest.mark.parametrize("server", [pytest.param("kafka", marks=pytest.mark.kafka), "tansu"])
def test_a_replay_whose_workers_die_gives_the_same_bytes(
    server: str, request: pytest.FixtureRequest, make_world: MakeWorld
) -> None:
    broker: Broker = request.getfixturevalue(server)
    world = make_world(broker, batch_records=40, piece_items=10, session_timeout_s=1.2)
    first, rest = split(with_chats(tape_log(seed=9, days=90, policies={0: ALWAYS}), 9), 0.4)
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
    said = [one.value for shard in expected.shards for one in shard.outputs if one.role == "decisions"]
    assert sum(b'"what":"shared_proposed"' in one for one in said) >= 6
    if server == "kafka":
        audited(world)


def audited(world: World) -> None:
    found = world.command("audit", "--json")
    breaches = json.loads(found.stdout)["breaches"]
    assert [one for one in breaches if one["rule"].startswith(("shared", "withdrawal"))] == [], breaches


def tell(world: World, kind: str, data: dict[str, dict[str, Any]]) -> None:
    """A touchpoint of each customer, now."""
    now = int(time.time() * 1000)
    log: list[list[Raw]] = [[] for _ in range(PARTITIONS)]
    for who, said in data.items():
        value = touchpoint(kind, who, now, said, id=f"{kind}-{who}-{sorted(said)}")
        log[partition_of(who, PARTITIONS)].append((who.encode(), value, now))
    world.produce(log)


@pytest.mark.slow
def test_live_both_are_offered_it_though_a_worker_is_killed(
    kafka: ApacheKafka, make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world(kafka, **{**LIVE, "tick_days": 1.0, "horizon_days": 7.0})
    policy = tmp_path / "policy.toml"
    policy.write_text(ALWAYS, encoding="utf-8")
    worker, _ = world.worker(), world.worker()
    world.wait(lambda: all(world.bodies()))
    done = world.command("policy", "apply", str(policy), "--by", "ada", "--yes", "1000", "--wait", "60")
    assert done.returncode == 0, done.stderr
    tell(world, "consent_changed", {who: {"marketing": True, "channels": ["email"]} for who in NAMES})
    tell(world, "consent_changed", {who: {"marketing": True, "purpose": "conversation"} for who in NAMES})
    world.wait(lambda: sum(len(world.records(n)) for n in range(PARTITIONS)) == len(NAMES))
    talk = {"channel": "app", "topic": "espresso"}
    tell(world, "chat", {who: {"participants": list(pair), **talk} for pair in PAIRS for who in pair})
    world.kill(worker)

    def groups() -> dict[str, list[Trigger]]:
        found: dict[str, list[Trigger]] = {}
        for sent in triggers(world).values():
            for one in sent:
                found.setdefault(one.group, []).append(one)
        return found

    world.wait(lambda: len(triggers(world)) == len(NAMES))
    stand_still(world)
    found = groups()
    assert sorted(tuple(sorted(one.customer for one in sent)) for sent in found.values()) == sorted(PAIRS)
    for one, other in found.values():
        assert (one.action, one.not_before) == (other.action, other.not_before)
    world.check()
    told = world.command("why", PAIRS[0][0])
    assert "two_for_one by email is proposed" in told.stdout, told.stdout + told.stderr
    audited(world)
