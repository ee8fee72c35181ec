"""The learned choice at the learner: arms come by the newest policy, harm stops one, what is not learned is counted."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import msgspec
import pytest

from models.churn import SnapshotRefused
from models.decisions.choosing.described import SIZE
from models.decisions.choosing.schema import schema_number
from models.decisions.draw import ONE
from models.decisions.purse import WHOLE_UNIT
from models.decisions.response import packed_features
from models.learning.choices import Choices, check_outcome
from models.outputs import ArmPulse, BudgetPulse, ChoicePulse, Outcome, Pulse
from models.settings import DAY, WEEK

HALF = 182 * DAY
FEATURES = packed_features((1.0, *[0.0] * (SIZE - 1)))
USEFUL, OFFER, OTHER = "0000000a", "0000000b", "0000000c"


def pulse(boundary: int, shard: int = 0, policy: int = 1, useful: str = USEFUL, **told: Any) -> Pulse:
    """20 draws worth 50 each."""
    arms = (ArmPulse("useful", useful, 1.0), ArmPulse("offer", OFFER, 40.0))
    fields = {"draws": 20, "worth": 100_000, "tried": 5 * ONE, "open": 20, "opened": {useful: 4, OFFER: 1}, **told}
    choice = ChoicePulse(arms, 0.3, HALF, 0.02, **fields)
    return Pulse(shard, boundary, policy, "a", 0, choice=choice)


def outcome(number: int, arm: str = "", gain: float = 25.0, time: int = DAY, **told: Any) -> Outcome:
    arms = {USEFUL: ONE // 2, OFFER: ONE // 4}
    fields = {"delivered": bool(arm), "features": FEATURES, "schema": schema_number(), **told}
    return Outcome(time, arms, 50.0, gain, f"c-{number}", f"{number:032x}", arm, **fields)


def learned(*steps: tuple[int, list[Outcome], list[Pulse]]) -> Choices:
    found = Choices()
    for step in steps:
        found.learn(*step)
    return found


def known(choices: Choices) -> dict[str, Any]:
    stated = choices.version()
    assert stated is not None
    return stated


def test_before_the_first_draw_there_is_nothing() -> None:
    quiet = pulse(DAY, draws=0, worth=0, tried=0, opened={})
    without = msgspec.structs.replace(quiet, choice=None)
    assert learned((DAY, [], [quiet]), (2 * DAY, [outcome(1)], [without])).state() is None
    assert learned((DAY, [], [quiet])).version() is None


def test_the_policys_figures_are_where_an_arm_begins_and_at_most_a_tenth_of_what_is_at_stake() -> None:
    arms = known(learned((DAY, [], [pulse(DAY)])))["arms"]
    assert arms[USEFUL]["effect"][0] == pytest.approx(0.02)
    assert arms[OFFER]["effect"][0] == pytest.approx(0.1)
    assert (arms[USEFUL]["opened"], arms[USEFUL]["matured"]) == (4, 0)


def test_outcomes_move_it_and_are_counted() -> None:
    fell = [outcome(n, USEFUL if n % 2 else "", gain=50.0 if n % 2 else 0.0) for n in range(400)]
    arms = known(learned((DAY, [], [pulse(DAY, opened={USEFUL: 200})]), (2 * DAY, fell, [])))["arms"]
    assert arms[USEFUL]["effect"][0] > 0.1
    assert (arms[USEFUL]["opened"], arms[USEFUL]["matured"]) == (200, 200)
    assert not arms[USEFUL].get("stopped")


def test_control_tells_of_no_arm() -> None:
    fell = [outcome(n, USEFUL, gain=50.0, control=True) for n in range(400)]
    before = known(learned((DAY, [], [pulse(DAY)])))
    after = known(learned((DAY, [], [pulse(DAY)]), (DAY, fell, [])))
    assert after["arms"][USEFUL]["effect"] == pytest.approx(before["arms"][USEFUL]["effect"], abs=1e-6)
    assert after["arms"][USEFUL]["matured"] == 0
    assert after["base"][0] > before["base"][0]


def test_of_what_may_not_be_learned_a_contact_is_over_and_nothing_else() -> None:
    nameless = Outcome(DAY, {}, 0.0, 0.0, arm=USEFUL)
    before = known(learned((DAY, [], [pulse(DAY)])))
    after = known(learned((DAY, [nameless, outcome(1, USEFUL, features=b"")], [pulse(DAY)])))
    assert after["arms"][USEFUL]["matured"] == 2
    assert after["rows"] == before["rows"]
    check_outcome(nameless)


def test_an_action_after_which_too_many_complain_is_stopped_until_its_text_changes() -> None:
    fell = [outcome(n, USEFUL, soon=n % 4 == 0) for n in range(80)]
    calm = [outcome(100 + n, OFFER, soon=False) for n in range(80)]
    choices = learned((DAY, [], [pulse(DAY)]), (2 * DAY, [*fell, *calm], []))
    arms = known(choices)["arms"]
    assert arms[USEFUL]["stopped"] is True
    assert "stopped" not in arms[OFFER]
    choices.learn(3 * DAY, [], [pulse(3 * DAY, policy=2, useful=OTHER)])
    arms = known(choices)["arms"]
    assert known(choices)["named"] == {"useful": OTHER, "offer": OFFER}
    assert "stopped" not in arms[OTHER]


def test_of_any_contact_it_is_told_whether_it_does_harm_too_often() -> None:
    fell = [outcome(n, (USEFUL, OFFER)[n % 2], soon=n % 5 < 2) for n in range(60)]
    choices = learned((DAY, [], [pulse(DAY)]), (2 * DAY, fell, []))
    contact = known(choices)["watched"]["contact"]
    assert contact["harms"] is True
    assert contact["harm"] >= contact["harm_needed"] == 60.0
    assert known(choices)["watched"]["arms"].keys() == {USEFUL, OFFER}
    assert known(Choices(json.loads(json.dumps(choices.state()))))["watched"] == known(choices)["watched"]
    choices.learn(3 * DAY, [], [pulse(3 * DAY, policy=2, useful=OTHER)])
    assert known(choices)["watched"]["contact"]["harms"] is False
    calm = learned((DAY, [], [pulse(DAY)]), (2 * DAY, [outcome(n, USEFUL) for n in range(60)], []))
    assert known(calm)["watched"]["contact"]["harms"] is False


def test_the_chance_that_unproven_contact_would_have_had_is_that_of_the_last_week() -> None:
    choices = learned((DAY, [], [pulse(DAY)]))
    assert known(choices)["watched"]["unproven"] is None
    choices.learn(9 * DAY, [], [pulse(9 * DAY)])
    assert known(choices)["watched"]["unproven"] == pytest.approx(0.25)


def test_what_was_not_delivered_is_not_held_against_an_action() -> None:
    fell = [outcome(n, USEFUL, soon=True, delivered=False) for n in range(80)]
    assert "stopped" not in known(learned((DAY, [], [pulse(DAY)]), (2 * DAY, fell, [])))["arms"][USEFUL]


def test_a_changed_text_begins_where_the_old_one_stood_and_from_zero_contacts() -> None:
    fell = [outcome(n, USEFUL if n % 2 else "", gain=50.0 if n % 2 else 0.0) for n in range(400)]
    choices = learned((DAY, [], [pulse(DAY)]), (2 * DAY, fell, []))
    old = known(choices)["arms"][USEFUL]
    choices.learn(2 * DAY, [], [pulse(2 * DAY, policy=2, useful=OTHER, opened={})])
    new = known(choices)["arms"][OTHER]
    assert new["effect"] == pytest.approx(old["effect"], abs=1e-9)
    assert new["covariance"][0] > old["covariance"][0]
    assert (new["opened"], new["matured"], new["learned"]) == (0, 0, 0.0)
    assert known(choices)["cohort"] == 200


def test_the_newest_policy_counts_whoever_tells_of_it() -> None:
    old, new = pulse(DAY), pulse(DAY, shard=1, policy=2, useful=OTHER)
    for order in permutations((old, new)):
        assert known(learned((DAY, [], list(order))))["arms"].keys() == {OTHER, OFFER}


def test_the_price_of_what_is_not_proven_moves_once_a_week() -> None:
    much = {"tried": 18 * ONE}
    choices = learned(*((day * DAY, [], [pulse(day * DAY, **much)]) for day in range(1, 8)))
    assert known(choices)["unproven_price"] == 0.0
    choices.learn(DAY + WEEK, [], [pulse(DAY + WEEK, **much)])
    # Three times what was allowed, by two hundredths of fifty each time that is once too much.
    assert known(choices)["unproven_price"] == pytest.approx(2.0)
    choices.learn(2 * DAY + WEEK, [], [pulse(2 * DAY + WEEK, **much)])
    assert known(choices)["unproven_price"] == pytest.approx(2.0)


def test_the_price_of_a_budget_moves_once_a_week_and_a_policy_without_one_has_none() -> None:
    budget = BudgetPulse("calls", 400, 0, 0, 4 * WEEK, 0, 0)

    def of(day: int, shard: int = 0, **told: Any) -> Pulse:
        one = pulse(day * DAY, shard, wanted={"calls": 15 * WHOLE_UNIT}, **told)
        return msgspec.structs.replace(one, budgets=(budget,))

    choices = learned(*((day * DAY, [], [of(day), of(day, 1)]) for day in range(1, 8)))
    assert known(choices)["prices"] == {"calls": 0.0}
    assert "budgets" not in known(choices)["watched"]
    choices = Choices(json.loads(json.dumps(choices.state())))
    choices.learn(8 * DAY, [], [of(8), of(8, 1)])
    # 240 of 100, at 50 at stake.
    assert known(choices)["prices"] == {"calls": pytest.approx(0.02 * 1.4 * 50)}
    assert known(choices)["watched"]["budgets"] == {"calls": pytest.approx(2.4)}
    told = [version_of(order) for order in permutations((of(9), of(9, 1)))]
    assert told[0] == told[1]
    choices.learn(9 * DAY, [], [pulse(9 * DAY, policy=2)])
    assert "prices" not in known(choices)
    assert "prices" not in (choices.state() or {})


def test_a_policy_says_how_often_prices_move() -> None:
    often = {"tried": 18 * ONE, "step": 2 * DAY}
    choices = learned(*((day * DAY, [], [pulse(day * DAY, **often)]) for day in (1, 2, 3)))
    assert known(choices)["unproven_price"] == pytest.approx(2.0)
    choices = Choices(json.loads(json.dumps(choices.state())))
    for day, price in ((4, 2.0), (5, 4.0)):
        choices.learn(day * DAY, [], [pulse(day * DAY, tried=18 * ONE, step=2 * DAY)])
        assert known(choices)["unproven_price"] == pytest.approx(price)
    assert "step" not in (learned((DAY, [], [pulse(DAY)])).state() or {})


def version_of(pulses: tuple[Pulse, ...]) -> dict[str, Any]:
    return known(learned((DAY, [], [*pulses]), (9 * DAY, [], [*pulses])))


def test_it_goes_on_from_its_state_to_the_bit_and_refuses_another() -> None:
    fell = [outcome(n, (USEFUL, OFFER, "")[n % 3], gain=float(n % 90), soon=n % 9 == 0) for n in range(200)]
    choices = learned((DAY, [], [pulse(DAY)]), (2 * DAY, fell, [pulse(2 * DAY)]))
    state = json.loads(json.dumps(choices.state()))
    again = Choices(state)
    assert again.state() == choices.state()
    for one in (choices, again):
        one.learn(9 * DAY, fell[:50], [pulse(9 * DAY)])
    assert again.version() == choices.version()
    for broken in ({"gone": {"a": 1}}, {"policy": 1}, {"tried": [1]}, {"named": 3}, {"effects": None}, {"price": {}}):
        with pytest.raises(SnapshotRefused):
            Choices({**state, **broken})


STOPPING = [outcome(n, USEFUL, soon=True) for n in range(20)]


def without_useful(boundary: int, policy: int) -> Pulse:
    one = pulse(boundary, policy=policy, opened={})
    assert one.choice is not None
    return msgspec.structs.replace(one, choice=msgspec.structs.replace(one.choice, arms=one.choice.arms[1:]))


def test_what_is_stopped_stays_stopped_whatever_is_tolerated_later_and_when_it_comes_back() -> None:
    for after in (2 * DAY, 60 * WEEK):
        choices = learned((DAY, [], [pulse(DAY)]), (2 * DAY, STOPPING, []))
        choices.learn(3 * DAY, [], [without_useful(3 * DAY, 2)])
        assert known(choices)["arms"][USEFUL]["stopped"] is True
        choices.learn(3 * DAY + after, [], [without_useful(3 * DAY + after, 2)])
        assert (USEFUL in known(choices)["arms"]) is (after == 2 * DAY)
        choices = Choices(json.loads(json.dumps(choices.state())))
        choices.learn(4 * DAY + after, [], [pulse(4 * DAY + after, policy=3, opened={})])
        arm = known(choices)["arms"][USEFUL]
        assert (arm["stopped"], arm["matured"]) == (True, 20 if after == 2 * DAY else 0)
    choices = learned((DAY, [], [pulse(DAY)]), (2 * DAY, STOPPING, []))
    stricter = pulse(3 * DAY, policy=2)
    assert stricter.choice is not None
    choices.learn(
        3 * DAY,
        [],
        [msgspec.structs.replace(stricter, choice=msgspec.structs.replace(stricter.choice, tolerated=0.01))],
    )
    assert known(choices)["arms"][USEFUL]["stopped"] is True


def test_harm_is_heard_though_nothing_may_be_learned_of_whom_it_was_done_to() -> None:
    nameless = [Outcome(DAY, {}, 0.0, 0.0, arm=USEFUL, delivered=True, soon=True) for _ in range(20)]
    assert known(learned((DAY, [], [pulse(DAY)]), (2 * DAY, nameless, [])))["arms"][USEFUL]["stopped"] is True
    control = [msgspec.structs.replace(one, control=True) for one in nameless]
    assert "stopped" not in known(learned((DAY, [], [pulse(DAY)]), (2 * DAY, control, [])))["arms"][USEFUL]


def test_contacts_that_were_learned_from_fade_and_those_of_which_nothing_was_learned_are_none() -> None:
    nameless = [Outcome(DAY, {}, 0.0, 0.0, arm=USEFUL) for _ in range(250)]
    choices = learned((DAY, [], [pulse(DAY, opened={USEFUL: 500})]), (2 * DAY, nameless, []))
    arm = known(choices)["arms"][USEFUL]
    assert (arm["matured"], arm["learned"]) == (250, 0.0)
    choices.learn(2 * DAY, [outcome(n, USEFUL) for n in range(240)], [])
    assert known(choices)["arms"][USEFUL]["learned"] == 240.0
    choices.learn(2 * DAY + HALF, [], [pulse(2 * DAY + HALF)])
    arm = known(choices)["arms"][USEFUL]
    assert (arm["matured"], arm["learned"]) == (490, pytest.approx(120.0))
    assert known(choices)["cohort"] == 240


def test_a_figure_is_money_over_what_is_at_stake_by_now_and_the_newest_one_counts() -> None:
    choices = learned((DAY, [], [pulse(DAY, draws=1, worth=100, opened={})]))
    assert known(choices)["arms"][USEFUL]["effect"][0] == pytest.approx(0.1)
    choices.learn(2 * DAY, [], [pulse(2 * DAY, draws=10_000, worth=50_000_000)])
    assert known(choices)["arms"][USEFUL]["effect"][0] == pytest.approx(0.02, rel=0.01)
    other = pulse(3 * DAY, policy=2)
    assert other.choice is not None
    arms = (ArmPulse("useful", USEFUL, -2.0), other.choice.arms[1])
    other = msgspec.structs.replace(other, choice=msgspec.structs.replace(other.choice, arms=arms))
    choices.learn(3 * DAY, [], [other])
    assert known(choices)["arms"][USEFUL]["effect"][0] == pytest.approx(-0.04, rel=0.01)


def test_a_policy_that_was_older_once_stays_older_whoever_tells_of_it_last() -> None:
    choices = learned((DAY, [], [pulse(DAY)]), (2 * DAY, [], [pulse(2 * DAY, policy=2, useful=OTHER)]))
    choices.learn(3 * DAY, [], [pulse(3 * DAY)])
    assert known(choices)["named"]["useful"] == OTHER
    off = msgspec.structs.replace(pulse(4 * DAY, shard=1, policy=3), choice=None)
    choices.learn(4 * DAY, [], [off, pulse(4 * DAY, policy=2)])
    choices.learn(5 * DAY, [], [pulse(5 * DAY, policy=2, useful=USEFUL)])
    assert known(choices)["named"]["useful"] == OTHER


def test_the_share_of_what_is_not_proven_is_reckoned_over_the_draws_that_it_was_open_in() -> None:
    few = {"tried": 3 * ONE, "open": 4}
    choices = learned(*((day * DAY, [], [pulse(day * DAY, **few)]) for day in (1, 8)))
    # 6 of 8, which is two and a half times what was allowed; of all forty draws it would be half of it.
    assert known(choices)["unproven_price"] == pytest.approx(1.5)
    assert known(choices)["settled"] is False
    choices.learn(15 * DAY, [], [pulse(15 * DAY, tried=ONE, open=4)])
    assert known(choices)["settled"] is True
    choices.learn(16 * DAY, [], [pulse(16 * DAY, policy=2, useful=OTHER)])
    assert known(choices)["settled"] is False


def test_what_another_release_learned_by_is_left_and_so_is_an_outcome_of_its_description() -> None:
    state = learned((DAY, [], [pulse(DAY)])).state()
    assert state is not None
    again = Choices({**state, "learned_by": "another"})
    assert (again.left, again.state()) == ("another", None)
    foreign = outcome(1, USEFUL, features=b"x" * 30, schema=7)
    check_outcome(foreign)
    arms = known(learned((DAY, [], [pulse(DAY)]), (2 * DAY, [foreign], [])))["arms"]
    assert (arms[USEFUL]["matured"], arms[USEFUL]["learned"]) == (1, 0.0)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"features": b"xx"}, "features have 2 bytes"),
        ({"worth": 0.0}, "worth is 0"),
        ({"arm": "ffffffff"}, "none of 0000000a, 0000000b"),
    ],
)
def test_an_outcome_of_another_model_is_refused(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        check_outcome(msgspec.structs.replace(outcome(1, USEFUL), **changed))
