"""Levels of the loyalty programme on the live path: reached at once, kept for a grace, lost one step at a time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.customer.record import unpack
from models.decisions.policy.in_force import PolicyInForce
from models.loyalty.membership import MAX_STRETCHES, Membership
from models.loyalty.membership_stored import unpack_membership
from models.settings import DAY
from models.simulation.rehearsal import Rehearsal, rehearse
from streams.operations.audit import audit
from tests.reference.engine import apply as plainly
from tests.support.bench import digest
from tests.support.kept_topics import lines_of
from tests.support.logs import START, clock, inserted, synthetic
from tests.support.replies import with_policy
from tests.unit.models.engine.test_life_of_a_moment import BOUGHT, POLICY, Story, Told
from tests.unit.models.engine.test_points import LEDGER, ledger, loyal
from tests.unit.models.simulation.test_rehearsal import VARIANTS

MEMBERSHIP = """
[membership]
counts = "spent"
window = "70d"
grace = "10d"
levels = [
    { name = "silver", at = 20 },
    { name = "gold", at = 50.5 },
    { name = "platinum", at = 120 },
]
[moment.up]
sort = "membership"
change = "reached"
[moment.ends]
sort = "membership"
change = "grace"
when = { field = "membership_level", op = "==", value = "gold" }
[action.greet]
purpose = "contract"
kind = "service"
moments = ["up", "ends"]
content = "level"
"""
SPENT = POLICY + MEMBERSHIP
PURCHASES = SPENT.replace('"spent"', '"purchases"').replace("at = 50.5", "at = 3").replace("at = 120", "at = 6")
PURCHASES = PURCHASES.replace("at = 20 ", "at = 2 ")
POINTS = (
    POLICY
    + LEDGER
    + MEMBERSHIP.replace('"spent"', '"points"').replace("50.5 ", "500, times = 1.5 ").replace("at = 120", "at = 1200")
)
POINTS += '[[membership.paid]]\nname = "plus"\nplans = ["plus"]\nlevel = "gold"\ntimes = 2.0\n'
YEAR = SPENT.replace('window = "70d"\n', "")
OTHERS = SPENT.replace('"silver"', '"bronze"').replace("at = 50.5", "at = 40").replace('grace = "10d"', 'grace = "3d"')
TEXTS = {
    "spent": SPENT,
    "purchases": PURCHASES,
    "points": POINTS,
    "year": YEAR,
    "others": OTHERS,
    "brief": SPENT.replace('window = "70d"', 'window = "9d"').replace('grace = "10d"', 'grace = "1d"'),
    "none": POLICY + LEDGER,
}
RANKS = {"": 0, "silver": 1, "bronze": 1, "gold": 2, "platinum": 3}


def entries(world: Told | Rehearsal) -> list[dict[str, Any]]:
    """The decisions of memberships in order."""
    if isinstance(world, Told):
        return world.kept.decisions("membership")
    said = (json.loads(one.value) for shard in world.shards for one in shard.outputs if one.role == "decisions")
    return [one for one in said if one["what"] == "membership"]


def went(world: Told) -> list[tuple[float, str, str, float]]:
    """(day after the purchase, change, level, what counts)"""
    return [
        (
            round((one["time"] - BOUGHT) / DAY, 1),
            one["membership"]["change"],
            one["membership"].get("level", ""),
            round(one["membership"].get("counted", 0) / 100, 2),
        )
        for one in entries(world)
    ]


def state_of(value: bytes, name: bytes = b"c") -> Membership:
    return unpack_membership(unpack(name, value).tail.membership)


def bought(*amounts: tuple[float, float], text: str = SPENT, days: int = 30) -> Story:
    story = Story(text, days=days)
    for day, amount in amounts:
        story = story.then(day, "purchase", amount=amount)
    return story


def test_a_level_is_reached_at_once_and_two_with_one_purchase() -> None:
    world = bought((1, 11), (2, 31.005)).run()
    assert went(world) == [
        (0.0, "counted", "", 9),
        (1.0, "counted", "", 20),
        (1.0, "reached", "silver", 20),
        (2.0, "counted", "silver", 51.01),
        (2.0, "reached", "gold", 51.01),
    ]
    assert [one["membership"].get("before", "") for one in entries(world)][2::2] == ["", "silver"]
    asked = [(one["moment"], one["action"]) for one in world.kept.decisions("decided")]
    assert asked == [("up", "greet"), ("up", "greet")]


def test_it_is_kept_for_a_grace_and_lost_one_step_at_a_time() -> None:
    world = bought((1, 130), days=130).run()
    assert [one[1:3] for one in went(world) if one[1] not in ("counted", "lapsed")] == [
        ("reached", "platinum"),
        ("grace", "platinum"),
        ("lowered", "gold"),
        ("grace", "gold"),
        ("lowered", "silver"),
        ("grace", "silver"),
        ("lowered", ""),
    ]
    days = [one[0] for one in went(world) if one[1] in ("grace", "lowered")]
    assert [round(later - days[0]) for later in days] == [0, 10, 10, 20, 20, 30]
    assert 71 <= days[0] <= 77
    [told_of] = [one for one in world.kept.decisions("decided") if one["moment"] == "ends"]
    assert round((told_of["time"] - BOUGHT) / DAY - days[0], 1) == 10
    assert state_of(world.kept.records[b"c"]) == Membership()


def test_who_qualifies_again_within_the_grace_keeps_it() -> None:
    grace = next(one[0] for one in went(bought((1, 12), days=100).run()) if one[1] == "grace")
    world = bought((1, 12), (grace + 5, 20), days=100).run()
    assert [one[1:3] for one in went(world)][-2:] == [("counted", "silver"), ("kept", "silver")]
    assert state_of(world.kept.records[b"c"]).until == 0


DOWN = SPENT.replace('"ends"]', '"ends", "down"]').replace(
    'when = { field = "membership_level", op = "==", value = "gold" }\n', ""
)
DOWN += '[moment.down]\nsort = "membership"\nchange = "lowered"\n'


@pytest.mark.parametrize(("when", "asked"), [("lapsed", ["up"]), ("lowered", ["up", "ends", "up"])])
def test_what_changes_back_at_the_step_at_which_it_is_booked_asks_nothing(when: str, asked: list[str]) -> None:
    """A purchase between the time of it and that at which it would have been booked."""
    quiet = entries(bought((1, 12), text=DOWN, days=100).run())
    entry = next(
        one["membership"] for one in quiet if one["membership"]["change"] == ("grace" if when == "lowered" else when)
    )
    time = entry["until"] if when == "lowered" else entry["lots"][0][0]
    world = bought((1, 12), text=DOWN, days=85).at(time + 1_000, "purchase", amount=25).run()
    told = [one["moment"] for one in world.kept.decisions("decided") if one["moment"] != "risk"]
    assert told == asked
    assert went(world)[-1][2] == "silver"


def test_what_waits_to_tell_of_a_grace_is_void_once_the_level_is_kept() -> None:
    text = DOWN.replace('purpose = "contract"\nkind = "service"\nmoments = ["up"', 'kind = "useful"\nmoments = ["up"')
    story = bought((1, 12), text=text, days=85).then(68, "complaint").then(72, "purchase", amount=25)
    world = story.run()
    assert [one["gate"] for one in world.kept.decisions("waits") if one["moment"] == "ends"][:1] == ["bad_experience"]
    [void] = [one for one in world.kept.decisions("void") if one["moment"] == "ends"]
    assert (void["time"], void["reason"]) == (BOUGHT + 72 * DAY, "the level is another by now")
    assert [one for one in world.kept.decisions("decided") if one["moment"] == "ends"] == []


def test_a_return_takes_back_what_counted_last() -> None:
    world = bought((1, 12)).then(2, "return", amount=2).run()
    assert [one[1:] for one in went(world)][3:5] == [("taken_back", "silver", 19), ("grace", "silver", 19)]
    assert entries(world)[4]["membership"]["until"] == BOUGHT + 12 * DAY


def test_a_calendar_year_ends_with_it() -> None:
    world = bought((1, 12), text=YEAR, days=380).run()
    [grace] = [one for one in entries(world) if one["membership"]["change"] == "grace"]
    told_of = datetime.fromtimestamp(grace["membership"]["until"] / 1000, UTC)
    assert f"{told_of:%Y-%m-%dT%H}" == "2001-01-10T23"


def test_purchases_count_and_a_return_leaves_them() -> None:
    world = bought((1, 1), (2, 1), text=PURCHASES).then(3, "return", amount=1).run()
    assert [one[1:3] for one in went(world)] == [
        ("counted", ""),
        ("counted", ""),
        ("reached", "silver"),
        ("counted", "silver"),
        ("reached", "gold"),
    ]


def test_points_count_as_they_are_earned_and_a_level_multiplies_those_that_follow() -> None:
    world = bought((1, 42), (2, 10), text=POINTS).then(3, "return", amount=10).run()
    assert [one["ledger"]["held"][0][2] for one in ledger(world) if one["ledger"]["change"] != "activated"] == [
        90,
        420,
        150,
        -150,
    ]
    assert [(one[1], round(one[3] * 100)) for one in went(world) if one[1] in ("counted", "taken_back")] == [
        ("counted", 90),
        ("counted", 510),
        ("counted", 660),
        ("taken_back", 510),
    ]


def test_what_is_paid_for_multiplies_while_it_runs_and_is_no_level_that_is_earned() -> None:
    story = Story(POINTS, days=60).then(1, "subscription_started", plan="plus").then(2, "purchase", amount=1)
    story = story.then(3, "subscription_cancelled", renews_at="2000-01-10T12:00:00Z").then(4, "purchase", amount=1)
    world = story.then(8, "purchase", amount=1).run()
    earned = [one["ledger"]["held"][0][2] for one in ledger(world) if one["ledger"]["change"] == "earned"]
    assert earned == [90, 20, 20, 10]
    assert {one["membership"].get("level", "") for one in entries(world)} <= {"", "silver"}


EXEMPT = {"": False, 'exempt = ["consumer"]': True, 'exempt_plans = ["plus"]': True, 'exempt_plans = ["other"]': False}


@pytest.mark.parametrize("exempt", EXEMPT)
def test_whoever_is_of_the_control_group_has_what_they_paid_for_and_hears_of_their_level(exempt: str) -> None:
    text = POINTS.replace("share = 0.0", f"share = 1.0\n{exempt}")
    story = Story(text, days=20).then(1, "subscription_started", plan="plus").then(2, "purchase", amount=1)
    world = story.then(3, "cart_abandoned", amount=5).run()
    assert [one["ledger"]["held"][0][2] for one in ledger(world) if one["ledger"]["change"] == "earned"] == [90, 20]
    decided = {one["moment"]: one for one in world.kept.decisions("decided")}
    assert (decided["up"]["action"], decided["up"].get("control", False)) == ("greet", False)
    assert (decided["cart"].get("control", False), "trigger" in decided["cart"]) == (not EXEMPT[exempt], EXEMPT[exempt])
    assert decided["cart"].get("exempt", False) == (exempt == 'exempt_plans = ["plus"]')


def test_a_late_purchase_counts_when_it_comes_from_its_own_time_on() -> None:
    story = Story(SPENT, days=60).at(BOUGHT - 30 * DAY, "purchase", arrives=BOUGHT + 3 * DAY, amount=15)
    story = story.at(BOUGHT - 90 * DAY, "purchase", arrives=BOUGHT + 4 * DAY, amount=500)
    world = story.run()
    assert [one[:3] for one in went(world)][1:3] == [(3.0, "counted", ""), (3.0, "reached", "silver")]
    assert went(world)[3][1] == "lapsed"
    assert 40 <= went(world)[3][0] <= 46


def test_an_erasure_ends_it() -> None:
    world = bought((1, 60)).then(3, "erase_requested").then(4, "purchase", amount=5).run()
    assert went(world)[-1] == (3.0, "closed", "", 0)
    assert state_of(world.kept.records[b"c"]) == Membership()


def test_another_policy_counts_by_its_own_steps_from_the_next_look_on() -> None:
    story = bought((1, 12), (9, 1)).policy(5, OTHERS)
    assert [one[1:3] for one in went(story.run())][-2:] == [("renamed", "bronze"), ("counted", "bronze")]
    raised = SPENT.replace("at = 20 ", "at = 30 ")
    assert [one[1:3] for one in went(bought((1, 12), (9, 1)).policy(5, raised).run())][3:] == [
        ("grace", "silver"),
        ("counted", "silver"),
        ("lowered", ""),
    ]


def test_what_counted_is_of_another_unit_and_lapses_and_without_a_table_it_ends() -> None:
    story = bought((1, 12), (9, 1)).policy(5, PURCHASES)
    assert [one[1] for one in went(story.run())][3:] == ["lapsed", "grace", "counted", "lowered"]
    ended = bought((1, 12)).policy(5, POLICY).then(9, "complaint").run()
    assert went(ended)[-1][:3] == (9.0, "closed", "")
    assert state_of(ended.kept.records[b"c"]) == Membership()


def test_conditions_know_where_the_customer_stands() -> None:
    rules = PolicyInForce.of(1, SPENT)
    assert rules.policy.membership is not None
    when = (
        '[{ field = "to_next_level", op = "==", value = 29.5 }, { field = "days_to_level_end", op = ">", value = 70 }]'
    )
    text = SPENT.replace('kind = "service"', f'kind = "service"\nwhen = {{ all = {when} }}')
    asked = bought((1, 12), text=text).run().kept.decisions("decided")
    assert [one["action"] for one in asked] == ["greet"]
    other = bought((1, 12.01), text=text).run().kept.decisions("decided")
    assert [one["action"] for one in other] != ["greet"]


def test_without_a_programme_nothing_is_kept_or_said() -> None:
    world = bought((1, 500), text=POLICY).run()
    assert entries(world) == []
    assert unpack(b"c", world.kept.records[b"c"]).tail.membership == b""


# -- on logs of many customers


def adds_up(world: Rehearsal, variant: str = "live") -> Counter[str]:
    """What is kept is what was said; a level is never lost by more than one step; the entries by what they are."""
    lots, levels, changes = Counter[tuple[str, int]](), dict[str, tuple[str, int]](), Counter[str]()
    for one in entries(world):
        entry, who = one["membership"], one["customer"]
        changes[entry["change"]] += 1
        for lapses, amount in entry.get("lots", []):
            lots[who, lapses] += amount
        assert entry.get("counted", 0) == sum(amount for (whose, _), amount in lots.items() if whose == who)
        before, level = levels.get(who, ("", 0))[0], entry.get("level", "")
        if entry["change"] not in ("closed", "renamed"):
            assert RANKS[level] >= RANKS[before] - 1, entry
        assert (level == before) == (
            entry["change"] not in ("reached", "lowered", "renamed", "closed") or level == before
        )
        levels[who] = (level, entry.get("until", 0))
    told = VARIANTS[variant]
    assert audit(lines_of(world), told.lateness, leaves=told.leaves).breaches == []
    for shard in world.shards:
        for name, value in shard.records.items():
            state, who = state_of(value, name), name.decode()
            assert state.lots == {at: n for (whose, at), n in lots.items() if whose == who and n}
            assert (state.level, state.until) == levels.get(who, ("", 0))
            assert len(state.lots) <= MAX_STRETCHES
    return changes


def kept(seed: int, texts: Iterable[str], partitions: int, customers: int, days: int) -> list[list[Any]]:
    logs = loyal(seed, synthetic(seed, partitions, customers, days))
    for number, text in enumerate(texts, start=1):
        at = START + (number - 1) * days // 2 * DAY
        logs = [with_policy(log, text, number, at) for log in logs]
    last = max(log[-1].timestamp for log in logs) + 15 * DAY
    return [inserted(log, [(last + DAY * n, clock(last + DAY * n)) for n in range(2)]) for log in logs]


@pytest.mark.parametrize(
    ("variant", "texts"),
    [
        ("live", ("brief", "others")),
        pytest.param("evaluation", ("points", "spent"), marks=pytest.mark.slow),
        pytest.param("live", ("brief", "purchases"), marks=pytest.mark.slow),
    ],
)
def test_it_equals_the_plain_reference_and_adds_up(variant: str, texts: tuple[str, ...]) -> None:
    logs = kept(5, [TEXTS[name] for name in texts], 2, 25, 120)
    fast = rehearse(logs, VARIANTS[variant])
    assert digest(fast) == digest(rehearse(logs, VARIANTS[variant], engine=plainly))
    changes = adds_up(fast, variant)
    assert min(changes[name] for name in ("counted", "reached", "grace", "lowered")) > 0, changes


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(st.integers(1, 10_000), *[st.sampled_from(sorted(TEXTS))] * 2, st.integers(1, 90), st.integers(1, 9))
@example(1146, "brief", "brief", 50, 5)  # a consent after an erasure that reopens nothing
def test_on_any_log_in_any_portions_it_adds_up(seed: int, first: str, second: str, batch: int, items: int) -> None:
    logs = kept(seed, (TEXTS[first], TEXTS[second]), 2, 5, 80)
    whole = rehearse(logs, VARIANTS["live"])
    adds_up(whole)
    cut = rehearse(logs, replace(VARIANTS["live"], piece_items=items), batch=lambda at: batch)
    assert digest(cut) == digest(whole)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.integers(1, 10_000), *[st.sampled_from(sorted(TEXTS))] * 2, st.sampled_from(sorted(VARIANTS)))
def test_on_any_log_it_equals_the_plain_reference(seed: int, first: str, second: str, variant: str) -> None:
    logs = kept(seed, (TEXTS[first], TEXTS[second]), 2, 8, 90)
    fast = rehearse(logs, VARIANTS[variant])
    assert digest(fast) == digest(rehearse(logs, VARIANTS[variant], engine=plainly))
    adds_up(fast, variant)
