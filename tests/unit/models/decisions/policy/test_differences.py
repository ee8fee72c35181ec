"""What differs between two policies is said by key, and what is worth a second look is said too."""

from __future__ import annotations

import pytest

from models.decisions.policy.differences import differences, flat
from models.decisions.policy.reading import read_policy
from models.decisions.policy.remarks import remarks
from tests.unit.models.decisions.policy.test_reading import EXAMPLE, SMALL


def test_what_differs_is_said_by_the_files_keys() -> None:
    old = read_policy(EXAMPLE)
    new = read_policy(
        EXAMPLE.replace("at = 0.65", "at = 0.6")
        .replace("{ most = 5, within", "{ most = 4, within")
        .replace('["email", "letter"]', '["letter"]')
        .replace("cost = 6.00", "")
        .replace('content = "useful/cart"', 'content = "useful/cart"\npromotion = true')
    )
    assert differences(old, new) == {
        "risk.levels[1].at": (0.65, 0.6),
        "action.cart_reminder.promotion": (None, True),
        "action.win_back.channels": (["email", "letter"], ["letter"]),
        "channel.call.cost": (6.0, None),
        "channel.call": (None, {}),
        "contact.caps[1].most": (5, 4),
    }


def test_comments_order_and_what_is_the_default_make_no_difference() -> None:
    new = "# ours\n" + SMALL.replace('kind = "useful"', 'kind = "useful"\npriority = 5\npurpose = "marketing"')
    assert differences(read_policy(SMALL), read_policy(new)) == {}


def test_of_the_first_policy_everything_is_new() -> None:
    new = read_policy(SMALL)
    assert differences(None, new) == {key: (None, value) for key, value in flat(new).items()}


def test_the_example_needs_no_second_look() -> None:
    assert remarks(read_policy(EXAMPLE)) == []


EARNS = '[points]\nexpires = "180d"\n[points.earn.bought]\ntouchpoints = ["purchase"]\npoints = 1\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SMALL.replace('sort = "risk"', 'sort = "touchpoint"\ntouchpoints = ["nps"]'), "moment: there is no risk"),
        (SMALL.replace('moments = ["sad"]', 'moments = ["sad"]\nmode = "off"'), "moment.sad: no live action names it"),
        (
            SMALL.replace('moments = ["risk"]', 'moments = ["risk"]\nlevels = ["leaving"]'),
            "moment.risk: no live action is for level at_risk, so it always",
        ),
        (SMALL, "action.write.effect: 0 is expected of it and it costs 0, so it is only ever drawn by its least"),
        (
            SMALL.replace('content = "write"', 'content = "write"\nclasses = ["reseller"]'),
            "action.write.classes: they buy for accounts, so it is always a task for a person",
        ),
        (
            SMALL
            + '[action.more]\nkind = "useful"\nmoments = ["risk"]\ncontent = "x"\n'
            + '[contact]\ncaps = [{ most = 1, within = "30d" }]',
            "contact.caps[0].most: write and more can never go out within 30d of each other: it lets one out",
        ),
        (
            SMALL.replace('content = "write"', 'content = "write"\ndiscount = 2\nonce_per = "90d"'),
            "action.write.promotion: it gives a",
        ),
        (SMALL.replace('content = "sorry"', 'content = "sorry"\nexpires = "4d"'), "action.sorry.expires: it is worth"),
        (SMALL + '[contact]\ncaps = [{ most = 0, within = "9d" }]', "contact.caps[0].most: 0 lets nothing"),
        (
            SMALL + '[contact]\nhours = [{ channels = ["email"], most = 0, within = "9d" }]',
            "contact.hours[0].most: 0 lets nothing of this kind out, ever",
        ),
        (SMALL, "contact.caps: nothing bounds how often marketing contacts a customer"),
        (SMALL + "[control]\nshare = 0", "control.share: without a control group"),
        (
            SMALL + '[control]\nexempt = ["consumer", "business", "reseller", "partner"]',
            "control.exempt: it names every class, so nobody is in the control group",
        ),
        (
            SMALL + '[control]\nexempt_tiers = ["base", "top", "middle", "high"]\n[value]',
            "control.exempt_tiers: it names every tier, so nobody who is in one is in the control group",
        ),
        (
            SMALL + "[control]\nshare = 0.02\n[choice]\nlearned = true\nhold_out = 0.02\nfloor = 0.01\n[value]",
            "choice.hold_out: with 0.02, and 0.02 in the control group, too few are left alone to stand for all",
        ),
        (
            SMALL + '[control]\nexempt = ["reseller"]\n[choice]\nlearned = true\nhold_out = 0.02\n[value]',
            "choice.hold_out: with 0.02, and 0 in the control group for those who are exempt, too few",
        ),
        (SMALL + EARNS + '[retention]\ntouchpoints = "90d"', "retention.touchpoints: what [points] books counts"),
        (
            SMALL + '[membership]\ncounts = "spent"\nlevels = [{ name = "silver", at = 1 }]\n'
            '[retention]\ntouchpoints = "9d"\ndecisions = "400d"',
            "retention.decisions: what [membership] books counts longer, 425 days or more",
        ),
    ],
)  # fmt: skip
def test_what_is_worth_a_second_look_is_named(text: str, told: str) -> None:
    assert any(words.startswith(told) for words in remarks(read_policy(text))), remarks(read_policy(text))


@pytest.mark.parametrize(
    "control",
    [
        'exempt_tiers = ["top", "middle", "high"]\n[value]',
        'exempt_tiers = ["a", "base"]\n[value]\ntiers = [{ name = "a", share = 0.1 }, { name = "b", share = 0.3 }]',
        'exempt = ["consumer", "business", "reseller"]',
    ],
)
def test_where_some_can_be_held_out_nothing_is_said(control: str) -> None:
    assert not [words for words in remarks(read_policy(SMALL + f"[control]\n{control}")) if words.startswith("control")]


@pytest.mark.parametrize("choice", ["", "learned = true\nhold_out = 0.05", "hold_out = 0.0\nfloor = 0.0"])
def test_where_enough_are_left_alone_or_nothing_is_learned_of_it_nothing_is_said(choice: str) -> None:
    text = SMALL + f"[control]\nshare = 0\n[choice]\n{choice}\n[value]"
    assert not [words for words in remarks(read_policy(text)) if words.startswith("choice")]
