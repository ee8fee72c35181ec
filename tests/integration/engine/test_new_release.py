"""A live application comes under a release that learns otherwise: nothing stands still, nothing is said twice."""

from __future__ import annotations

import time

import msgspec
import pytest

import models.churn.mixture.learner as mixture
from models.churn import Version
from models.learning.adoption import Recorded, VersionName
from models.learning.schema import schema_of
from models.outputs import IN_FORCE, Decision
from models.simulation.rehearsal import rehearse
from tests.support.servers import ApacheKafka
from tests.support.world import World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, shopping, stand_still

OTHER = "import models.churn.mixture.learner as learner; learner.MEMORY += 1.0; "


class Load:
    """A purchase of each of some customers every other second, while somebody waits."""

    def __init__(self, world: World) -> None:
        self._world, self._next = world, 0.0

    def goes_on(self) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + 2
            shopping(self._world, 30)


def states(world: World) -> list[tuple[int, object]]:
    """Of each shard the version in force."""
    return [(body.state.version, body.state.lineage) if body else (-1, "") for body in world.bodies()]


@pytest.mark.slow
def test_a_live_application_goes_on_under_a_release_that_learns_otherwise(
    kafka: ApacheKafka, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(kafka, **LIVE)
    load = Load(world)

    def under_load(done: bool) -> bool:
        load.goes_on()
        return done

    world.worker()
    world.worker()
    world.wait(lambda: under_load(all(version > 0 for version, _ in states(world))))
    world.end()
    before, learner = world.next_offsets(), world.redis.hget(f"{{{world.config.app}:learner}}:meta", "body")
    monkeypatch.setattr(mixture, "MEMORY", mixture.MEMORY + 1.0)
    lineage = schema_of(world.config.engine())
    monkeypatch.undo()

    world.release = OTHER
    world.worker()
    world.worker()
    world.wait(lambda: under_load(all(n > b for n, b in zip(world.next_offsets(), before, strict=True))))
    try:
        world.wait(lambda: under_load(all(of == lineage for _, of in states(world))))
    except AssertionError as error:
        newest = world.redis.get(f"{{{world.config.app}:learner-{lineage}}}:cut")
        raise AssertionError(f"lineage {lineage} at {newest!r}, in force {states(world)}") from error
    assert world.wrote("versions of another model: relearning, at ")
    assert world.redis.hget(f"{{{world.config.app}:learner}}:meta", "body") == learner
    stand_still(world)

    engine, topic, logs = world.config.engine(), world.config.topic("touchpoints"), world.logs()
    with pytest.MonkeyPatch.context() as other:
        other.setattr(mixture, "MEMORY", mixture.MEMORY + 1.0)
        learned = rehearse(logs, engine, topic).versions

    def of_the_new_release(name: VersionName) -> Version | None:
        assert name.lineage == lineage
        return msgspec.structs.replace(learned[name.boundary], lineage=lineage)

    told = [
        [msgspec.json.decode(record.value, type=Decision) for record in records]
        for records in world.read("decisions")["decisions"]
    ]
    rules = [Recorded(decisions) for decisions in told]
    expected = rehearse(logs, engine, topic, adoptions=rules, others=of_the_new_release)
    for n, shard in enumerate(expected.shards):
        assert world.records(n) == shard.records, f"records of shard {n} differ"
        changes = [decision for decision in told[n] if decision.what == IN_FORCE]
        assert changes[-1].lineage == lineage
        assert not changes[0].lineage
    world.check_outputs(expected)
