"""Two ids are one customer: their levels of the loyalty programme become one, and what comes of that is said."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from models.customer.record import Record, unpack
from models.loyalty.membership_stored import unpack_membership
from models.loyalty.stored import timer_of
from models.settings import DAY, SECOND
from models.timeline.partitioning import partition_of
from streams.operations.audit import audit
from tests.support.identities import Shards
from tests.support.kept_topics import lines_of
from tests.support.logs import START, chosen_policy, clock, told
from tests.unit.models.engine.test_membership import POINTS, PURCHASES, SPENT, entries
from tests.unit.models.simulation.test_rehearsal import VARIANTS

NAMES = [f"n-{n}" for n in range(40)]
OLD = next(name for name in NAMES if partition_of(name, 2) == 0)
NEW = next(name for name in NAMES if partition_of(name, 2) == 1)
MERGED = START + 2 * DAY


def both(
    *purchases: tuple[str, float, float],
    texts: tuple[str, str] = (SPENT, SPENT),
    merged: int = MERGED,
    lasts: int = 3 * DAY,
) -> Shards:
    """What two ids bought, (id, day, amount), who are one customer from `merged` on, and so for `lasts`. texts: the
    policy of the old id's shard, and of the other; empty: it is not there yet."""
    shards = Shards(2, VARIANTS["live"])
    for partition, text in enumerate(texts):
        if text:
            shards.tell(partition, (START, None, chosen_policy(START, 1, text)))
        shards.tell(partition, (START, None, clock(START)))
    for number, (name, day, amount) in enumerate(purchases):
        entry = told("purchase", name, START + int(day * DAY), {"amount": amount}, id=str(number))
        shards.tell(partition_of(name, 2), entry)
    shards.tell(0, told("identity_merged", OLD, merged, {"into": NEW}, id="merge"))
    shards.tell(1, (merged, None, clock(merged)))
    shards.work()
    shards.deliver((0, 1))
    for partition in range(2):
        shards.tell(partition, (merged + lasts, None, clock(merged + lasts)))
    shards.work()
    assert all(shard.state.time == merged + lasts for shard in shards.world.shards)
    return shards


def went(shards: Shards) -> list[tuple[float, str, str]]:
    """(s since the merge, change, level) of the customer, from the merge on."""
    said = [one for one in entries(shards.world) if one["customer"] == NEW]
    first = next(n for n, one in enumerate(said) if one["membership"]["change"] == "moved_here")
    return [
        (
            (one["time"] - said[first]["time"]) / SECOND,
            one["membership"]["change"],
            one["membership"].get("level", ""),
        )
        for one in said[first:]
    ]


def decided(shards: Shards) -> list[Any]:
    said = (msgspec.json.decode(one.value) for shard in shards.world.shards for one in shard.outputs)
    return [one["moment"] for one in said if one.get("what") == "decided" and one["customer"] == NEW]


def test_a_level_that_both_ids_reach_together_is_reached_and_asks_within_a_second() -> None:
    shards = both((OLD, 1, 30), (NEW, 1, 30))
    assert went(shards) == [(0, "moved_here", "silver"), (1, "reached", "gold")]
    assert decided(shards).count("up") == 2
    assert audit(lines_of(shards.world)).breaches == []


def test_the_higher_level_stays_and_of_two_that_end_the_later_end() -> None:
    assert went(both((OLD, 1, 60), (NEW, 1, 5))) == [(0, "moved_here", "gold")]
    text = SPENT.replace('window = "70d"', 'window = "5d"').replace('grace = "10d"', 'grace = "20d"')
    shards = both((OLD, 3, 30), (NEW, 1, 30), texts=(text, text), merged=START + 12 * DAY)
    ends = {
        one["membership"]["change"]: one["membership"]["until"]
        for one in entries(shards.world)
        if one["membership"].get("until")
    }
    graces = [one for one in entries(shards.world) if one["membership"]["change"] == "grace"]
    of_old, of_new = (
        next(one["membership"]["until"] for one in graces if one["customer"] == name) for name in (OLD, NEW)
    )
    assert ends["moved_here"] == of_old > of_new


def test_a_level_that_comes_with_nothing_that_counts_is_looked_at_all_the_same() -> None:
    """What counted at the other id is of another unit: the level has its grace, and is lost."""
    shards = both((OLD, 1, 30), (NEW, 1, 5), texts=(SPENT, PURCHASES), lasts=12 * DAY)
    assert [one[1:] for one in went(shards)] == [("moved_here", "silver"), ("grace", "silver"), ("lowered", "")]
    assert went(shards)[1][0] == 1
    assert unpack_membership(record_of(shards).tail.membership).level == ""


def test_what_has_lapsed_and_is_not_booked_yet_lapses_at_the_customers_and_the_grace_counts_from_then() -> None:
    [lot] = next(one["membership"]["lots"] for one in entries(both((OLD, 1, 30)).world))
    shards = both((OLD, 1, 30), merged=lot[0] + 5 * SECOND)
    assert [one[1] for one in went(shards)] == ["moved_here", "lapsed", "grace"]
    assert unpack_membership(record_of(shards).tail.membership).until == lot[0] + 10 * DAY


@pytest.mark.parametrize("text", [SPENT, POINTS], ids=["levels", "points"])
def test_where_no_policy_is_in_force_what_came_over_waits_for_one(text: str) -> None:
    """The timers of what another shard has kept ring for nobody: the engine goes on."""
    shards = both((OLD, 1, 30), texts=(text, ""), lasts=40 * DAY)
    assert went(shards) == [(0, "moved_here", "silver")]
    assert timer_of(record_of(shards).tail.membership)


def record_of(shards: Shards) -> Record:
    name = NEW.encode()
    return unpack(name, shards.world.shards[1].records[name])
