"""An id that is exempt from the control group by its tier of value brings nobody into it when it turns out to be
another customer's."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from models.customer.record import Record, unpack
from models.engine.apply import apply as compiled
from models.engine.step import Engine
from models.settings import DAY
from models.timeline.partitioning import partition_of
from tests.reference.engine import apply as plainly
from tests.support.families import slow_but
from tests.support.identities import Shards
from tests.support.logs import START, chosen_policy, clock, told
from tests.support.policies import VALUED
from tests.support.replies import busy
from tests.unit.models.simulation.test_rehearsal import VARIANTS

DAYS = 100
ALL_HELD_OUT = VALUED.replace("share = 0.05", "share = 1.0")
EXEMPT = ALL_HELD_OUT.replace("[control]", '[control]\nexempt_tiers = ["best", "good", "others"]')


def lived(apply: Engine, text: str) -> Shards:
    shards = Shards(2, VARIANTS["live"], apply)
    for partition, log in enumerate(busy(3, 2, 24, DAYS, START)):
        shards.tell(partition, (START, None, chosen_policy(START, 1, text)))
        for one in log:
            shards.tell(partition, (one.timestamp, one.key, one.value))
    shards.come_to_rest()
    return shards


def in_tiers(shards: Shards) -> dict[str, Record]:
    """Who is in a tier, and with whom we stand in some way."""
    found = {name.decode(): unpack(name, one) for shard in shards.world.shards for name, one in shard.records.items()}
    return {name: one for name, one in found.items() if one.worth.bucket and one.worth.tier and one.tail.standing}


def taken_over(shards: Shards) -> list[dict[str, Any]]:
    outputs = (one for shard in shards.world.shards for one in shard.outputs if one.role == "decisions")
    return [one for one in map(msgspec.json.decode, (one.value for one in outputs)) if one["what"] == "taken_over"]


@pytest.mark.parametrize("apply", slow_but((compiled, plainly), (compiled,)))
@pytest.mark.parametrize("text", [ALL_HELD_OUT, EXEMPT], ids=["nobody exempt", "exempt"])
def test_who_is_exempt_by_tier_brings_nobody_into_the_control_group(apply: Engine, text: str) -> None:
    shards = lived(apply, text)
    old, new, *_ = sorted(in_tiers(shards))
    time = START + (DAYS + 1) * DAY
    shards.tell(partition_of(old, 2), told("identity_merged", old, time, {"into": new}, id="merge"))
    for days in (1, 2):
        for partition in range(2):
            shards.tell(partition, (time + days * DAY, None, clock(time + days * DAY)))
        shards.come_to_rest()
    (said,) = taken_over(shards)
    assert said["customer"] == new
    assert said.get("control", False) == (text == ALL_HELD_OUT)
