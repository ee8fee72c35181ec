"""In a replay a damaged model version is refused: the shard waits, says so, and goes on with the right bytes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from streams.errors import ExitCode
from tests.support.servers import ApacheKafka
from tests.support.world import World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_logs import lengths, split, tape_log


def _in_force(world: World) -> bytes:
    """The key of the version with which the shards decide."""
    versions = {body.state.version for body in world.bodies() if body is not None}
    assert len(versions) == 1
    return f"{{{world.config.app}:learner}}:v:{versions.pop()}".encode()


def _damaged(value: bytes) -> bytes:
    digit = re.search(rb'"share":0\.(\d)', value)
    assert digit is not None
    at = digit.start(1)
    return value[:at] + str((int(digit[1]) + 1) % 10).encode() + value[at + 1 :]


@pytest.mark.slow
def test_a_shard_waits_for_the_right_bytes_of_its_model_version(kafka: ApacheKafka, make_world: MakeWorld) -> None:
    world = make_world(kafka)
    before, after = split(tape_log(seed=13, customers=60), 0.6)
    world.produce(before)
    world.worker()
    world.wait(lambda: world.done(lengths(before)))
    world.stop()
    world.produce(after)
    ends = [a + b for a, b in zip(lengths(before), lengths(after), strict=True)]
    key = _in_force(world)
    kept = world.redis.get(key)
    assert isinstance(kept, bytes)
    stood = world.next_offsets()

    changes: list[tuple[Callable[[bytes], bytes], str]] = [
        (_damaged, "is refused: the checksum of the Version does not fit its body"),
        (lambda value: value[:-10], "is refused: not a sealed Version"),
    ]
    world.redis.set(key, changes[0][0](kept))
    for n in range(world.config.partitions):  # a shard's own copy would do
        world.redis.delete(f"{{{world.config.app}:{n}}}:version")
    worker = world.worker()
    for change, told in changes:
        world.redis.set(key, change(kept))
        world.wait(lambda told=told: told in world.log_of(worker))  # type: ignore[misc]  # a lambda's default
    time.sleep(1)
    assert world.next_offsets() == stood, "a shard went on without its model version"
    world.redis.set(key, kept)
    world.wait(lambda: world.done(ends))
    assert world.stop() == [ExitCode.OK]
    world.check()
