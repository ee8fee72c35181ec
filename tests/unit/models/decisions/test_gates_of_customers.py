"""Gates that hold a customer or every action of a moment, and until when."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from models.customer.consent import MARKETING, Statement, pack_register
from models.customer.contract import ENDED, ENDS, Contract, pack_contract
from models.customer.layout import ERASED
from models.customer.restrictions import ACTION_PURPOSES
from models.decisions import gate_table
from models.decisions.ask import Ask, Held
from models.decisions.basis import NO_BASIS
from models.decisions.basis import REFUSED as CLOSED
from models.decisions.contact import settle
from models.decisions.customer_gates import held_hours_never
from models.decisions.gate_table import OF_ACTION, OF_CHANNEL, TABLE, Row
from models.decisions.gates import channel_held, channels_of, customer_wide, judge, reaches_nobody
from models.decisions.may_hold import OPEN, may_hold
from models.decisions.person import Person
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.rule_types import ActionRules
from models.decisions.standing import DayCount, Standing, channel_number
from models.settings import DAY, HOUR, WEEK
from tests.unit.models.decisions.test_gates import (
    AD_FREE,
    ALL,
    ASKED_OF_ALL,
    CASES,
    EACH,
    EVERYTHING,
    FREEZE,
    NOW,
    NOWHERE,
    OFFERED,
    REFUSED,
    UNFORESEEN,
    World,
    policy,
    restricted,
    tail,
)


@pytest.mark.parametrize(
    ("language", "fits"),
    [("nl", True), ("nl-BE", True), ("en-GB", True), ("EN-gb", True), ("en", True), ("en-US", False), ("n", False)],
)
def test_a_language_fits_the_same_or_one_that_says_less_of_the_region(language: str, fits: bool) -> None:
    world = World(policy('languages = ["nl", "en-GB"]'), tail(language=language))
    assert (judge(world.ask(), "marketing").held == ()) == fits


def test_who_says_no_language_and_no_topics_is_written_to() -> None:
    world = World(policy('languages = ["nl"]\ntopic = "tea"'), tail(language=""))
    assert world.held() == dict.fromkeys(ALL, ())


def wide(world: World) -> str:
    held = customer_wide(world.ask())
    return held.code if held else ""


def test_customer_wide_gates_need_no_candidate() -> None:
    assert wide(World()) == ""
    assert wide(World(flags=ERASED, tail=restricted(*ALL))) == "erased"
    assert wide(World(tail=restricted("contract", "care", "marketing"))) == ""
    assert wide(World(tail=restricted(*ALL), now=NOW + WEEK)) == "restricted"
    assert wide(World(now=NOW + 2 * DAY - 1)) == ""
    assert wide(World(now=NOW + 2 * DAY)) == "expired"
    assert wide(World(tail=restricted("marketing"), moment="sold")) == "restricted"


def test_a_risk_moment_does_not_expire() -> None:
    assert wide(World(moment="risk", level="leaving", now=NOW + 50 * WEEK)) == ""


def test_where_only_marketing_is_asked_for_and_no_channel_is_open_that_ends_it() -> None:
    assert wide(World(moment="sold", tail=tail(consents=REFUSED))) == "refused_channel"
    assert wide(World(moment="sold", tail=tail(consents=b""))) == "no_basis"
    assert wide(World(moment="asked", tail=tail(consents=REFUSED))) == ""


def worlds() -> Iterator[World]:
    yield from (world for world, _, _ in CASES.values())


@pytest.mark.parametrize("moment", ["asked", "sold", "risk"])
def test_what_holds_the_customer_holds_every_action_of_the_moment(moment: str) -> None:
    for world in worlds():
        ask = world._replace(moment=moment, level="leaving").ask()
        held = customer_wide(ask)
        if held is not None:
            for action in world.policy.actions_of(moment):
                assert judge(ask, action).held, (world, action)


def test_a_gate_that_holds_for_a_time_ends_later_than_now() -> None:
    for world in worlds():
        for held in world.held().values():
            assert all(one.until == 0 or one.until > world.now for one in held)


def test_what_nobody_can_foresee_is_named_as_that() -> None:
    held = (found for world, _, _ in CASES.values() for one in world.held().values() for found in one)
    assert {one.code for one in held if one.until == UNFORESEEN} == gate_table.UNFORESEEN


LASTS = [name for name, (_, _, until) in CASES.items() if until not in (0, UNFORESEEN)]
LASTS = [name for name in LASTS if not name.startswith("stopped")]  # it ends with an operator's word
LASTS.remove("cap of care")  # it is settled by the day


@pytest.mark.parametrize("name", LASTS)
def test_a_gate_holds_until_it_says_and_no_longer(name: str) -> None:
    world, purposes, until = CASES[name]
    code = name.split()[0].rstrip(",")
    for now, holding in ((until - 1, purposes), (until, ())):
        standing = copy.deepcopy(world.standing)
        settle(standing, now)
        held = world._replace(now=now, standing=standing).held()
        assert tuple(purpose for purpose in ALL if any(one.code == code for one in held[purpose])) == holding


def test_of_two_caps_the_one_that_holds_longer_is_told() -> None:
    caps = '{{ most = 1, within = "2d" }}, {{ most = {}, within = "7d", channel = "email" }}'
    for most, until in ((1, NOW + 6 * DAY), (0, 0)):
        text = policy(contact=f"[contact]\ncaps = [{caps.format(most)}]").text
        world = World(PolicyInForce.of(1, text.replace(', "push"]', "]")), standing=EACH)
        assert world.held()["marketing"] == (Held("cap", until),)


def test_old_contacts_count_by_the_day() -> None:
    day = DayCount(NOW // DAY - 20, channel_number("email"), 3, ACTION_PURPOSES.index("marketing"), 2)
    capped = policy(contact='[contact]\ncaps = [{ most = 2, within = "30d" }]')
    held = World(capped, standing=Standing(counts=[day])).held()["marketing"]
    assert held == (Held("cap", (NOW // DAY - 19) * DAY + 30 * DAY),)


def test_what_is_on_its_way_is_held_by_what_the_customer_has_said_and_by_nothing_else() -> None:
    said = {"erased", "restricted", "refused_channel", "no_basis", "silent", "unreachable"}
    for world in worlds():
        judged = judge(world.ask(), "marketing")
        held = channel_held(world.ask(), "marketing", judged.channel)
        assert held == tuple(one for one in judged.held if one.code in said)
    register = pack_register({(MARKETING, "push"): Statement(False, NOW), (MARKETING, "email"): Statement(True, NOW)})
    ask = World(tail=tail(consents=register)).ask()
    assert channel_held(ask, "marketing", "push") == (Held("refused_channel"),)
    assert channel_held(ask, "care", "push") == ()


def test_where_nothing_arrives_the_next_channel_is_taken_whatever_it_is_for() -> None:
    standing = Standing(unreachable={channel_number("email"): NOW - DAY})
    for purpose in ALL:
        assert judge(World(standing=standing).ask(), purpose) == (purpose, "push", ())


def test_where_nothing_arrives_at_all_only_what_is_no_marketing_is_due_all_the_same() -> None:
    ask = World(standing=NOWHERE).ask()
    assert [reaches_nobody(ask, judge(ask, purpose)) for purpose in ALL] == [True, True, True, False]
    capped = World(policy('mode = "off"'), standing=NOWHERE).ask()
    assert not any(reaches_nobody(capped, judge(capped, purpose)) for purpose in ALL)
    assert wide(World(moment="sold", standing=NOWHERE)) == "unreachable"


def test_what_is_on_its_way_where_nothing_arrives_is_held_if_it_is_marketing() -> None:
    ask = World(standing=NOWHERE).ask()
    assert channel_held(ask, "marketing", "email") == (Held("unreachable"),)
    assert channel_held(ask, "care", "email") == ()


@pytest.mark.parametrize("over", [Contract(state=ENDED), Contract(state=ENDS, renews_at=NOW - DAY)])
def test_a_plan_that_has_ended_keeps_nothing_away(over: Contract) -> None:
    ended = tail(contract=pack_contract(over._replace(plan="plus")))
    assert World(policy(top=AD_FREE), ended).held()["marketing"] == ()


def test_a_plan_that_was_cancelled_keeps_marketing_away_until_it_ends() -> None:
    runs = tail(contract=pack_contract(Contract(state=ENDS, renews_at=NOW + DAY, plan="plus")))
    assert [one.code for one in World(policy(top=AD_FREE), runs).held()["marketing"]] == ["ad_free"]


def test_a_freeze_of_other_countries_holds_nothing() -> None:
    assert World(policy(top=FREEZE.format("", 'countries = ["NL"]'))).held()["marketing"] == ()


def test_what_waited_for_the_end_of_a_freeze_comes_back_each_at_a_time_of_its_own() -> None:
    frozen = policy(top=FREEZE.replace('spread = "0s"', 'spread = "4h"').format("", ""))
    ends, until = 1_791_064_800_000, set()
    for name in (b"a", b"b", b"c", b"d"):
        person = Person(name, tail(), 0, 0, 3, 100.0, None, NOW - WEEK)
        [held] = judge(Ask(frozen, person, Standing(), NOW, "asked", NOW), "marketing").held
        assert ends <= held.until < ends + 4 * HOUR
        until.add(held.until)
        assert judge(Ask(frozen, person, Standing(), ends, "asked", ends), "marketing").held == ()
    assert len(until) == 4


OF_CHANNEL_ONLY = """
[contact]
hours = [{{ channels = ["{}"], spans = [{{ start = "09:00", end = "10:00" }}] }}]
"""


def asked_of(world: World, action: str) -> set[Any]:
    gates = may_hold(world.ask().rules, world.ask().rules.actions[action])
    return {*gates.action, *gates.customer, *gates.channel}


def held_by(row: Row, ask: Ask, action: ActionRules) -> list[Held]:
    """What a gate answers of an action, on each of its channels."""
    if row.of == OF_CHANNEL:
        found = [row.gate(ask, action.purpose, channel) for channel in channels_of(ask.rules, action, ask.person, NOW)]
    else:
        found = [row.gate(ask, action if row.of == OF_ACTION else action.purpose)]
    return [held for held in found if held is not None]


def test_a_gate_that_is_not_asked_of_an_action_would_hold_nobody() -> None:
    assert set(OPEN) <= {(row.of, row.code) for row in TABLE}
    more = (World(), World(EVERYTHING, tail(topics=("tea",), language="fr"), OFFERED), World(EVERYTHING))
    for world in (*worlds(), *more):
        ask = world.ask()
        for action in ask.rules.actions.values():
            for row in (row for row in TABLE if action.purpose in row.stops):
                assert row.gate in asked_of(world, action.name) or not held_by(row, ask, action), (action.name, row)


def test_of_an_action_with_every_key_every_gate_is_asked() -> None:
    text = EVERYTHING.text.replace("[channel.email]", '[channel.email]\nrest = "10d"')
    off, shadow = (PolicyInForce.of(1, text.replace('mode = "off"', f'mode = "{mode}"')) for mode in ("off", "shadow"))
    asked = asked_of(World(off), "marketing") | asked_of(World(shadow), "marketing")
    assert asked == {row.gate for row in TABLE if MARKETING in row.stops}
    for of, code in OPEN:
        gates = {row.gate for row in TABLE if (row.of, row.code) == (of, code)}
        assert not gates & asked_of(World(), "legal"), code


def test_of_what_no_policy_asks_for_no_gate_is_asked() -> None:
    always = {"stopped", "erased", "restricted", "expired", "unreachable"}
    for world, more in ((World(), set()), (World(policy(top=ASKED_OF_ALL)), {CLOSED, NO_BASIS})):
        assert {row.code for row in TABLE if row.gate in asked_of(world, "care")} == always | more
    for channel, asked in (("call", False), ("push", True)):
        of_channel = policy(contact=OF_CHANNEL_ONLY.format(channel))
        assert (held_hours_never in asked_of(World(of_channel), "care")) == asked
