"""Values on the live path: what an evaluation says, histograms that follow the records, tiers by the shares."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn import seal, unseal
from models.customer.layout import NEWEST
from models.customer.record import unpack
from models.customer.versions import all_written, upgraded
from models.decisions.policy.in_force import PolicyInForce
from models.engine.compiled_rules import CLASSES
from models.learning.learner import Learning, LearningState
from models.learning.values import tiers_of
from models.outputs import CHURNED, Pulse
from models.settings import DAY, HOUR
from models.simulation.rehearsal import Rehearsal, rehearse
from models.simulation.value import Valued, evaluate_values
from models.timeline.batch import LogRecord
from models.value.appraisal import MOST_TIERS, bucket_in, tier_in
from models.value.pyramid import EDGES, bucket_of, tier_of
from tests.support.families import slow_but
from tests.support.logs import START, chosen_policy, clock, inserted, synthetic
from tests.support.policies import CLASSES as BY_CLASS
from tests.support.policies import VALUED
from tests.unit.models.engine.test_by_policy import log_with
from tests.unit.models.engine.test_plain_reference import erasing
from tests.unit.models.simulation.test_rehearsal import VARIANTS
from tests.unit.models.simulation.test_value import SETTINGS, SHOP, Told

ALWAYS = BY_CLASS + "\n[value]" + VALUED.split("[value]")[1]
"""Without an alarm: all is learned."""


@cache
def shop(until: int) -> list[list[LogRecord]]:
    """Two partitions up to a moment, without a policy."""
    return [[entry for entry in log if entry.timestamp <= until] for log in SHOP.logs(2)]


def under(text: str, logs: list[list[LogRecord]]) -> list[list[LogRecord]]:
    """The same with a policy from the first record on."""
    return [inserted(log, [(log[0].timestamp, chosen_policy(log[0].timestamp, 1, text))]) for log in logs]


@cache
def live() -> Rehearsal:
    return rehearse(under(ALWAYS, shop(START + 140 * DAY)), VARIANTS["live"])


def examples(world: Rehearsal) -> list[dict[str, Any]]:
    said = (json.loads(one.value) for shard in world.shards for one in shard.outputs if one.role == "examples")
    return [one for one in said if one["type"] == "example"]


def test_the_live_path_and_the_evaluation_say_the_same_bits() -> None:
    last = START + 20 * 7 * DAY
    logs, found = [inserted(log, [(last + 1, clock(last + 1))]) for log in shop(last)], dict[int, Valued]()
    evaluated = evaluate_values(logs, SETTINGS, lambda valued: found.update({valued.tick: valued}))
    world = rehearse(under(ALWAYS, logs), SETTINGS)
    told = {}
    for boundary, version in world.versions.items():
        value = version.value
        told[boundary] = value if not isinstance(value, dict) else {k: v for k, v in value.items() if k != "tiers"}
    assert sum(isinstance(value, dict) for value in told.values()) > 15
    assert told == {boundary: version.value for boundary, version in evaluated.versions.items()}
    valued, silent = found[last], 0
    values = dict(zip(valued.customers, valued.values.tolist(), strict=True))
    for shard in world.shards:
        for customer, stored in shard.records.items():
            record = unpack(customer, stored)
            if record.times[NEWEST] < last and customer in values and record.worth.bucket:
                assert record.worth.bucket - 1 == bucket_of(values[customer])
                silent += 1
    assert silent > 50


def test_an_example_says_what_was_bought_less_what_was_returned_within_its_horizon() -> None:
    logs = shop(START + 24 * 7 * DAY)
    spending, seen = Told(logs), 0
    for one in examples(rehearse(under(ALWAYS, logs), SETTINGS)):
        assert ("net" in one) == (one["sort"] == CHURNED)
        if one["sort"] == CHURNED:
            at = np.array([one["snapshot_time"]])
            [net] = spending.net([one["customer"].encode()], at, at + SETTINGS.horizon).tolist()
            assert one["net"] == pytest.approx(net, abs=1e-9)
            seen += net != 0.0
    assert seen > 50


def test_without_a_value_table_nothing_is_said_or_kept_of_values() -> None:
    world = rehearse(log_with("by class"), VARIANTS["live"])
    assert not any("money" in one or "net" in one for one in examples(world))
    assert not any(isinstance(version.value, dict) for version in world.versions.values())
    assert all(shard.state.values is msgspec.UNSET for shard in world.shards)
    worth = [unpack(name, stored).worth.pack() for shard in world.shards for name, stored in shard.records.items()]
    assert not any(map(any, worth))


@pytest.mark.parametrize("variant", slow_but(("live", "the silent leave"), ("the silent leave",)))
def test_histograms_count_every_customer_with_a_value_once(variant: str) -> None:
    logs = erasing(3, synthetic(3, partitions=2, customers=60, days=150))
    world = rehearse(under(VALUED, logs), VARIANTS[variant])
    for shard in world.shards:
        counted: dict[str, Counter[int]] = {}
        for customer, stored in shard.records.items():
            worth = unpack(customer, stored).worth
            if worth.bucket:
                counted.setdefault(CLASSES[worth.counted], Counter())[worth.bucket - 1] += 1
        assert shard.state.values == {name: dict(counts) for name, counts in counted.items()}
        assert counted


def test_there_are_customers_in_every_tier() -> None:
    world, seen = live(), Counter[int]()
    for shard in world.shards:
        for customer, stored in shard.records.items():
            worth = unpack(customer, stored).worth
            assert bool(worth.bucket) >= bool(worth.tier)
            if worth.tier:
                seen[worth.tier] += 1
    assert set(seen) == {1, 2, 3}
    version = world.versions[max(world.versions)]
    assert isinstance(version.value, dict)
    assert list(version.value["tiers"]["shares"]) == [0.1, 0.4]


def test_a_policy_with_other_shares_has_no_tiers_before_the_learner_has_heard_of_it() -> None:
    other = ALWAYS.replace("share = 0.4", "share = 0.5")
    second = START + 140 * DAY + HOUR
    logs = [
        inserted(log, [(second, chosen_policy(second, 2, other))])
        for log in under(ALWAYS, shop(START + 140 * DAY + 23 * HOUR))
    ]
    scored_since, before = 0, 0
    world = rehearse(logs, VARIANTS["live"])
    for customer, stored in (item for shard in world.shards for item in shard.records.items()):
        record = unpack(customer, stored)
        if record.times[NEWEST] > second and record.worth.bucket:
            assert record.worth.tier == 0
            scored_since += 1
        before += record.worth.tier > 0
    assert scored_since
    assert before


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_cuts_do_not_depend_on_how_customers_are_spread(shards: int) -> None:
    random = np.random.default_rng(4)
    buckets = random.integers(0, 60, 500).tolist()
    pulses = []
    for shard in range(shards):
        counts = dict(Counter(bucket for n, bucket in enumerate(buckets) if n % shards == shard))
        pulses.append(
            Pulse(shard, 0, 1, "", 0, shares=(0.01, 0.2), fewest=500, values={"consumer": tuple(counts.items())})
        )
    [cuts] = [tiers.cuts for tiers in [tiers_of(pulses)] if tiers is not None]
    top = sum(bucket >= cuts["consumer"][0] for bucket in buckets)
    assert top <= 5 < sum(bucket >= cuts["consumer"][0] - 1 for bucket in buckets)
    few = tiers_of([msgspec.structs.replace(pulse, fewest=501) for pulse in pulses])
    assert few is not None
    assert few.cuts == {}


def test_a_learner_that_goes_on_from_its_state_makes_the_same_versions() -> None:
    world, settings = live(), VARIANTS["live"]
    learning, versions = Learning(settings, len(world.shards)), {}
    said = [[one for one in shard.outputs if one.role == "examples"] for shard in world.shards]
    for n, outputs in enumerate(said):
        for one in outputs:
            learning.feed(n, one.sequence, one.sequence, one.value)
    while (version := learning.next_version()) is not None:
        versions[version.boundary] = version
        if len(versions) % 20 == 0:
            state = unseal(seal(learning.state(), "schema"), "schema", LearningState)
            learning = Learning(settings, len(world.shards), state)
            for n, outputs in enumerate(said):
                for one in outputs:
                    if one.sequence > state.shards[n].sequence:
                        learning.feed(n, one.sequence, one.sequence, one.value)
    assert len(versions) > 100
    assert {b: seal(v, "") for b, v in versions.items()} == {b: seal(v, "") for b, v in world.versions.items()}


def test_a_record_goes_to_the_release_before_and_back_with_what_it_holds_of_the_value() -> None:
    records = {name: stored for shard in live().shards for name, stored in shard.records.items()}
    former = all_written(records, 4)
    assert {name: upgraded(name, stored) for name, stored in former.items()} == records
    assert sum(bool(unpack(name, stored).worth.bucket) for name, stored in records.items()) > 20


def test_the_shares_of_a_policy_are_those_of_its_tiers() -> None:
    assert PolicyInForce.of(1, VALUED).shares == (0.1, 0.4)
    assert PolicyInForce.of(1, BY_CLASS).shares == ()


@given(st.one_of(st.floats(), st.sampled_from(EDGES).map(lambda edge: edge / 100)))
def test_compiled_code_finds_the_same_bucket(value: float) -> None:
    assert bucket_in(value) == bucket_of(value)


@given(st.integers(0, 400), st.lists(st.integers(0, 400), max_size=MOST_TIERS - 1), st.integers(-1, MOST_TIERS - 1))
def test_compiled_code_finds_the_same_tier(bucket: int, cuts: list[int], old: int) -> None:
    cuts.sort(reverse=True)
    row = np.array([*cuts, *[-1] * (MOST_TIERS - 1 - len(cuts))])
    if not cuts:
        assert tier_in(bucket, row, old) == -1
    else:
        assert tier_in(bucket, row, old) == tier_of(bucket, cuts, old if 0 <= old <= len(cuts) else None)


def test_decisions_say_the_value_and_wait_where_keeping_somebody_is_worth_less_than_it_may_cost() -> None:
    dear = ALWAYS.replace("[action.offer]\n", "[action.offer]\nliability = 30\n")
    world = rehearse(under(dear, shop(START + 140 * DAY)), VARIANTS["live"])
    said = [json.loads(one.value) for shard in world.shards for one in shard.outputs if one.role == "decisions"]
    held, sent = 0, 0
    for one in said:
        for candidate in one.get("candidates", ()):
            if candidate["action"] == "offer" and one.get("value") is not None:
                kept = one["value"] / (1.0 - one["probability"]) if "probability" in one else one["value"]
                assert ("unprofitable" in candidate.get("gates", ())) == (0.4 * kept * 1.0 < 30.0)
                held += 0.4 * kept < 30.0
                sent += 0.4 * kept >= 30.0
    assert held > 5
    assert sent > 5
    assert {one.get("tier", "") for one in said} >= {"best", "good", "others"}
