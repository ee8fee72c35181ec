"""Rewards of the catalogue: which one a customer is told of, and what a policy may say of them."""

from __future__ import annotations

import pytest

from models.customer.record import unpack
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.reading import read_policy
from models.decisions.rewards import next_reward, parameters_of, within_reach
from streams.operations.customer.points import points_view
from tests.unit.models.decisions.policy.test_points import KEPT as SMALL_KEPT
from tests.unit.models.decisions.policy.test_reading import SMALL, problems
from tests.unit.models.engine.test_life_of_a_moment import POLICY, Story
from tests.unit.models.engine.test_points import LEDGER

CATALOGUE = """
[reward.coffee]
points = 80
partner = "Roastery"
likes = ["drinks"]
[reward.tea]
points = 80
[reward.free_delivery]
points = 140
code = "free-delivery"
"""
ASKS = """
[moment.in_reach]
sort = "points"
[action.choose]
purpose = "contract"
kind = "service"
moments = ["in_reach"]
content = "rewards"
reward = true
parameters = { text = "short" }
"""
TEXT = POLICY + LEDGER.replace('pending = "7d"\n', "") + CATALOGUE + ASKS
RULES = read_policy(TEXT)


@pytest.mark.parametrize(
    ("balance", "liked", "names"),
    [
        (79, (), []),
        (80, (), ["coffee", "tea"]),
        (80, ("tea",), ["tea", "coffee"]),
        (200, (), ["free_delivery", "coffee", "tea"]),
        (200, ("drinks", "free-delivery"), ["coffee", "free_delivery", "tea"]),
        (200, ("nothing of it",), ["free_delivery", "coffee", "tea"]),
    ],
)
def test_what_they_like_comes_first_then_the_dearest(balance: int, liked: tuple[str, ...], names: list[str]) -> None:
    assert within_reach(RULES, balance, liked) == names


def test_what_comes_next_is_the_cheapest_that_is_not_within_reach() -> None:
    assert [next_reward(RULES, balance) for balance in (0, 80, 140)] == ["coffee", "free_delivery", None]
    assert parameters_of(RULES, 139, ("drinks",)) == {"reward": "coffee", "partner": "Roastery"}
    assert parameters_of(RULES, 140, ()) == {"reward": "free-delivery"}
    assert parameters_of(RULES, 0, ()) == {}


def test_a_trigger_names_the_reward_that_is_chosen_for_the_customer() -> None:
    story = Story(TEXT, days=20).then(-0.5, "preferences_updated", rewards=["tea"]).then(1, "review", rating=5)
    story = story.then(2, "reward_redeemed", reward="tea", points=80).then(9, "preferences_updated", rewards=[])
    story = story.then(10, "review", rating=5).then(11, "review", rating=5)
    triggers = story.run().kept.said("triggers")
    assert [one["parameters"] for one in triggers if one.get("moment") == "in_reach"] == [
        {"text": "short", "reward": "tea"},
        {"text": "short", "reward": "tea"},
        {"text": "short", "reward": "coffee", "partner": "Roastery"},
        {"text": "short", "reward": "free-delivery"},
    ]


def test_where_it_was_spent_before_the_answer_nothing_is_said() -> None:
    waits = TEXT.replace("reward = true", "reward = true\nfrom = 2000-01-05T12:00:00Z").replace(
        'sort = "points"', 'sort = "points"\nwithin = "9d"'
    )
    story = Story(waits, days=20).then(1, "reward_redeemed", reward="cup", points=50)
    decided = [one for one in story.run().kept.decisions("decided") if one["moment"] == "in_reach"]
    assert [one["action"] for one in decided] == ["leave_alone"]
    assert any("condition" in held["gates"] for one in decided for held in one["candidates"] if "gates" in held)


def test_support_sees_what_is_within_reach_and_what_comes_next() -> None:
    record = unpack(b"c", Story(TEXT, days=2).run().kept.records[b"c"])
    view = points_view(record, PolicyInForce.of(1, TEXT))
    assert view is not None
    assert (view["rewards_within_reach"], view["next_reward"], view["points_to_next_reward"]) == (
        ["coffee", "tea"],
        "free-delivery",
        50,
    )


REWARD = "[reward.cup]\npoints = 5\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SMALL + REWARD, "reward.cup.points is 5; give the policy a table [points]: none are kept"),
        (SMALL_KEPT + REWARD + '[reward.mug]\npoints = 6\ncode = "cup"\n', 'reward.mug.code is "cup"; give another'),
        (SMALL_KEPT + '[moment.enough]\nsort = "points"\n', "moment.enough.reaches is missing; give at how many"),
        (
            SMALL_KEPT.replace('content = "write"', 'content = "write"\nreward = true'),
            "action.write.reward is true; give the policy rewards",
        ),
        (
            SMALL_KEPT.replace('content = "write"', 'content = "write"\nreward = true\nparameters = { reward = "x" }')
            + REWARD,
            "action.write.parameters.reward is given; leave it out",
        ),
    ],
)
def test_what_does_not_fit_is_refused(text: str, told: str) -> None:
    assert any(words.startswith(told) for words in problems(text)), problems(text)
