"""An event that is told twice of a customer of two ids counts once, as far as their records remember."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.customer.layout import IDS, SPENT
from models.customer.merged import is_merged, join_rings
from models.customer.record import Record
from models.engine.apply import apply as compiled
from models.engine.step import Engine
from models.settings import DAY, HOUR
from tests.reference.engine import apply as plainly
from tests.support.identities import Shards
from tests.support.logs import START, clock, told
from tests.unit.models.engine.test_identities import home, records_of
from tests.unit.models.simulation.test_rehearsal import VARIANTS

ENGINES = [compiled, plainly]
LIVE = VARIANTS["live"]
WINDOW = replace(LIVE, duplicate_window=7 * DAY)


def shards_of(apply: Engine, window: bool = False) -> Shards:
    shards = Shards(2, WINDOW if window else LIVE, apply)
    for partition in range(2):
        shards.tell(partition, (START, None, clock(START)))
    return shards


def buys(shards: Shards, name: str, time: int, number: str, sent: int = 0) -> None:
    """Purchases of 1. sent: when the event reaches the log, ms."""
    entry = told("purchase", name, time, {"amount": 1}, id=number)
    shards.tell(home(name), (max(sent, time), *entry[1:]))


def merges(shards: Shards, time: int, old: str = "old", new: str = "new") -> None:
    shards.tell(home(old), told("identity_merged", old, time, {"into": new}, id=f"{old} is {new}"))


def spent(shards: Shards) -> float:
    """What all have spent once nothing is on its way, and no shard waits for another's time."""
    time = max(log[-1].timestamp for log in shards.logs)
    for _ in range(2):
        for partition in range(2):
            shards.tell(partition, (time, None, clock(time)))
        shards.come_to_rest()
    return sum(record.numbers[SPENT] for record in records_of(shards).values())


@pytest.mark.parametrize("apply", ENGINES)
def test_what_came_at_the_old_id_is_known_at_the_customers(apply: Engine) -> None:
    shards = shards_of(apply)
    buys(shards, "old", START + HOUR, "order")
    merges(shards, START + 2 * HOUR)
    shards.come_to_rest()
    buys(shards, "new", START + HOUR, "order")
    assert spent(shards) == 1.0


@pytest.mark.parametrize("apply", ENGINES)
@pytest.mark.parametrize("names", [("old", "new"), ("new", "old"), ("old", "old"), ("new", "new")])
def test_what_comes_under_both_ids_after_the_merge_counts_once(apply: Engine, names: tuple[str, str]) -> None:
    shards = shards_of(apply)
    merges(shards, START + HOUR)
    shards.come_to_rest()
    for name in names:
        buys(shards, name, START + 2 * HOUR, "order")
        shards.come_to_rest()
    assert spent(shards) == 1.0


@pytest.mark.parametrize("apply", ENGINES)
@pytest.mark.parametrize("merged_on", [0, 20])
def test_an_old_id_asks_how_old_an_event_is_as_any_other(apply: Engine, merged_on: int) -> None:
    """Whether the id became another's before or after them, the ten oldest are beyond the window."""
    shards = shards_of(apply, window=True)
    if not merged_on:
        merges(shards, START)
    for number in range(20):
        buys(shards, "old", START + number * DAY, f"o{number}")
    if merged_on:
        merges(shards, START + 20 * DAY)
    assert spent(shards) == 20.0
    for number in range(10):
        buys(shards, "old", START + number * DAY, f"o{number}", sent=START + 21 * DAY)
    assert spent(shards) == 20.0
    assert sum(shard.state.totals.duplicate for shard in shards.world.shards) == 10


@pytest.mark.parametrize("apply", ENGINES)
def test_what_an_id_passed_on_and_takes_when_it_comes_round_counts_once(apply: Engine) -> None:
    shards = shards_of(apply)
    for name, other in (("a", "b"), ("b", "a")):
        buys(shards, name, START + HOUR, f"first at {name}")
        merges(shards, START + 2 * HOUR, name, other)
        buys(shards, name, START + 3 * HOUR, f"later at {name}")
    assert spent(shards) == 4.0
    records = records_of(shards)
    assert [name for name, record in records.items() if is_merged(record.flags)] == ["b"]
    for name in ("a", "b"):
        for again in ("a", "b"):
            buys(shards, again, START + 3 * HOUR, f"later at {name}")
            shards.come_to_rest()
    assert spent(shards) == 4.0


@pytest.mark.parametrize(
    ("mine", "theirs", "kept"), [(8, 8, (4, 4)), (8, 2, (6, 2)), (1, 8, (1, 7)), (3, 2, (3, 2)), (0, 0, (0, 0))]
)
def test_of_both_rings_the_newest_stay(mine: int, theirs: int, kept: tuple[int, int]) -> None:
    own, other = Record(b"own"), Record(b"other")
    for number in range(1, mine + 4 * (mine == IDS) + 1):
        own.remember(number)
    for number in range(1, theirs + 1):
        other.remember(100 + number)
    newest = max(own.ids)
    join_rings(own, other)
    of_own = [one for one in own.ids if 0 < one < 100]
    of_other = [one for one in own.ids if one > 100]
    assert (len(of_own), len(of_other)) == kept
    assert sorted(of_own) == [*range(newest - kept[0] + 1, newest + 1)]
    assert sorted(of_other) == [*range(100 + theirs - kept[1] + 1, 100 + theirs + 1)]
    free = IDS - sum(kept)
    assert own.ids[own.ring] == 0 or not free
    own.remember(7_777)
    assert sum(map(bool, own.ids)) == min(sum(kept) + 1, IDS)
