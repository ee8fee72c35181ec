"""What is at risk, spent and said in each tier is told from the records."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import cache

import pytest

from models.customer.layout import ERASED, LAST_PURCHASE, RETURNED, RISK, SENTIMENT_EWMA, SPENT, UNLEARNED
from models.customer.record import unpack
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.standing_stored import unpack_standing
from models.settings import DAY
from models.simulation.rehearsal import Rehearsal, rehearse
from models.value.pyramid import value_of
from streams.kafka.partition_facts import LogFacts
from streams.operations.policy.shards import ShardPolicyNow
from streams.operations.worth import UNVALUED, worths
from streams.shard.meta import SCHEMA, ShardBody, creation_of
from tests.support.logs import chosen_policy, inserted, synthetic
from tests.unit.models.decisions.policy.test_reading import SMALL
from tests.unit.models.simulation.test_rehearsal import VARIANTS
from tests.unit.streams.operations.test_pyramid import VALUED

SETTINGS = replace(VARIANTS["live"], boundary=7 * DAY)
POLICY = f"{SMALL}\n{VALUED}"


@cache
def world() -> Rehearsal:
    logs = synthetic(5, partitions=2, customers=150, days=200)
    begun = [(log[0].timestamp + DAY, chosen_policy(log[0].timestamp + DAY, 1, POLICY)) for log in logs]
    return rehearse([inserted(log, [one]) for log, one in zip(logs, begun, strict=True)], SETTINGS)


class Kept:
    async def load(self, namespace: str, names: Sequence[bytes]) -> list[bytes | None]:
        return [world().shards[int(namespace)].records.get(name[2:]) for name in names]

    async def all_names(self, beginning: bytes) -> AsyncIterator[tuple[str, bytes]]:
        for number, shard in enumerate(world().shards):
            for customer in shard.records:
                yield str(number), beginning + customer
        yield "learner", beginning + b"of no shard"


def now(policy: PolicyInForce | None) -> dict[int, ShardPolicyNow]:
    creation = creation_of(LogFacts(0, 0, "topic-id", 2, None), "live", SETTINGS)
    return {n: ShardPolicyNow(ShardBody(SCHEMA, creation, one.state), policy) for n, one in enumerate(world().shards)}


def test_sums_are_those_of_the_records() -> None:
    policy = PolicyInForce.of(1, POLICY)
    data = asyncio.run(worths(Kept(), now(policy))).data()
    records = [unpack(name, one) for shard in world().shards for name, one in shard.records.items()]
    tiers = [tier for of in data["classes"].values() for tier in of.values()]
    assert data["share"] == 1.0
    assert data["looked_at"] == len(records)
    records = [one for one in records if not one.flags & ERASED]
    assert sum(one["customers"] for one in tiers) == len(records)
    spent = sum(one.numbers[SPENT] - one.numbers[RETURNED] for one in records)
    assert sum(one["spent"] for one in tiers) == pytest.approx(spent)
    worth = [(one, 0.5 * value_of(one.worth.bucket - 1)) for one in records if one.worth.bucket]
    assert len(worth) > 20, "the world has few who are valued"
    assert sum(one["value"] for one in tiers) == pytest.approx(sum(value for _, value in worth))
    at_risk = sum(one.numbers[RISK] * value / max(1.0 - one.numbers[RISK], 0.01) for one, value in worth)
    assert sum(one["at_risk"] for one in tiers) == pytest.approx(at_risk, rel=0.02)
    heard = [one.numbers[SENTIMENT_EWMA] for one in records if one.sentiments]
    assert heard
    assert sum(one["heard"] for one in tiers) == len(heard)
    assert sum(one["mood"] * one["heard"] for one in tiers) == pytest.approx(sum(heard))
    for of in data["classes"].values():
        names = [name for name in of if name in ("best", "good", "others", UNVALUED)]
        assert names == sorted(names, key=["best", "good", "others", UNVALUED].index), "the highest is first"


def test_customers_are_told_by_the_highest_level_that_asked_in_their_open_episode() -> None:
    policy = PolicyInForce.of(1, POLICY)
    data = asyncio.run(worths(Kept(), now(policy))).data()
    records = [unpack(name, one) for shard in world().shards for name, one in shard.records.items()]
    reached = [unpack_standing(one.tail.standing).reached for one in records if not one.flags & ERASED]
    ladder = policy.levels("consumer")
    wanted = {
        level.name: sum(level.at <= one < next_at for one in reached)
        for level, next_at in zip(ladder, [*(above.at for above in ladder[1:]), 2.0], strict=True)
    }
    assert data["levels"] == wanted
    assert list(data["levels"]) == [level.name for level in ladder], "the lowest is first"
    assert sum(wanted.values()) > 5, "the world has few at a level"
    assert data["below_levels"] == len(reached) - sum(wanted.values())
    assert asyncio.run(worths(Kept(), now(None))).data()["levels"] == {}


def test_customers_are_told_by_stage_where_the_policy_keeps_the_loyalty_loop() -> None:
    policy = PolicyInForce.of(1, f"{POLICY}\n[loyalty]\n")
    stages = asyncio.run(worths(Kept(), now(policy))).data()["stages"]
    records = [unpack(name, one) for shard in world().shards for name, one in shard.records.items()]
    kept = [one for one in records if not one.flags & (ERASED | UNLEARNED)]
    assert sum(one["customers"] for one in stages.values()) == len(kept)
    assert stages["prospect"]["customers"] == sum(not one.times[LAST_PURCHASE] for one in kept)
    assert stages["slipping"]["customers"] > 0
    assert stages["active"]["index"] is None  # nothing was weighed: the log was made without
    assert asyncio.run(worths(Kept(), now(PolicyInForce.of(1, POLICY)))).data()["stages"] == {}


def test_a_share_stands_for_all() -> None:
    whole = asyncio.run(worths(Kept(), now(PolicyInForce.of(1, POLICY)))).data()
    part = asyncio.run(worths(Kept(), now(PolicyInForce.of(1, POLICY)), most=50)).data()
    assert 0.2 < part["share"] < 0.5
    assert part["looked_at"] < whole["looked_at"]
    counts = [sum(one["customers"] for of in told["classes"].values() for one in of.values()) for told in (whole, part)]
    assert counts[1] == pytest.approx(counts[0], rel=0.25)


def test_without_a_policy_nobody_is_valued_and_what_was_spent_is_told() -> None:
    data = asyncio.run(worths(Kept(), now(None))).data()
    assert {tier for of in data["classes"].values() for tier in of} == {UNVALUED}
    assert sum(one["spent"] for of in data["classes"].values() for one in of.values()) > 0.0
    assert sum(one["at_risk"] for of in data["classes"].values() for one in of.values()) == 0.0
