"""An owner that was stopped (SIGSTOP) past its session comes back and finds that others own its shards."""

from __future__ import annotations

import signal
import time

import pytest

from streams.errors import ExitCode
from tests.support.servers import ApacheKafka
from tests.support.world import World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_logs import lengths, split, tape_log
from tests.support.world_places import untokened

PLACES = ("0", "1", "2", "learner")


def _stands(world: World) -> dict[str, object]:
    return {place: untokened(world.redis, world.config.app, place) for place in PLACES}


@pytest.mark.slow
def test_a_paused_owner_writes_nothing_after_it_lost_its_shards(kafka: ApacheKafka, make_world: MakeWorld) -> None:
    world = make_world(kafka, batch_records=20)
    log = tape_log(seed=6)
    before, rest = split(log, 0.6)
    world.produce(before)
    paused = world.worker()
    world.wait(lambda: sum(world.next_offsets()) > 0.3 * sum(lengths(log)))
    paused.send_signal(signal.SIGSTOP)
    world.produce(rest)
    other = world.worker()
    world.wait(lambda: world.done(lengths(log)))
    world.rest(world.commits)  # the last trims, the last version
    stood, public = _stands(world), _ids(world)
    paused.send_signal(signal.SIGCONT)
    # It is either refused at a write, or told by the coordinator that it has been replaced, and joins again.
    world.wait(lambda: paused.poll() is not None or world.log_of(paused).count("took over") > 1, ended_well=(paused,))
    time.sleep(1)
    assert paused.poll() in (None, ExitCode.FENCED), world.output()
    assert other.poll() is None, world.output()
    assert _stands(world) == stood, "something was written after the pause"
    assert _ids(world) == public, "something was published after the pause"
    world.check()


def _ids(world: World) -> dict[str, list[list[bytes]]]:
    return {
        role: [[dict(record.headers)["id"] for record in partition] for partition in partitions]
        for role, partitions in world.read("triggers", "decisions", "examples", "deadletters").items()
    }
