"""Several people change the policy while workers run: proposed, approved, applied for a time, rolled back, told."""

from __future__ import annotations

import json
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from models.decisions.policy.in_force import sha256_of
from streams.errors import ExitCode
from tests.integration.engine.test_settings_apply import buy, decided
from tests.support.cli_docs import undocumented
from tests.support.servers import ApacheKafka
from tests.support.world import World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, stand_still
from tests.unit.models.decisions.policy.test_people import TEAM, policy

BY_KEY = frozenset(["changed", "by_level", "by_kind", "held"])
FIRST = policy(TEAM.replace("max_touched = 5000", "max_touched = 0").replace("two_from = 1000", "two_from = 1000000"))
LOWER = FIRST.replace("at = 0.5 ", "at = 0.45 ") + '\n[[basis]]\nneeds = "nothing"\n'
"""What it does at a level needs no consent."""


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert undocumented("policy", found, BY_KEY) == []
    return found


def refused(done: subprocess.CompletedProcess[str], told: str) -> None:
    assert done.returncode == ExitCode.USAGE, (done.stdout, done.stderr)
    assert told in done.stderr


def names(world: World, key: str = "policy") -> list[str | None]:
    """By shard, the name of what is in force, or waits."""
    return [one[key] and one[key]["name"] for one in answer(world.command("policy", "show", "--json"))["shards"]]


@pytest.mark.slow
def test_a_change_goes_its_way_through_several_people_and_back(
    kafka: ApacheKafka, make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world(kafka, **{**LIVE, "tick_days": 1.0, "horizon_days": 7.0, "version_every_s": 2})
    first, lower = tmp_path / "first.toml", tmp_path / "lower.toml"
    first.write_text(FIRST, encoding="utf-8")
    lower.write_text(LOWER, encoding="utf-8")
    world.worker()
    world.wait(lambda: all(world.bodies()))
    assert answer(world.command("policy", "apply", str(first), "--by", "ada", "--json", "--wait", "60"))["policy"]
    buy(world, "before")
    begun = names(world)

    refused(world.command("policy", "apply", str(lower), "--by", "ada", "--yes", "1000"), "nobody has proposed it")
    refused(world.command("policy", "apply", "nowhere.toml", "--by", "ada"), "no such file, nor the number or hash")
    refused(
        world.command("policy", "propose", str(lower), "--by", "bert", "--reason", "more"),
        "bert may propose no change of risk, basis",
    )
    given = ("--by", "ada", "--reason", "more", "--from", sha256_of(FIRST)[:8], "--json")
    killed = world.command("policy", "propose", str(lower), *given, RETENTION_CRASH_POINT="ledger.written")
    assert killed.returncode == ExitCode.CRASH_POINT
    made = answer(world.command("policy", "propose", str(lower), *given))
    assert (made["new"], made["proposal"]["sections"]) == (False, ["risk", "basis"])
    number = str(made["proposal"]["number"])
    assert made["touched"]["looked_at"] == len(list(world.redis.scan_iter(f"{{{world.config.app}:*}}:c:*")))
    (listed,) = answer(world.command("policy", "proposals", "--json"))["proposals"]
    assert listed["lacks"] == [
        "risk needs 1 of ada, and has nobody's approval",
        "basis needs 1 of ada, and has nobody's approval",
    ]
    refused(world.command("policy", "approve", number, "--by", "bert"), "bert may approve none of what it changes")
    refused(world.command("policy", "apply", number, "--by", "bert", "--yes", "1000"), "lacks approvals: risk needs 1")
    assert answer(world.command("policy", "approve", number, "--by", "ada", "--json"))["proposal"]["lacks"] == []

    told = made["touched"]
    assert (told["above"], told["by_level"], told["by_kind"]) == (12, {"at_risk": 12}, {"useful": 12})
    begun_at = time.monotonic()
    few = world.command("policy", "apply", number, "--by", "bert", "--yes", "11")
    refused(few, "12 customers would be touched in the first day, and max_touched is 0")
    command_s = time.monotonic() - begun_at
    # Four commands come before it has its time.
    at = datetime.fromtimestamp(time.time() + 15 + 10 * command_s, UTC).isoformat()
    by_bert = ("--by", "bert", "--at", at, "--yes", "12", "--json", "--wait", "60")
    applied = answer(world.command("policy", "apply", number, *by_bert))
    assert applied["read"] == [0, 1, 2]
    assert names(world) == begun
    assert names(world, "waiting") == [applied["policy"]["name"]] * 3
    assert "waits for" in world.command("policy", "show").stdout
    world.wait(lambda: names(world) == [applied["policy"]["name"]] * 3)
    assert names(world, "waiting") == [None] * 3
    assert [[one["policy"] for one in shard] for shard in decided(world, "policy_waiting")] == [
        [applied["policy"]["name"]]
    ] * 3

    back = ("policy", "rollback", begun[0].partition("-")[0] if begun[0] else "", "--by", "ada", "--reason", "enough")
    asked = answer(world.command(*back, "--json"))["proposal"]
    assert str(asked["rolls_back"]) == back[2]
    assert world.command("policy", "approve", str(asked["number"]), "--by", "ada").returncode == 0
    assert answer(world.command(*back, "--json", "--yes", "1000", "--wait", "60"))["read"] == [0, 1, 2]
    assert world.command("policy", "show", "--text").stdout == FIRST

    told = answer(world.command("policy", "history", "--json"))["policies"]
    assert [(one["by"], one["proposer"], one["approvers"]) for one in told] == [
        ("ada", None, []),
        ("bert", "ada", ["ada"]),
        ("ada", "ada", ["ada"]),
    ]
    assert told[1]["at"] is not None
    # Redis loses who did what; the log has it.
    world.redis.delete(*world.redis.scan_iter(f"{{{world.config.app}:policies}}*"))
    (left,) = answer(world.command("policy", "history", "--json"))["policies"]
    assert (left["sha256"], left["by"]) == (sha256_of(FIRST), "")
    found = answer(world.command("policy", "history", "--log", "--json"))["policies"]
    assert [{**one, "base": None, "time": None} for one in found] == [
        {**one, "base": None, "time": None} for one in told
    ]
    assert "no proposal" in world.command("policy", "approve", number, "--by", "ada").stderr
    assert answer(world.command("policy", "proposals", "--json"))["proposals"] == []

    stand_still(world)
    world.check()
    verified = world.command("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
