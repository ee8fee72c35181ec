"""An operator changes the thresholds while workers run, and is killed in the middle: the same command again ends it."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

import pytest

from models.timeline.partitioning import partition_of
from streams.errors import ExitCode
from tests.support.cli_docs import undocumented
from tests.support.logs import touchpoint
from tests.support.servers import ApacheKafka
from tests.support.world import Raw, World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, stand_still, triggers

BY_NAME = frozenset(["in_force", "configured", "values", "changed"])
APPLY = ("settings", "apply", "--set", "enter=0.3", "--set", "exit=0.2", "--by", "ada", "--json")
NEVER = {"enter": 0.95, "exit": 0.9}


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert undocumented("settings", found, BY_NAME) == []
    return found


def chosen_in(world: World) -> list[int | None]:
    """The number of the settings in force, by shard."""
    shards = answer(world.command("settings", "show", "--json"))["shards"]
    return [shard["chosen"] and shard["chosen"]["number"] for shard in shards]


def decided(world: World, what: str) -> list[list[dict[str, Any]]]:
    """Decisions of a kind, by shard."""
    told = [[json.loads(one.value) for one in records] for records in world.read("decisions")["decisions"]]
    return [[one for one in shard if one["what"] == what] for shard in told]


def buy(world: World, when: str) -> set[bytes]:
    """A purchase each by some customers of every shard, now; who they are."""
    now = int(time.time() * 1000)
    log: list[list[Raw]] = [[] for _ in range(world.config.partitions)]
    for n in range(12):
        customer = f"{when}-{n}"
        value = touchpoint("purchase", customer, now, {"amount": 5})
        log[partition_of(customer, len(log))].append((customer.encode(), value, now))
    world.produce(log)
    return {f"{when}-{n}".encode() for n in range(12)}


@pytest.mark.slow
def test_a_change_that_was_killed_in_the_middle_is_ended_by_the_same_command_and_every_shard_obeys_it(
    kafka: ApacheKafka, make_world: MakeWorld
) -> None:
    world = make_world(kafka, **{**LIVE, **NEVER})
    world.worker()
    world.wait(lambda: all(world.bodies()))
    buy(world, "before")

    killed = world.command(*APPLY, RETENTION_CRASH_POINT="settings.written:2")
    assert killed.returncode == ExitCode.CRASH_POINT
    world.wait(lambda: [number is not None for number in chosen_in(world)] == [True, True, False])
    halves = chosen_in(world)
    assert halves[0] == halves[1]
    shown = world.command("settings", "show")
    assert "configured is enter = 0.95, which counts for new applications only" in shown.stderr

    # The worker dies, too; the next one is told other thresholds, which decide nothing.
    world.kill(world.workers[0])
    world.worker(RETENTION_ENTER="0.9", RETENTION_EXIT="0.8")
    again = answer(world.command(*APPLY, "--wait", "60"))
    assert (again["number"], again["read"], again["not_read"]) == (halves[0], [0, 1, 2], [])
    assert chosen_in(world) == [halves[0]] * 3
    assert json.loads(world.command(*APPLY).stdout)["number"] is None
    told = decided(world, "settings_in_force")
    assert [[one["settings"] for one in shard] for shard in told] == [[{"enter": [0.95, 0.3], "exit": [0.9, 0.2]}]] * 3

    bought = buy(world, "after")
    world.wait(lambda: triggers(world).keys() >= bought)

    refused = world.command("settings", "apply", "--set", "tick_days=3")
    assert refused.returncode == ExitCode.USAGE
    assert "every stored tick and example lies on its grid" in refused.stderr
    stand_still(world)
    expected = world.check()
    assert [shard.state.totals.choices for shard in expected.shards] == [2, 2, 1]
