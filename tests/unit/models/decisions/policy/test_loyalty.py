"""What a policy may say of the loyalty loop, and what decisions read of it."""

from __future__ import annotations

import pytest

from models.decisions.loyalty_rules import loyalty_rules
from models.decisions.policy.reading import read_policy
from models.loyalty.experiences import EXPERIENCES
from models.settings import DAY
from models.touchpoints.kinds import Kind
from tests.unit.models.decisions.policy.test_points import SMALL, problems

LOOP = SMALL + "[loyalty]\n"
PRAISED = '[moment.praised]\nsort = "spoke_well"\n'
STAGE = 'when = { field = "stage", op = "==", value = "advocate" }\n'
ASKS = SMALL.replace("[action.sorry]\n", "[action.sorry]\n" + STAGE)
SINCE = '[moment.thin]\nsort = "date"\nfield = "customer_since"\n'


def _when(field: str, op: str, value: object) -> str:
    return f'when = {{ field = "{field}", op = "{op}", value = {value} }}\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LOOP + 'half_life = "0s"', 'loyalty.half_life is "0s"'),
        (LOOP + "losses = 0.5", "loyalty.losses is 0.5"),
        (LOOP + "weights = { mentoin = 1 }", 'weights.mentoin is 1.0; did you mean "mention"?'),
        (
            LOOP + "weights = { visit = 1 }",
            "loyalty.weights.visit is 1.0; give a type of touchpoint that is an experience",
        ),
        (LOOP + "weights = { nps = 101 }", "loyalty.weights"),
        (LOOP + "[loyalty.words.de]", "loyalty.words.de is empty; give the words that are good"),
        (LOOP + '[loyalty.words.de]\ngood = ["toll"]\nbad = ["toll"]', 'words.de.bad is "toll"; give it once'),
        (LOOP + '[loyalty.words.de]\ngood = ["sehr gut"]', "loyalty.words.de.good[0]"),
        (SMALL + PRAISED, 'moment.praised.sort is "spoke_well"; give the policy a table [loyalty]'),
        (LOOP + PRAISED + 'touchpoints = ["review"]', "leave it out: a good word asks here"),
        (LOOP + PRAISED + "reaches = 5", 'moment.praised.reaches is 5; leave it out, or give sort = "points"'),
        (LOOP + PRAISED + 'when = { field = "stars", op = ">", value = 1 }', 'praised.when.field is "stars"'),
        (ASKS, "action.sorry.when is about stage; give the policy a table [loyalty]"),
        (SMALL + SINCE + STAGE, "moment.thin.when is about stage; give the policy a table [loyalty]"),
        (LOOP + PRAISED + _when("missing", "contains", '"topic"'), 'value is "topic"; did you mean "topics"?'),
        (
            LOOP + PRAISED + _when("missing", "contains", '"phone"'),
            'value is "phone"; give one of "channels", "topics"',
        ),
        (LOOP + PRAISED + _when("loyalty_index", ">=", 101), "value is 101; give a number between -100 and 100"),
        (LOOP + PRAISED + _when("loyalty_index", "<", -100), "value is -100; give a number between -100 and 100"),
        (ASKS.replace("advocate", "advocat") + "[loyalty]", 'value is "advocat"; did you mean "advocate"?'),
    ],
)
def test_what_makes_no_sense_is_named(text: str, told: str) -> None:
    assert told in "; ".join(problems(text))


def test_conditions_may_ask_for_the_loop_where_one_is_kept_and_for_what_is_missing_anywhere() -> None:
    read_policy(ASKS + "[loyalty]\n" + PRAISED + STAGE)
    read_policy(LOOP + PRAISED + _when("loyalty_index", "<", 101))
    read_policy(SMALL + SINCE + 'when = { field = "missing", op = "contains", value = "topics" }')


def test_what_weighs_what() -> None:
    rules = loyalty_rules(read_policy(LOOP + 'lapses_after = "40d"\nweights = { purchase = 0, nps = 15 }'))
    assert rules is not None
    assert (rules.loop.half_life, rules.loop.losses, rules.loop.lapses_after) == (90 * DAY, 2.0, 40 * DAY)
    assert rules.loop.weights[Kind.NPS] == 15
    assert rules.loop.weights[Kind.COMPLAINT] == EXPERIENCES[Kind.COMPLAINT].weight
    assert Kind.PURCHASE not in rules.kinds
    assert loyalty_rules(read_policy(SMALL)) is None
