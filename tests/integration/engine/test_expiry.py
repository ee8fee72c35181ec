"""A trigger that expired before it could be sent is not sent; its episode may ask again."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from models.settings import SECOND
from models.timeline.partitioning import partition_of
from tests.support.logs import touchpoint
from tests.support.servers import ApacheKafka
from tests.support.world import World
from tests.support.world_fixtures import MakeWorld
from tests.support.world_live import LIVE, send, stand_still, triggers

LIFE_S = 8


def _decisions(world: World, customer: str) -> list[dict[str, Any]]:
    shard = partition_of(customer, world.config.partitions)
    records = world.read("decisions")["decisions"][shard]
    return [msgspec.json.decode(record.value) for record in records if record.key == customer.encode()]


@pytest.mark.slow
def test_a_trigger_that_expired_unsent_is_replaced_in_the_log_and_its_episode_asks_again(
    kafka: ApacheKafka, make_world: MakeWorld
) -> None:
    # With a long horizon she has not lapsed yet, however long a busy machine takes to start a worker.
    world = make_world(kafka, **LIVE | {"trigger_life_s": LIFE_S, "horizon_days": 600 / 86_400})
    now = int(time.time() * 1000)
    send(world, "anna", touchpoint("purchase", "anna", now - 5 * SECOND, {"amount": 20}), now)
    # Nobody is at work when her tick comes, nor while its trigger would have been worth sending.
    time.sleep(world.config.tick_days * 86_400 + LIFE_S + 0.5)
    world.worker()
    world.wait(lambda: b"anna" in triggers(world))
    stand_still(world)
    world.check()

    decisions = _decisions(world, "anna")
    public = triggers(world)[b"anna"]
    # On a busy machine the second may come too late as well.
    sent = next(n for n, decision in enumerate(decisions) if decision.get("trigger") == public[0].id)
    told = ["episode_opened", *["rearmed", "episode_continued"] * (sent // 2)]
    assert [decision["what"] for decision in decisions[: sent + 1]] == told
    assert public[0].step == 1 + sent // 2 >= 2
    unsent = {decision["trigger"] for decision in decisions[:sent:2]}
    assert not unsent & {trigger.id for trigger in public}
    assert world.expired_unsent() >= unsent
    assert not world.expired_unsent() & {trigger.id for trigger in public}
