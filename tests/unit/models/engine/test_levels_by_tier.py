"""Levels of risk by tier of value: who is in a tier goes by its levels, and in an episode by those it opened with."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.customer.bands import Band
from models.customer.layout import EPISODE
from models.customer.record import unpack
from models.customer.worth import NOTHING, Worth
from models.decisions.policy.in_force import PolicyInForce
from models.settings import DAY, HOUR
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from tests.reference.engine import apply as plainly
from tests.support.bench import digest
from tests.support.families import slow_but
from tests.support.logs import START, chosen_policy, inserted, synthetic
from tests.support.policies import BY_TIER, VALUED
from tests.unit.models.engine.test_by_policy import log_with, said
from tests.unit.models.engine.test_plain_reference import erasing
from tests.unit.models.simulation.test_rehearsal import VARIANTS

POLICY = PolicyInForce.of(1, BY_TIER)


@cache
def lived() -> Rehearsal:
    return rehearse(log_with("by tier", customers=120, days=240), VARIANTS["live"])


def asked(world: Rehearsal) -> list[dict[str, Any]]:
    """What was decided, waited or opened at a level, and the ends of episodes, in the order of each line."""
    ends = ("episode_closed", "erased", "forgotten", "policy_in_force")
    return [one for one in said(world, "decisions") if one.get("level") or one["what"] in ends]


def test_an_episode_opens_at_a_level_of_the_customers_tier() -> None:
    seen = Counter[tuple[str, str]]()
    classes = ("consumer", "business", "reseller", "partner")
    for one in asked(lived()):
        if one["what"] != "episode_opened":
            continue
        tier = one.get("levels_of", "")
        number = next((n for n in range(4) if (POLICY.tier_named(n) or "") == tier), 0)
        at = [
            {level.name: level.at for level in POLICY.levels(customer_class, number)}[one["level"]]
            for customer_class in classes
        ]
        assert min(at) <= one["probability"]
        seen[tier, one["level"]] += 1
    assert {tier for tier, _ in seen} >= {"best", "good", "others"}
    assert seen["best", "slipping"]


def test_in_an_episode_all_asks_by_the_tier_at_which_it_opened_whatever_became_of_that() -> None:
    by: dict[str, str] = {}
    other, several = 0, 0
    for one in asked(lived()):
        customer = one.get("customer", "")
        if one["what"] in ("episode_closed", "erased", "forgotten"):
            by.pop(customer, None)
        elif one["what"] == "episode_opened":
            by[customer] = one.get("levels_of", "")
        elif one.get("level") and customer in by:
            assert one.get("levels_of", "") == by[customer]
            several += 1
            other += one.get("tier", "") != by[customer]
    assert several > 50
    assert other > 5


def test_a_level_asks_once_an_episode() -> None:
    drawn = Counter[tuple[str, int, str]]()
    episodes = Counter[str]()
    for one in asked(lived()):
        customer = one.get("customer", "")
        episodes[customer] += one["what"] == "episode_opened"
        if (
            one["what"] == "decided"
            and one.get("level")
            and any("chance" in held for held in one.get("candidates", ()))
        ):
            drawn[customer, episodes[customer], one["level"]] += 1
    assert len(drawn) > 30
    assert set(drawn.values()) == {1}


def test_a_tier_is_held_while_an_episode_is_open_and_no_longer() -> None:
    held = Counter[bool]()
    for shard in lived().shards:
        for customer, stored in shard.records.items():
            record = unpack(customer, stored)
            assert bool(record.worth.held) == (record.band == Band.AT_RISK) == bool(record.times[EPISODE])
            held[bool(record.worth.held)] += 1
    assert min(held[True], held[False]) > 5


@given(st.integers(0, 8), st.integers(0, 9), st.integers(0, 3))
def test_what_is_held_is_stored_beside_the_tier(tier: int, held: int, counted: int) -> None:
    worth = Worth.of(NOTHING)
    worth.tier, worth.held, worth.counted = tier, held, counted
    again = Worth.of(worth.pack())
    assert (again.tier, again.held, again.counted) == (tier, held, counted)
    assert again.level_tier == (held - 1 if held else tier)


def alike_through(*texts: str) -> Rehearsal:
    """A log whose policy changes every thirty days, from day 30 on; the plain reference comes to the same."""
    logs = erasing(3, synthetic(3, partitions=2, customers=25, days=130))
    for number, text in enumerate(texts, start=1):
        time = START + 30 * number * DAY + HOUR
        logs = [inserted(log, [(time, chosen_policy(time, number, text))]) for log in logs]
    fast = rehearse(logs, replace(VARIANTS["live"], piece_items=7), batch=lambda at: 11)
    assert digest(fast) == digest(rehearse(logs, VARIANTS["live"], engine=plainly))
    return fast


BACK = (VALUED, BY_TIER.replace('tiers = ["best"]', 'tiers = ["good"]', 1))


@pytest.mark.parametrize("back", slow_but(BACK, BACK[1:]))
def test_a_policy_that_changes_in_the_middle_of_episodes_comes_to_the_same_in_both(back: str) -> None:
    fast = alike_through(VALUED, BY_TIER, back)
    if back == VALUED:
        since = START + 97 * DAY
        assert not any(one.get("levels_of") for one in said(fast, "decisions") if one["time"] > since)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(
    st.integers(100, 10_000),
    st.integers(1, 200),
    st.integers(1, 20),
    st.sampled_from(["live", "the silent leave", "evaluation"]),
)
def test_it_equals_the_plain_reference_on_any_log_in_any_portions(
    seed: int, batch: int, items: int, variant: str
) -> None:
    logs: list[list[LogRecord]] = erasing(seed, log_with("by tier", seed, 12, 110))
    fast = rehearse(logs, replace(VARIANTS[variant], piece_items=items), batch=lambda at: batch)
    assert digest(fast) == digest(rehearse(logs, VARIANTS[variant], engine=plainly))
