"""Gates of one channel: which is taken, what is counted on it, on what marketing rests there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.customer.consent import MARKETING, Statement, pack_register
from models.customer.restrictions import ACTION_PURPOSES
from models.decisions.ask import Held
from models.decisions.gates import (
    judge,
)
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.rule_types import RESTS
from models.decisions.standing import DayCount, Standing, channel_number, number_of
from models.settings import DAY, HOUR
from tests.unit.models.decisions.test_gates import ALL, EACH, NOW, PLAIN, World, policy, tail


def test_the_first_channel_that_is_open_is_taken() -> None:
    register = pack_register({(MARKETING, "push"): Statement(True, NOW), (MARKETING, "email"): Statement(False, NOW)})
    assert judge(World(tail=tail(consents=register)).ask(), "marketing") == ("marketing", "push", ())


def test_where_none_is_open_the_first_says_why() -> None:
    register = pack_register({(MARKETING, "email"): Statement(False, NOW)})
    judged = judge(World(tail=tail(consents=register)).ask(), "marketing")
    assert (judged.channel, judged.held) == ("email", (Held("refused_channel"),))


def test_a_preference_orders_channels_and_adds_none() -> None:
    assert judge(World(tail=tail(channels=("call", "push"))).ask(), "care").channel == "push"


def test_without_channels_of_its_own_an_action_takes_the_customers_else_the_policys() -> None:
    text = PLAIN.text.replace('channels = ["email", "push"]\n', "")
    free = PolicyInForce.of(1, text)
    assert judge(World(free, tail(channels=("fax", "call"))).ask(), "care").channel == "call"
    assert judge(World(free, tail(channels=("fax",))).ask(), "care").channel == "email"


def test_who_is_online_is_reached_there() -> None:
    assert judge(World(tail=tail(presence="push", presence_at=NOW)).ask(), "care").channel == "push"
    assert judge(World(tail=tail(presence="push", presence_at=NOW - HOUR)).ask(), "care").channel == "email"
    assert judge(World(tail=tail(presence="call", presence_at=NOW)).ask(), "care").channel == "email"


def test_a_cap_of_one_channel_leaves_the_other() -> None:
    capped = policy(contact='[contact]\ncaps = [{ most = 1, within = "7d", channel = "email" }]')
    assert judge(World(capped, standing=EACH).ask(), "marketing") == ("marketing", "push", ())
    none = policy(
        contact='[contact]\ncaps = [{ most = 0, within = "7d", channel = "push" },'
        ' { most = 1, within = "7d", channel = "email" }]'
    )
    assert judge(World(none, standing=EACH).ask(), "marketing").held == (Held("cap", NOW + 6 * DAY),)


@pytest.mark.parametrize(("country", "holds"), [("DE", True), ("NL", False), ("", True)])
def test_a_cap_of_some_countries_is_for_whoever_may_live_there(country: str, holds: bool) -> None:
    capped = policy(contact='[contact]\ncaps = [{ most = 1, within = "7d", countries = ["DE", "AT"] }]')
    held = World(capped, tail(country=country), EACH).held()["marketing"]
    assert held == ((Held("cap", NOW + 6 * DAY),) if holds else ())


FRANCE = """[contact]
[[contact.hours]]
countries = ["FR"]
channels = ["email", "push"]
most = 1
within = "7d"
rest = "60d"
"""


@pytest.mark.parametrize(("country", "holds"), [("FR", True), ("NL", False), ("", True)])
def test_a_row_of_hours_counts_contacts_on_each_of_its_channels(country: str, holds: bool) -> None:
    world = World(policy(contact=FRANCE), tail(country=country), EACH)
    assert judge(world.ask(), "marketing").channel == ("push" if holds else "email")
    alone = PolicyInForce.of(1, world.policy.text.replace('"email", "push"]\ncontent', '"email"]\ncontent'))
    held = World(alone, world.tail, EACH).held()
    assert held == {**dict.fromkeys(ALL, ()), "marketing": (Held("cap", NOW + 6 * DAY),) if holds else ()}


@pytest.mark.parametrize(("country", "rest"), [("FR", 60), ("NL", 10), ("BE", 10), ("", 60)])
def test_a_channel_rests_after_a_decline_as_long_as_the_customers_country_asks(country: str, rest: int) -> None:
    text = policy(contact=FRANCE.replace('most = 1\nwithin = "7d"\n', "")).text
    resting = PolicyInForce.of(1, text.replace("[channel.email]", '[channel.email]\nrest = "10d"'))

    def after(days: int) -> World:
        return World(
            resting, tail(country=country), Standing(once={number_of(RESTS.format("email")): NOW - days * DAY})
        )

    assert judge(after(rest - 1).ask(), "marketing") == ("marketing", "push", ())
    assert judge(after(rest - 1).ask(), "care").channel == "email"
    assert judge(after(rest).ask(), "marketing").channel == "email"


@given(
    st.sampled_from(["FR", "DE", ""]),
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["email", "push"])), max_size=5),
    st.lists(st.tuples(st.integers(1, 90), st.sampled_from(["email", "push"])), max_size=2),
)
def test_a_row_of_hours_and_caps_with_rests_say_the_same(
    country: str, contacts: list[tuple[int, str]], declined: list[tuple[int, str]]
) -> None:
    """`most`, `within` and `rest` of a row are what the same caps and rests of all its countries' customers are."""
    rows = policy(contact=FRANCE.replace('countries = ["FR"]\n', "") if country == "DE" else FRANCE)
    caps = ", ".join(f'{{ most = 1, within = "7d", channel = "{one}" }}' for one in ("email", "push"))
    text = policy(contact=f"[contact]\ncaps = [{caps}]").text
    for channel in ("email", "push"):
        resting = f"[channel.{channel}]\n" + 'rest = "60d"'
        text = text.replace(f"[channel.{channel}]", resting)
    standing = Standing(
        counts=[
            DayCount(NOW // DAY - days, channel_number(channel), 3, ACTION_PURPOSES.index("marketing"), 1)
            for days, channel in contacts
        ],
        once={number_of(RESTS.format(channel)): NOW - days * DAY for days, channel in declined},
    )
    spoken = (World(one, tail(country=country), standing).held() for one in (rows, PolicyInForce.of(1, text)))
    assert next(spoken) == next(spoken)


def test_where_an_offer_was_declined_marketing_rests_and_goes_another_way() -> None:
    resting = PolicyInForce.of(1, PLAIN.text.replace("[channel.email]", '[channel.email]\nrest = "60d"'))
    declined = Standing(once={number_of(RESTS.format("email")): NOW - 50 * DAY})
    assert judge(World(resting, standing=declined).ask(), "marketing") == ("marketing", "push", ())
    assert judge(World(resting, standing=declined).ask(), "care").channel == "email"
    assert judge(World(PLAIN, standing=declined).ask(), "marketing").channel == "email"
    alone = PolicyInForce.of(1, resting.text.replace(', "push"]', "]"))
    world = World(alone, standing=declined)
    assert world.held() == {**dict.fromkeys(ALL, ()), "marketing": (Held("after_outcomes", NOW + 10 * DAY),)}
    assert (
        World(alone, standing=Standing(once={number_of(RESTS.format("email")): NOW - 60 * DAY})).held()["marketing"]
        == ()
    )


def rests(needs: str) -> PolicyInForce:
    lasts = 'lasts = "10d"' if needs == "existing_customer" else ""
    return policy(top=f'[[basis]]\npurpose = "marketing"\nneeds = "{needs}"\n{lasts}')


def consents(granted: bool, confirmed: bool = False, expires: int = 0, channel: str = "email") -> bytes:
    return pack_register({(MARKETING, channel): Statement(granted, NOW - DAY, expires, "consent", confirmed)})


@pytest.mark.parametrize(
    ("needs", "said", "bought", "code"),
    [
        ("consent", consents(True), 0, ""),
        ("consent", consents(True, expires=NOW), NOW, "no_basis"),
        ("consent", b"", NOW, "no_basis"),
        ("confirmed_consent", consents(True), NOW, "no_basis"),
        ("confirmed_consent", consents(True, confirmed=True), 0, ""),
        ("confirmed_consent", consents(True, confirmed=True, channel=""), 0, ""),
        ("existing_customer", b"", NOW - 9 * DAY, ""),
        ("existing_customer", b"", NOW - 10 * DAY, "no_basis"),
        ("existing_customer", b"", 0, "no_basis"),
        ("existing_customer", consents(True), 0, ""),
        ("existing_customer", consents(False, channel=""), NOW, "refused_channel"),
        ("nothing", b"", 0, ""),
        ("nothing", consents(False, channel=""), 0, "refused_channel"),
    ],
)
def test_a_row_of_the_basis_says_on_what_marketing_rests(needs: str, said: bytes, bought: int, code: str) -> None:
    held = judge(World(rests(needs), tail(consents=said), last_purchase=bought).ask(), "marketing").held
    assert [one.code for one in held] == ([code] if code else [])


def test_a_grant_for_one_channel_opens_no_other() -> None:
    held = judge(World(tail=tail(consents=consents(True, channel="call"))).ask(), "marketing").held
    assert held == (Held("no_basis"),)
