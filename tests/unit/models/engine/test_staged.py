"""Customers by stage of the loyalty loop: counted as records change, and said in the pulse."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from msgspec import UNSET, UnsetType, structs

from models.customer.record import unpack
from models.customer.restrictions import TEST, unpack_restrictions
from models.loyalty.loop import STAGES, Loop, pack_loop, stage_in, unpack_loop
from models.settings import DAY, HOUR
from models.simulation.rehearsal import Rehearsal, go_on, rehearse
from models.timeline.batch import LogRecord
from models.timeline.shard_state import UNKNOWN_STAGES, Stages
from tests.reference.engine import apply as plainly
from tests.support.bench import digest
from tests.support.families import slow_but
from tests.support.logs import START, chosen_policy, inserted, log_of, synthetic, told
from tests.support.policies import EAGER
from tests.support.recounting import counted, recounted
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


@pytest.mark.parametrize("variant", slow_but(("live", "the silent leave"), ("live",)))
def test_a_shards_counts_are_those_of_its_records(variant: str) -> None:
    tries = 0
    for shard in lived(variant).shards:
        for customer, stored in shard.records.items():
            tail = unpack(customer, stored).tail
            test = bool(tail.restrictions) and TEST in unpack_restrictions(tail.restrictions)
            tries += bool(test and unpack_loop(tail.loyalty).stage)
        assert counted(shard.state) == recounted(shard.records)
        assert shard.state.stages is not UNSET
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


def taken_over(text: str, begins: Stages | UnsetType) -> Rehearsal:
    """Half of the log lived through by a release that counts nobody, the rest from `begins` on; `text` is in force
    from the middle on."""
    middle, settings = START + 65 * DAY, VARIANTS["live"]
    logs = [inserted(one, [(middle, chosen_policy(middle, 2, text))]) for one in log(40, 130)]
    world = rehearse([[one for one in part if one.timestamp < middle] for part in logs], settings)
    for shard, part in zip(world.shards, logs, strict=True):
        assert shard.state.stages is not UNSET
        shard.log, shard.outputs = part, []
        shard.state = structs.replace(shard.state, stages=begins)
    go_on(world, settings)
    return world


def test_where_a_release_kept_the_loop_that_counts_nobody_it_is_not_known_and_nothing_is_said() -> None:
    world = taken_over(KEPT, UNKNOWN_STAGES)
    assert all(shard.state.stages == UNKNOWN_STAGES for shard in world.shards)
    assert not any("stages" in one for one in pulses(world))


@pytest.mark.parametrize("text", [KEPT, EAGER])
def test_no_count_is_ever_below_zero(text: str) -> None:
    world = taken_over(text, UNSET)
    assert {shard.state.stages for shard in world.shards} == {UNKNOWN_STAGES if text == KEPT else UNSET}


def test_under_a_policy_without_the_loop_counting_begins_anew() -> None:
    world = taken_over(EAGER, UNKNOWN_STAGES)
    assert all(shard.state.stages is UNSET for shard in world.shards)


def test_the_stage_is_read_without_the_rest() -> None:
    assert stage_in(b"") == 0
    for number in range(len(STAGES) + 1):
        assert stage_in(pack_loop(Loop(index=-7, at=5_000, stage=number, blame=9))) == number
