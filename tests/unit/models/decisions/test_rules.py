"""What follows from a policy alone."""

from __future__ import annotations

from models.customer.restrictions import ACTION_PURPOSES
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.parts import KINDS
from models.decisions.rule_types import ANY, Limit, Needed
from models.decisions.rules import rules_of
from models.decisions.standing import channel_number, number_of
from models.settings import DAY, WEEK
from tests.unit.models.decisions.policy.test_reading import EXAMPLE, SMALL

POLICY = PolicyInForce.of(1, EXAMPLE)
MARKETING = ACTION_PURPOSES.index("marketing")


def test_they_are_worked_out_once_for_a_policy() -> None:
    assert rules_of(POLICY) is rules_of(POLICY)
    assert rules_of(PolicyInForce.of(1, SMALL)) is not rules_of(POLICY)


def test_an_action_knows_the_caps_that_count_it() -> None:
    offer, care = rules_of(POLICY).actions["offer"], rules_of(POLICY).actions["say_sorry"]
    assert offer.limits == (
        Limit(2, WEEK, MARKETING),
        Limit(5, 30 * DAY, MARKETING),
        Limit(1, 30 * DAY, MARKETING, kind=KINDS.index("offer")),
    )
    assert offer.limits_on["letter"] == (Limit(1, 90 * DAY, MARKETING, channel_number("letter")),)
    assert offer.limits_on["email"] == ()
    assert care.limits == (Limit(3, WEEK, ACTION_PURPOSES.index("care"), ANY, ANY),)
    assert rules_of(POLICY).actions["update_payment"].limits == ()


def test_what_a_cap_keeps_is_lacking_to_actions_of_less_priority() -> None:
    kept = EXAMPLE.replace('{ most = 5, within = "30d" }', '{ most = 5, within = "30d", reserve = 2, reserve_for = 6 }')
    actions = rules_of(PolicyInForce.of(1, kept)).actions
    assert [one.most for one in actions["first_steps"].limits if one.within == 30 * DAY] == [5]
    assert [one.most for one in actions["offer"].limits if one.within == 30 * DAY and one.kind == ANY] == [3]


def test_a_promotion_is_valid_as_long_as_it_says_else_until_it_expires() -> None:
    actions = rules_of(POLICY).actions
    assert (actions["offer"].expires, actions["offer"].valid) == (3 * DAY, 14 * DAY)
    assert actions["win_back"].valid == 0


def test_a_moment_knows_its_actions_purposes_and_channels() -> None:
    moments = rules_of(POLICY).moments
    assert moments["risk"].risk
    assert moments["risk"].within == 0
    assert set(moments["risk"].actions) == {"something_useful", "reward", "offer", "win_back"}
    assert moments["risk"].channels == ("email", "push", "letter")
    assert moments["bad_experience"].purposes == {"care"}
    assert moments["bad_experience"].within == 2 * DAY


def test_once_per_is_known_by_number_of_moments_and_actions() -> None:
    once = rules_of(POLICY).once_per
    assert once[number_of("low_rating")] == 30 * DAY
    assert once[number_of("offer")] == 60 * DAY
    assert number_of("say_sorry") not in once


def test_the_first_row_of_the_basis_that_fits_counts() -> None:
    rules = rules_of(POLICY)
    assert rules.needed("marketing", "DE", "consumer", "email") == Needed("existing_customer", 104 * WEEK)
    assert rules.needed("marketing", "DE", "consumer", "push") == Needed("consent")
    assert rules.needed("care", "DE", "consumer", "email") is None
    assert rules.needed("contract", "", "consumer", "call") is None
    assert rules.needed("legal", "", "consumer", "call") is None
