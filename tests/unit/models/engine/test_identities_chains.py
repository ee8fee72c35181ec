"""Chains and circles of more ids than a record between shards can name."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from models.customer.layout import ERASED, SPENT
from models.customer.merged import is_merged
from models.engine.apply import apply as compiled
from models.engine.step import Engine
from tests.reference.engine import apply as plainly
from tests.support.families import slow_but
from tests.support.identities import Shards
from tests.support.logs import START, clock, told
from tests.unit.models.engine.test_identities import home, lead_to, records_of
from tests.unit.models.simulation.test_rehearsal import VARIANTS

IDS = [f"k{n:02}" for n in range(40)]


def bought(apply: Engine) -> Shards:
    """Each id has spent 1."""
    shards = Shards(2, VARIANTS["live"], apply)
    for partition in range(2):
        shards.tell(partition, (START, None, clock(START)))
    for name in IDS:
        tells(shards, "purchase", name, amount=1)
    return shards


def tells(shards: Shards, kind: str, name: str, **data: object) -> None:
    time = max(log[-1].timestamp for log in shards.logs) + 1
    shards.tell(home(name), told(kind, name, time, data, id=f"{kind}-{name}-{time}"))


def revived(shards: Shards) -> list[str]:
    said = [msgspec.json.decode(o.value) for s in shards.world.shards for o in s.outputs if o.role == "decisions"]
    return [one["customer"] for one in said if one["what"] == "revived"]


@pytest.mark.parametrize("apply", [compiled, plainly])
def test_what_comes_at_the_first_of_many_ids_goes_to_the_last(apply: Engine) -> None:
    shards = bought(apply)
    for old, new in pairwise(IDS):
        tells(shards, "identity_merged", old, into=new)
        shards.come_to_rest()
    tells(shards, "purchase", IDS[0], amount=1000)
    shards.come_to_rest()
    records = records_of(shards)
    assert {lead_to(records, name) for name in IDS} == {IDS[-1]}
    assert records[IDS[-1]].numbers[SPENT] == 1040.0
    assert revived(shards) == []
    tells(shards, "erase_requested", IDS[0])
    shards.come_to_rest()
    last = records_of(shards)[IDS[-1]]
    assert last.flags & ERASED
    assert last.numbers[SPENT] == 0.0


@pytest.mark.parametrize("apply", slow_but((compiled, plainly), (plainly,)))
def test_of_many_ids_in_a_circle_the_smallest_stays(apply: Engine) -> None:
    shards = bought(apply)
    for old, new in zip(IDS, [*IDS[1:], IDS[0]], strict=True):
        tells(shards, "identity_merged", old, into=new)
    for name in IDS:
        tells(shards, "purchase", name, amount=1)
    shards.come_to_rest()
    records = records_of(shards)
    assert [name for name in IDS if not is_merged(records[name].flags)] == [IDS[0]]
    assert {lead_to(records, name) for name in IDS} == {IDS[0]}
    assert records[IDS[0]].numbers[SPENT] == 80.0
    assert revived(shards) == [IDS[0]]
