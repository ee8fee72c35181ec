"""`retention rebuild --into` and `retention switch` on real servers, under load, killed in the middle."""

from __future__ import annotations

import json

import pytest

from streams.errors import ExitCode
from tests.support.servers import ApacheKafka
from tests.support.world import World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, shopping, triggers
from tests.support.world_traces import OUTPUT_ROLES

OTHERWISE = {"RETENTION_ENTER": "0.45", "RETENTION_EXIT": "0.35"}
"""The new application's settings."""


def _triggers(world: World) -> list[tuple[str, int, int]]:
    """(customer, episode, step) of all triggers, after a look at the outputs of both applications together."""
    for role, partitions in world.read(*OUTPUT_ROLES).items():
        for n, records in enumerate(partitions):
            sequences = [int(dict(record.headers)["count"]) for record in records]
            if role != "triggers":  # of those one that expired leaves its number unused
                assert sequences == list(range(1, len(sequences) + 1)), f"{role} of shard {n}"
            assert sequences == sorted(set(sequences)), f"{role} of shard {n}"
    found = [one for sent in triggers(world).values() for one in sent]
    assert len({one.id for one in found}) == len(found)
    return [(one.customer, one.episode, one.step) for one in found]


@pytest.mark.slow
@pytest.mark.parametrize("crash", ["switch.2.fenced", "switch.5.handed_over"])
def test_a_switch_under_load_that_is_killed_and_repeated_triggers_everybody_once(
    kafka: ApacheKafka, make_world: MakeWorld, crash: str
) -> None:
    world = make_world(kafka, **LIVE)
    green = f"{world.config.app}-green"
    old = world.worker()
    world.wait(lambda: world.owned(old) > 0)  # who is silent for long meanwhile has lapsed, and is asked for nothing
    shopping(world, 30)
    world.wait(lambda: len(triggers(world)) > 5)
    followed = world.command("rebuild", "--into", green, "--json", **OTHERWISE)
    assert followed.returncode == 0, followed.stderr
    early = world.worker(RETENTION_APP=green, **OTHERWISE)
    assert world.ended(early, 120) == ExitCode.SWITCHED_OFF
    assert "follows that of" in world.log_of(early)
    shopping(world, 30)
    killed = world.command("switch", green, RETENTION_CRASH_POINT=crash, **OTHERWISE)
    assert killed.returncode == ExitCode.CRASH_POINT, killed.stderr
    assert world.ended(old, 120) in (ExitCode.FENCED, ExitCode.SWITCHED_OFF), world.output()
    shopping(world, 40)
    done = world.command("switch", green, "--json", **OTHERWISE)
    assert done.returncode == 0, done.stderr
    positions = json.loads(done.stdout)["next_offsets"]
    assert positions == {str(n): offset for n, offset in enumerate(world.next_offsets())}
    restarted = world.worker()
    assert world.ended(restarted, 120) == ExitCode.SWITCHED_OFF
    assert green in world.log_of(restarted)
    before = _triggers(world)
    world.worker(RETENTION_APP=green, **OTHERWISE)
    world.worker(RETENTION_APP=green, **OTHERWISE)
    world.wait(lambda: len({customer for customer, _, _ in _triggers(world)}) == 40)
    assert world.stop() == [ExitCode.OK, ExitCode.OK]
    after = _triggers(world)
    assert len(set(after)) == len(after), "somebody was triggered twice in an episode"
    assert len(after) > len(before)
    looked_at = world.command("customer", "buyer-003", "--json")
    assert json.loads(looked_at.stdout)["customer"] == "buyer-003"
