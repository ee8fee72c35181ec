"""Levels of risk by the stage of the loyalty loop: whose they are, and that they are held while a customer slips."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.customer.record import unpack
from models.decisions.policy.in_force import PolicyInForce
from models.loyalty.loop import (
    LEVEL_STAGES,
    SLIPPED,
    STAGES,
    Loop,
    level_stage_in,
    pack_loop,
    stage_in,
    unpack_loop,
)
from models.settings import DAY
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from tests.reference.engine import apply as plainly
from tests.support.bench import digest
from tests.support.families import slow_but
from tests.support.logs import START
from tests.support.policies import BY_STAGE, BY_TIER, VALUED
from tests.unit.models.engine.test_by_policy import log_with, said
from tests.unit.models.engine.test_levels_by_tier import alike_through
from tests.unit.models.engine.test_plain_reference import erasing
from tests.unit.models.simulation.test_rehearsal import VARIANTS

POLICY = PolicyInForce.of(1, BY_STAGE)
ENDS = ("episode_closed", "erased", "forgotten", "policy_in_force")


@cache
def lived() -> Rehearsal:
    return rehearse(log_with("by stage", customers=120, days=240), VARIANTS["live"])


def test_an_episode_opens_at_a_level_of_the_stage_that_was_said_last() -> None:
    at: dict[str, str] = {}
    seen = Counter[str]()
    for one in said(lived(), "decisions"):
        customer = one.get("customer", "")
        entry = one.get("loyalty")
        if entry is not None:
            slips = entry["stage"] in ("slipping", "lapsed")
            if not slips or entry.get("former", "") not in ("slipping", "lapsed"):
                at[customer] = entry.get("former", "") if slips else entry["stage"]
        elif one["what"] == "episode_opened" and "level" in one:
            stage = one.get("levels_of_stage", "")
            assert stage == (at[customer] if at.get(customer) in LEVEL_STAGES else "")
            number = LEVEL_STAGES.index(stage) + 1 if stage else 0
            tier = next((n for n in range(4) if (POLICY.tier_named(n) or "") == one.get("levels_of", "")), 0)
            levels = [POLICY.levels(of, tier, number) for of in ("consumer", "business", "reseller", "partner")]
            assert min({level.name: level.at for level in of}[one["level"]] for of in levels) <= one["probability"]
            seen[stage] += 1
    assert min(seen[stage] for stage in ("new", "active", "won_back")) > 3


def test_as_long_as_an_episode_is_open_all_asks_by_the_stage_of_before() -> None:
    by: dict[str, str] = {}
    seen = Counter[str]()
    for one in said(lived(), "decisions"):
        customer = one.get("customer", "")
        if one["what"] in ENDS:
            by.pop(customer, None)
        elif one["what"] == "episode_opened":
            by[customer] = one.get("levels_of_stage", "")
        elif one.get("level") and customer in by:
            assert one.get("levels_of_stage", "") == by[customer]
            seen[by[customer]] += 1
    assert min(seen[stage] for stage in ("new", "active", "won_back")) > 3


def test_the_stage_before_is_kept_of_those_who_slipped() -> None:
    kept = Counter[int]()
    for shard in lived().shards:
        for customer, stored in shard.records.items():
            loop = unpack_loop(unpack(customer, stored).tail.loyalty)
            assert not loop.before or loop.stage in SLIPPED
            kept[loop.before] += 1
    assert len(kept) > 2


@given(st.integers(0, len(STAGES)), st.integers(0, len(STAGES)))
def test_what_is_stored_says_by_which_stage_levels_go(stage: int, before: int) -> None:
    stored = pack_loop(Loop(stage=stage, before=before))
    counts = (None, *STAGES)[before if stage in SLIPPED else stage]
    assert unpack_loop(stored) == Loop(stage=stage, before=before)
    assert stage_in(stored) == stage
    assert level_stage_in(stored) == (LEVEL_STAGES.index(counts) + 1 if counts in LEVEL_STAGES else 0)
    assert level_stage_in(b"") == 0


def test_levels_go_by_the_stage_of_a_class_where_they_go_by_nothing_else() -> None:
    logs = log_with("by stage alone", 5, 40, 150)
    assert digest(rehearse(logs, VARIANTS["live"])) == digest(rehearse(logs, VARIANTS["live"], engine=plainly))


WITHOUT_LOOP = VALUED
OTHERS = BY_STAGE.replace('stages = ["new"]', 'stages = ["active"]', 1)


@pytest.mark.parametrize("back", slow_but((WITHOUT_LOOP, BY_TIER, OTHERS), (OTHERS,)))
def test_a_policy_that_changes_in_the_middle_of_episodes_comes_to_the_same_in_both(back: str) -> None:
    fast = alike_through(VALUED, BY_STAGE, back)
    if back != OTHERS:
        since = START + 97 * DAY
        assert not any(one.get("levels_of_stage") for one in said(fast, "decisions") if one["time"] > since)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(
    st.integers(100, 10_000),
    st.integers(1, 200),
    st.integers(1, 20),
    st.sampled_from(["live", "the silent leave", "evaluation"]),
    st.sampled_from(["by stage", "by stage alone"]),
)
def test_it_equals_the_plain_reference_on_any_log_in_any_portions(
    seed: int, batch: int, items: int, variant: str, policy: str
) -> None:
    logs: list[list[LogRecord]] = erasing(seed, log_with(policy, seed, 12, 110))
    fast = rehearse(logs, replace(VARIANTS[variant], piece_items=items), batch=lambda at: batch)
    assert digest(fast) == digest(rehearse(logs, VARIANTS[variant], engine=plainly))
