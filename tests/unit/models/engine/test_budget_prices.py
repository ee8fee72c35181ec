"""The price of a budget that is short, in the whole engine: versions carry it, decisions say it, and the budget stays a
gate."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.decisions.choosing.numbers import Numbers
from models.simulation.rehearsal import Rehearsal, rehearse
from streams.operations.audit import audit
from tests.reference.engine import apply as plainly
from tests.support.bench import ForgetfulWorld, digest
from tests.support.closed_shop import POLICY, SETTINGS, ClosedShop
from tests.support.kept_topics import lines_of

SHORT = (
    POLICY.replace("share = 0.05", "share = 0.2").replace(
        'kind = "useful"\n', 'kind = "useful"\nbudgets = ["letters"]\n'
    )
    + '[budget.letters]\ncounts = "contacts"\nmost = 12\nper = "month"\n'
)


@cache
def shop() -> tuple[ClosedShop, Rehearsal]:
    """To be looked at only. Its budget runs dry in the first days."""
    made = ClosedShop(100, 60, policy=SHORT)
    return made, made.run()


def said(world: Rehearsal, role: str) -> list[dict[str, Any]]:
    return [json.loads(output.value) for shard in world.shards for output in shard.outputs if output.role == role]


def test_versions_carry_the_price_and_draws_say_it() -> None:
    _, world = shop()
    known = {
        boundary: Numbers.of(version.choice)
        for boundary, version in world.versions.items()
        if isinstance(version.choice, dict)
    }
    prices = [one.prices["letters"] for one in known.values()]
    assert prices[0] == 0.0
    assert max(prices) > 0.2
    assert len(set(prices)) <= 60 // 7 + 1  # it moves once a week, at whatever boundaries versions are made
    priced = 0
    for one in said(world, "decisions"):
        if "drawn" not in one:
            continue
        found = known[one["model_version"]].prices["letters"] if one["model_version"] in known else 0.0
        assert one["drawn"].get("prices", {}) == ({"letters": found} if found else {})
        useful = next(each for each in one["candidates"] if each["action"] == "useful")
        assert useful.get("price", 0.0) == found
        priced += bool(found)
    assert priced > 10


def test_what_there_was_no_room_for_is_wanted_and_what_the_control_group_would_get_is_not() -> None:
    _, world = shop()
    decisions = said(world, "decisions")
    drawn = [one for one in decisions if "drawn" in one]
    assert sum(one.get("control", False) for one in drawn) > 10
    served = [each for one in drawn if not one.get("control") for each in one["candidates"]]
    chances = sum(each["chance"] for each in served if each["action"] == "useful")
    dry = sum(one["what"] == "waits" and one.get("gate") == "budget" for one in decisions)
    assert dry >= 5
    told = [one for one in said(world, "examples") if one["type"] == "pulse" and "choice" in one]
    wanted = sum(one["choice"].get("wanted", {}).get("letters", 0) for one in told) / 2**16
    left = sum(shard.state.shared.wanted.get("letters", 0) for shard in world.shards) / 2**16
    assert chances / 2**32 + 0.1 < wanted + left < chances / 2**32 + dry


def test_the_budget_stays_a_gate_and_no_rule_of_the_auditor_is_broken() -> None:
    _, world = shop()
    report = audit(lines_of(world), SETTINGS.lateness)
    assert report.breaches == []
    assert report.triggers["marketing"] > 10


def test_the_plain_reference_and_a_shop_that_exists_as_bytes_alone_say_the_same() -> None:
    made, world = shop()
    assert digest(rehearse(made.logs, SETTINGS, engine=plainly)) == digest(world)
    assert digest(ForgetfulWorld(made.logs, SETTINGS).run(lambda at: 300)) == digest(world)


@pytest.mark.slow
@settings(max_examples=4, deadline=None)
@given(st.integers(1, 900))
def test_any_portions_come_to_the_same_bytes(batch: int) -> None:
    made, world = shop()
    found = rehearse(made.logs, SETTINGS, batch=lambda at: 1 + (at * 7 + batch) % batch)
    assert digest(found) == digest(world)
