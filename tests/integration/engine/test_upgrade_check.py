"""`retention upgrade check` on real servers, under the release that stored what is there and under another one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from streams.errors import ExitCode
from tests.integration.engine.test_new_release import OTHER
from tests.support.cli_docs import undocumented
from tests.support.servers import PROJECT, ApacheKafka
from tests.support.world import World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_logs import tape_log

BY_SHARD = frozenset(["example_offsets"])


def checked_by(release: str, world: World) -> subprocess.CompletedProcess[str]:
    """The command of another release, to its end."""
    told = {f"RETENTION_{name.upper()}": str(value) for name, value in world.settings.items()}
    return subprocess.run(
        [sys.executable, "-c", f"{release}from streams.cli.main import main; main()", "upgrade", "check"],
        env={**os.environ, **told, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_what_another_release_changes_is_told_before_its_workers_start(
    kafka: ApacheKafka, make_world: MakeWorld
) -> None:
    world = make_world(kafka)
    world.run(tape_log(seed=4, customers=12, days=40))
    same = world.command("upgrade", "check", "--predictions", "always", "--json")
    assert same.returncode == ExitCode.OK, same.stdout + same.stderr
    told = json.loads(same.stdout)
    assert undocumented("upgrade", told, BY_SHARD) == []
    assert {one["status"] for one in told["checks"]} == {"ok"}
    compared = told["predictions"]["compared"]
    assert compared["labels"] > 0
    assert compared["in_force"] == compared["relearned"]
    assert compared["difference"] == 0
    before = world.redis.dbsize()
    other = checked_by(OTHER, world)
    assert other.returncode == ExitCode.OK, other.stdout + other.stderr
    assert "will relearn  learner           this release learns otherwise: it learns " in other.stdout
    assert "  relearned  log-loss " in other.stdout
    assert other.stdout.endswith("workers of this release can start\n")
    assert world.redis.dbsize() == before
