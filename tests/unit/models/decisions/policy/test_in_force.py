"""What the engine asks of a policy that decides."""

from __future__ import annotations

from hashlib import sha256

import pytest

from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.reading import PolicyUnfit
from models.decisions.standing import channel_number, number_of
from models.touchpoints.kinds import Kind
from tests.unit.models.decisions.policy.test_reading import EXAMPLE, SMALL

RESELLERS = """
[[risk.for_classes]]
classes = ["reseller"]
levels = [{ name = "at_risk", at = 0.7 }, { name = "leaving", at = 0.9 }]
exit = 0.6
"""


def test_its_name_is_number_and_hash() -> None:
    policy = PolicyInForce.of(12, SMALL)
    assert policy.sha256 == sha256(SMALL.encode()).hexdigest()
    assert policy.name == f"12-{policy.sha256[:8]}"


def test_one_text_under_one_number_is_read_once() -> None:
    assert PolicyInForce.of(12, SMALL) is PolicyInForce.of(12, SMALL)
    other = PolicyInForce.of(13, SMALL)
    assert other.number == 13
    assert {other, PolicyInForce.of(12, SMALL), PolicyInForce.of(13, SMALL)} == {other, PolicyInForce.of(12, SMALL)}


def test_a_touchpoint_asks_the_moments_that_name_it() -> None:
    policy = PolicyInForce.of(1, EXAMPLE)
    assert policy.asking[Kind.COMPLAINT] == ("bad_experience",)
    assert policy.asking[Kind.SUBSCRIPTION_STARTED] == policy.asking[Kind.PROGRAMME_JOINED] == ("welcome",)
    assert Kind.PURCHASE not in policy.asking
    both = PolicyInForce.of(1, SMALL + '[moment.low]\nsort = "touchpoint"\ntouchpoints = ["nps"]')
    assert both.asking[Kind.NPS] == ("sad", "low")


def test_classes_may_have_levels_of_their_own() -> None:
    policy = PolicyInForce.of(1, SMALL + RESELLERS)
    assert [level.at for level in policy.levels("reseller")] == [0.7, 0.9]
    assert policy.exit("reseller") == 0.6
    for other in ("consumer", None):
        assert [level.at for level in policy.levels(other)] == [0.5, 0.8]
        assert policy.exit(other) == 0.4


def test_tiers_may_have_levels_of_their_own_which_come_before_those_of_a_class() -> None:
    of_tiers = """
[value]
[[risk.for_tiers]]
tiers = ["top", "base"]
classes = ["consumer", "reseller"]
levels = [{ name = "at_risk", at = 0.45 }, { name = "leaving", at = 0.6 }]
"""
    policy = PolicyInForce.of(1, SMALL + RESELLERS + of_tiers)
    assert policy.by_tier
    for customer_class, tier in (("reseller", 1), ("reseller", 4), ("consumer", 1), (None, 4), ("", 1)):
        assert [level.at for level in policy.levels(customer_class, tier)] == [0.45, 0.6]
        assert policy.exit(customer_class, tier) == 0.4
    for tier in (0, 2, 3, 5, 8):
        assert policy.levels("reseller", tier) == policy.levels("reseller")
        assert policy.exit("reseller", tier) == 0.6
        assert policy.levels("consumer", tier) == policy.policy.risk.levels
    assert policy.levels("business", 1) == policy.policy.risk.levels
    assert not PolicyInForce.of(1, SMALL + RESELLERS).by_tier


def test_stages_may_have_levels_of_their_own_which_come_before_those_of_a_tier() -> None:
    of_stages = """
[loyalty]
[value]
[[risk.for_tiers]]
tiers = ["top"]
levels = [{ name = "at_risk", at = 0.45 }, { name = "leaving", at = 0.6 }]
[[risk.for_stages]]
stages = ["new", "won_back"]
classes = ["consumer"]
exit = 0.2
levels = [{ name = "at_risk", at = 0.35 }, { name = "leaving", at = 0.55 }]
"""
    policy = PolicyInForce.of(1, SMALL + RESELLERS + of_stages)
    assert policy.by_stage
    for tier, stage in ((0, 1), (1, 1), (4, 4)):
        assert [level.at for level in policy.levels("consumer", tier, stage)] == [0.35, 0.55]
        assert policy.exit("consumer", tier, stage) == 0.2
    for stage in (0, 2, 3):
        assert policy.levels("consumer", 1, stage) == policy.levels("consumer", 1)
        assert policy.levels("consumer", 2, stage) == policy.policy.risk.levels
        assert policy.exit("consumer", 1, stage) == 0.4
    assert policy.levels("reseller", 0, 1) == policy.levels("reseller")
    assert not PolicyInForce.of(1, SMALL + RESELLERS).by_stage


def test_a_moments_actions_come_by_priority_then_by_name() -> None:
    more = "".join(
        f'[action.{name}]\nkind = "useful"\nmoments = ["risk"]\ncontent = "a"\npriority = {n}\n'
        for name, n in (("zeal", 5), ("ask_first", 9))
    )
    policy = PolicyInForce.of(1, SMALL + more)
    assert policy.actions_of("risk") == ("ask_first", "write", "zeal")
    assert policy.actions_of("sad") == ("sorry",)


def test_names_are_found_by_their_numbers_in_the_record() -> None:
    policy = PolicyInForce.of(1, SMALL)
    assert policy.named == {number_of(name): name for name in ("risk", "sad", "write", "sorry")}
    assert policy.channel_named == {channel_number(name): name for name in ("email", "push")}
    assert policy.risk_moment == "risk"
    only = SMALL.replace('[moment.risk]\nsort = "risk"\n', "").replace('moments = ["risk"]', 'moments = ["sad"]')
    assert PolicyInForce.of(1, only).risk_moment is None


def test_an_unfit_text_is_none() -> None:
    with pytest.raises(PolicyUnfit):
        PolicyInForce.of(1, "format = 1")
