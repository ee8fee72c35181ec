"""An operator applies a policy while workers run, and is killed in the middle: the same command again ends it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from models.decisions.policy.in_force import sha256_of
from models.decisions.policy.vocabulary import policy_read
from streams.errors import ExitCode
from streams.shard.meta import ShardBody, pack_body
from tests.integration.engine.test_settings_apply import buy, decided
from tests.support.cli_docs import undocumented
from tests.support.servers import ApacheKafka
from tests.support.world import World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, stand_still
from tests.unit.models.decisions.policy.test_reading import EXAMPLE, SMALL

BY_KEY = frozenset(["changed", "by_level", "by_kind", "held"])


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert undocumented("policy", found, BY_KEY) == []
    return found


def in_force(world: World) -> list[str | None]:
    """The name of the policy in force, by shard."""
    shards = answer(world.command("policy", "show", "--json"))["shards"]
    return [shard["policy"] and shard["policy"]["name"] for shard in shards]


@pytest.mark.slow
def test_a_policy_whose_application_was_killed_in_the_middle_is_ended_by_the_same_command_and_every_shard_obeys_it(
    kafka: ApacheKafka, make_world: MakeWorld, tmp_path: Path
) -> None:
    world, file, other = make_world(kafka, **LIVE), tmp_path / "policy.toml", tmp_path / "other.toml"
    file.write_text(EXAMPLE, encoding="utf-8")
    other.write_text(SMALL, encoding="utf-8")
    apply = ("policy", "apply", str(file), "--by", "ada", "--reason", "first policy", "--json")
    world.worker()
    world.wait(lambda: all(world.bodies()))
    buy(world, "before")
    assert in_force(world) == [None] * 3
    assert world.command("policy", "show").stdout == "shards 0, 1, 2: no policy\n"

    killed = world.command(*apply, RETENTION_CRASH_POINT="policy.written:2")
    assert killed.returncode == ExitCode.CRASH_POINT
    world.wait(lambda: [name is not None for name in in_force(world)] == [True, True, False])
    halves = in_force(world)
    assert halves[0] == halves[1]
    assert "not read yet by shard 2; start a worker, or repeat" in world.command("policy", "show").stderr

    # The worker dies, too; the next one finds the policy beside the shard.
    world.kill(world.workers[0])
    world.worker()
    again = answer(world.command(*apply, "--wait", "60"))
    assert (again["policy"]["name"], again["read"], again["not_read"]) == (halves[0], [0, 1, 2], [])
    assert in_force(world) == [halves[0]] * 3
    assert answer(world.command(*apply))["policy"] is None
    told = decided(world, "policy_in_force")
    assert [[(one["policy"], one["reason"]) for one in shard] for shard in told] == [
        [(halves[0], "applied by ada: first policy")]
    ] * 3
    buy(world, "after")

    shown = world.command("settings", "show").stderr
    assert "a policy is in force in shard 0, 1, 2: enter, exit, trigger_life_s decide nothing there" in shown

    difference = answer(world.command("policy", "diff", str(other), "--json"))
    assert difference["from"]["sha256"] == sha256_of(EXAMPLE)
    assert difference["changed"]["action.offer.discount"] == [0.6, None]
    refused = world.command("policy", "apply", str(other), "--by", "bert", "--from", "0" * 64)
    assert refused.returncode == ExitCode.USAGE
    assert f"made from {'0' * 64}, and in force is {sha256_of(EXAMPLE)}" in refused.stderr
    given = ("--by", "bert", "--from", sha256_of(EXAMPLE)[:8])
    dry = world.command("policy", "apply", str(other), *given, "--dry-run")
    assert "action.offer.discount  0.6 -> -\n" in dry.stdout
    assert dry.stdout.endswith("nothing was written: --dry-run\n")
    second = world.command("policy", "apply", str(other), *given, "--wait", "60")
    assert second.returncode == 0, second.stderr
    assert second.stdout.endswith("read by all 3 shards\n")
    assert world.command("policy", "show", "--text").stdout == SMALL

    stand_still(world)
    expected = world.check()
    assert [shard.state.totals.choices for shard in expected.shards] == [3, 3, 2]
    verified = world.command("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr

    def second() -> ShardBody:
        body = world.body(1)
        assert body is not None
        return body

    older = pack_body(structs.replace(second(), policy_read=(1, 7)))
    world.redis.hset(f"{{{world.config.app}:1}}:meta", "body", older)
    refused = world.command("policy", "apply", str(file), "--by", "bert")
    assert refused.returncode == ExitCode.USAGE
    assert "the worker of shard 1 is of an older release: it reads policies of format 1, 7 words" in refused.stderr
    assert "upgrade the workers first" in refused.stderr
    world.worker()
    world.wait(lambda: second().policy_read == policy_read())
    assert world.command("policy", "apply", str(file), "--by", "bert", "--wait", "60").returncode == 0
