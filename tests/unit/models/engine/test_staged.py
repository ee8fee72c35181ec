"""Customers by stage of the loyalty loop: counted as records change, and said in the pulse."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from msgspec import UNSET

from models.customer.record import unpack
from models.customer.restrictions import TEST, unpack_restrictions
from models.loyalty.loop import STAGES, Loop, pack_loop, stage_in, unpack_loop
from models.settings import DAY, HOUR
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from tests.reference.engine import apply as plainly
from tests.support.bench import digest
from tests.support.logs import START, chosen_policy, inserted, log_of, synthetic, told
from tests.support.policies import EAGER
from tests.unit.models.engine.test_loyalty import LOOP
from tests.unit.models.engine.test_plain_reference import erasing
from tests.unit.models.simulation.test_rehearsal import VARIANTS

KEPT = EAGER + LOOP


@cache
def log(customers: int, days: int) -> list[list[LogRecord]]:
    """With the policy from the start, erasures, restrictions that end, who tries things out, and merged ids."""
    made = []
    for part in erasing(4, synthetic(4, partitions=2, customers=customers, days=days)):
        entries = [(entry.timestamp, entry.key, entry.value) for entry in part]
        names = sorted({one.key.decode() for one in part if one.key and one.key.startswith(b"c-")})
        for n, name in enumerate(names):
            time = START + (20 + n) * DAY + n * HOUR
            if n % 7 == 0:
                entries.append(told("restricted", name, time, {"reason": "test"}))
            if n % 7 == 2:
                entries.append(told("restricted", name, time, {"reason": "dispute"}))
            if n % 7 == 4:
                entries.append(told("identity_merged", name, time, {"into": names[n - 1]}))
        policy = chosen_policy(START + HOUR, 1, KEPT)
        made.append(inserted(log_of(sorted(entries, key=lambda one: one[0])), [(START + HOUR, policy)]))
    return made


@cache
def lived(variant: str = "live") -> Rehearsal:
    return rehearse(log(40, 130), VARIANTS[variant])


def pulses(world: Rehearsal) -> list[dict[str, Any]]:
    said = (json.loads(one.value) for shard in world.shards for one in shard.outputs if one.role == "examples")
    return [one for one in said if one["type"] == "pulse"]


@pytest.mark.parametrize("variant", ["live", "the silent leave"])
def test_a_shards_counts_are_those_of_its_records(variant: str) -> None:
    tries = 0
    for shard in lived(variant).shards:
        counted = Counter[int]()
        for customer, stored in shard.records.items():
            tail = unpack(customer, stored).tail
            test = bool(tail.restrictions) and TEST in unpack_restrictions(tail.restrictions)
            stage = unpack_loop(tail.loyalty).stage
            tries += bool(test and stage)
            counted[0 if test else stage] += 1
        assert shard.state.stages == tuple(counted[number] for number in range(1, len(STAGES) + 1))
        assert sum(shard.state.stages) >= 4
    assert tries


def test_pulses_say_them_by_name_at_each_boundary() -> None:
    world = lived()
    told_of = pulses(world)
    assert len(told_of) > 10
    assert all(count > 0 and name in STAGES for one in told_of for name, count in one.get("stages", {}).items())
    assert {name for one in told_of for name in one.get("stages", {})} >= {"new", "active", "slipping", "lapsed"}


def test_it_equals_the_plain_reference_in_any_portions() -> None:
    small = log(12, 110)
    expected = digest(rehearse(small, VARIANTS["live"], engine=plainly))
    for batch in (1, 23):
        assert (
            digest(rehearse(small, replace(VARIANTS["live"], piece_items=batch), batch=lambda at, size=batch: size))
            == expected
        )


def test_without_the_table_nothing_is_counted_or_said() -> None:
    bare = inserted(synthetic(4, partitions=1, customers=10, days=60)[0], [(START, chosen_policy(START, 1, EAGER))])
    world = rehearse([bare], VARIANTS["live"])
    assert world.shards[0].state.stages is UNSET
    assert not any("stages" in one for one in pulses(world))


def test_the_stage_is_read_without_the_rest() -> None:
    assert stage_in(b"") == 0
    for number in range(len(STAGES) + 1):
        assert stage_in(pack_loop(Loop(index=-7, at=5_000, stage=number, blame=9))) == number
