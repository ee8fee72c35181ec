"""Settings that an operator chose through the log come into force at one position of it, whatever the portions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from models.engine import piece_run
from models.engine.row_by_row import isolate_failures
from models.settings import CHANGEABLE, DAY, HOUR
from models.simulation.rehearsal import Rehearsal, rehearse
from models.timeline.batch import LogRecord
from models.timeline.boundaries import boundary_at
from tests.reference.engine import apply as plainly
from tests.support.bench import ForgetfulWorld, digest
from tests.support.logs import START, chosen_settings, clock, inserted, synthetic
from tests.unit.models.simulation.test_rehearsal import VARIANTS

LOWER: dict[str, Any] = {"enter": 0.35, "exit": 0.3}
HIGHER: dict[str, Any] = {"enter": 0.7, "exit": 0.55, "trigger_life": DAY}
every_variant = pytest.mark.parametrize("variant", VARIANTS)


@cache
def plain() -> list[list[LogRecord]]:
    return synthetic(21, partitions=2, customers=40, days=130)


def chosen_log(log: Sequence[LogRecord], *records: tuple[float, int, dict[str, Any]]) -> list[LogRecord]:
    """(days after the start, number, changes) each."""
    written = [(START + round(day * DAY), number, changes) for day, number, changes in records]
    return inserted(log, [(time, chosen_settings(time, number, **changes)) for time, number, changes in written])


@cache
def chosen() -> list[list[LogRecord]]:
    """Shard 0 hears of the second choice days after shard 1 does; the last one waits for its boundary."""
    last = {**LOWER, "at": START + 100 * DAY}
    return [
        chosen_log(plain()[0], (40, 1, LOWER), (66.3, 2, HIGHER), (80, 3, last)),
        chosen_log(plain()[1], (40, 1, LOWER), (61, 2, HIGHER), (61.1, 2, HIGHER), (95, 3, last)),
    ]


@cache
def whole_run(variant: str) -> Rehearsal:
    """The chosen logs in one go; to be looked at only."""
    return rehearse(chosen(), VARIANTS[variant])


def said(world: Rehearsal, role: str, shard: int) -> list[dict[str, Any]]:
    return [json.loads(output.value) for output in world.shards[shard].outputs if output.role == role]


def changes_of(world: Rehearsal, shard: int, what: str = "settings_in_force") -> list[dict[str, Any]]:
    return [one for one in said(world, "decisions", shard) if one["what"] == what]


def number(world: Rehearsal, shard: int) -> int:
    """Of the choice in force."""
    settings = world.shards[shard].state.settings
    assert settings is not UNSET
    return settings.number


@pytest.mark.parametrize("variant", ["evaluation", "live"])
def test_each_shard_says_what_changed_from_what_to_what_and_where(variant: str) -> None:
    world = whole_run(variant)
    for shard, days in ((0, (40, 66.3)), (1, (40, 61))):
        first, second, third = changes_of(world, shard)
        assert first["settings"] == {"enter": [0.55, 0.35], "exit": [0.45, 0.3]}
        assert second["settings"] == {"enter": [0.35, 0.7], "exit": [0.3, 0.55], "trigger_life": [3 * DAY, DAY]}
        assert third["settings"] == {"enter": [0.7, 0.35], "exit": [0.55, 0.3], "trigger_life": [DAY, 3 * DAY]}
        assert [one["time"] for one in (first, second)] == [START + round(day * DAY) for day in days]
        assert {one["reason"] for one in (first, second, third)} == {"chosen by ada"}
        for one in (first, second):
            assert chosen()[shard][one["at"]["offset"]].timestamp == one["time"]
            assert not one["at"]["due"]


@pytest.mark.parametrize("variant", ["live", "seldom a version"])
def test_what_waits_comes_into_force_at_the_same_boundary_in_every_shard(variant: str) -> None:
    world, told = whole_run(variant), VARIANTS[variant]
    wanted = START + 100 * DAY
    first_boundary = boundary_at(told, wanted + told.boundary - 1)
    for shard in (0, 1):
        (waiting,) = changes_of(world, shard, "settings_waiting")
        assert waiting["reason"] == f"chosen by ada, from {wanted} on"
        last = changes_of(world, shard)[-1]
        assert (last["time"], last["at"]["due"]) == (first_boundary, True)
        assert waiting["settings"] == last["settings"]
        assert number(world, shard) == 3
        assert world.shards[shard].state.waiting is UNSET


@pytest.mark.parametrize("variant", ["evaluation", "live"])
def test_every_decision_is_made_under_the_settings_of_its_position(variant: str) -> None:
    told = VARIANTS[variant]
    world = rehearse(chosen(), told)
    opened: Counter[float] = Counter()
    for shard in (0, 1):
        enter, leave, life = told.enter, told.exit, told.trigger_life
        lives = {one["id"]: one["expires_at"] - one["time"] for one in said(world, "triggers", shard)}
        for one in said(world, "decisions", shard):
            if one["what"] == "settings_in_force":
                after = {name: new for name, (_, new) in one["settings"].items()}
                enter, leave = after.get("enter", enter), after.get("exit", leave)
                life = after.get("trigger_life", life)
            elif one["what"] == "episode_opened":
                assert one["probability"] >= enter
                assert lives.get(one.get("trigger"), life) == life
                opened[enter] += 1
            elif one["what"] == "episode_closed" and "probability" in one:
                assert one["probability"] < leave
    assert opened.keys() == {told.enter, LOWER["enter"], HIGHER["enter"]}


def test_due_items_before_the_record_are_done_under_the_old_settings() -> None:
    """A clock record alone brings all of a week's ticks; the settings stand right behind it, and before it."""
    told = replace(VARIANTS["evaluation"], enter=0.9, exit=0.8)
    time = plain()[0][-1].timestamp + 8 * DAY
    clocks = [(time, clock(time)), (time + HOUR, clock(time + HOUR))]
    behind = inserted(plain()[0], [clocks[0], (time, chosen_settings(time, 1, **LOWER)), clocks[1]])
    before = inserted(plain()[0], [(time, chosen_settings(time, 1, **LOWER)), *clocks])
    worlds = [rehearse([log], told) for log in (behind, before)]
    for world in worlds:
        assert not [
            one for one in said(world, "decisions", 0) if one["what"] == "episode_opened" and one["time"] <= time
        ]
    assert worlds[0].shards[0].records == worlds[1].shards[0].records


@pytest.mark.slow
@every_variant
def test_it_equals_the_plain_reference(variant: str) -> None:
    assert digest(rehearse(chosen(), VARIANTS[variant], engine=plainly)) == digest(whole_run(variant))


@pytest.mark.slow
@pytest.mark.parametrize(("variant", "batch"), [("live", 1), ("evaluation", 7), ("live", 33)])
def test_portions_and_bytes_in_between_change_nothing(variant: str, batch: int) -> None:
    expected = digest(whole_run(variant))
    parts = replace(VARIANTS[variant], piece_items=batch)
    assert digest(rehearse(chosen(), parts, batch=lambda at: batch)) == expected
    assert digest(ForgetfulWorld(chosen(), parts).run(lambda at: 5 * batch)) == expected


@pytest.mark.slow
def test_row_by_row_it_comes_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = digest(rehearse(chosen(), VARIANTS["live"]))
    monkeypatch.setattr(piece_run.Run, "to_the_end", isolate_failures)
    assert digest(rehearse(chosen(), VARIANTS["live"])) == expected


values = st.fixed_dictionaries(
    {"enter": st.floats(0.05, 0.95), "exit": st.floats(0.05, 0.95)},
    optional={
        "trigger_life": st.integers(0, 10 * DAY),
        "duplicate_window": st.sampled_from([0, HOUR, 5 * DAY]),
        "at": st.integers(1, 90).map(lambda day: START + day * DAY),
    },
)
records = st.lists(st.tuples(st.floats(1, 89), st.integers(1, 4), values), max_size=6)


@pytest.mark.slow
@settings(max_examples=25)
@given(
    seed=st.integers(0, 5),
    variant=st.sampled_from(sorted(VARIANTS)),
    first=records,
    second=records,
    batch=st.integers(1, 60),
    items=st.integers(1, 20),
)
def test_whatever_operators_write_it_equals_the_plain_reference_in_any_portions(
    seed: int, variant: str, first: list[Any], second: list[Any], batch: int, items: int
) -> None:
    logs = synthetic(seed, partitions=2, customers=12, days=90)
    logs = [chosen_log(log, *one) for log, one in zip(logs, (first, second), strict=True)]
    expected = digest(rehearse(logs, VARIANTS[variant], engine=plainly))
    parts = replace(VARIANTS[variant], piece_items=items)
    assert digest(rehearse(logs, parts, batch=lambda at: batch)) == expected
    assert digest(ForgetfulWorld(logs, parts).run(lambda at: batch)) == expected


def test_a_record_that_comes_again_or_too_late_changes_nothing() -> None:
    told = VARIANTS["live"]
    once = rehearse([chosen_log(plain()[0], (40, 5, LOWER))], told)
    again = rehearse([chosen_log(plain()[0], (40, 5, LOWER), (41, 5, LOWER), (50, 4, HIGHER), (60, 5, LOWER))], told)
    assert len(changes_of(again, 0)) == 1
    assert again.shards[0].records == once.shards[0].records
    assert again.shards[0].state.settings == once.shards[0].state.settings
    assert again.shards[0].state.totals.choices == 4


def test_the_same_values_under_a_newer_number_are_no_change() -> None:
    world = rehearse([chosen_log(plain()[0], (40, 5, LOWER), (50, 6, LOWER))], VARIANTS["live"])
    assert len(changes_of(world, 0)) == 1
    assert number(world, 0) == 6


def test_of_two_under_one_number_the_same_one_counts_in_whichever_order_they_come() -> None:
    told = VARIANTS["live"]
    worlds = [
        rehearse([chosen_log(plain()[0], (40, 5, one), (40.1, 5, other))], told)
        for one, other in ((LOWER, HIGHER), (HIGHER, LOWER))
    ]
    first, second = (world.shards[0].state.settings for world in worlds)
    assert first == second


def test_a_newer_choice_takes_the_place_of_one_that_waits() -> None:
    waits = {**LOWER, "at": START + 90 * DAY}
    world = rehearse([chosen_log(plain()[0], (40, 5, waits), (50, 6, HIGHER))], VARIANTS["live"])
    (only,) = changes_of(world, 0)
    assert only["settings"]["enter"] == [0.55, 0.7]


def test_a_choice_for_a_time_that_has_passed_counts_at_once() -> None:
    world = rehearse([chosen_log(plain()[0], (40, 5, {**LOWER, "at": START + 30 * DAY}))], VARIANTS["live"])
    (only,) = changes_of(world, 0)
    assert (only["time"], only["at"]["due"]) == (START + 40 * DAY, False)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"enter": 0.3, "exit": 0.6}, "data: exit 0.6 and enter 0.3; give 0 < exit <= enter < 1"),
        ({"trigger_life": 0}, "data: trigger_life is 0; give a positive number"),
    ],
)
def test_settings_that_make_no_sense_are_a_dead_letter_and_everybody_goes_on(
    wrong: dict[str, Any], reason: str
) -> None:
    world = rehearse([chosen_log(plain()[0], (40, 5, wrong), (50, 4, LOWER))], VARIANTS["live"])
    (letter,) = [one for one in said(world, "deadletters", 0) if one["code"] == "unfit_settings"]
    assert (letter["reason"], letter["event_type"]) == (reason, "settings_chosen")
    assert len(changes_of(world, 0)) == 1
    assert world.shards[0].at == len(world.shards[0].log)


def test_no_change_of_thresholds_asks_twice_in_one_episode() -> None:
    swings = [(20 + 3 * n, n + 1, LOWER if n % 2 else HIGHER) for n in range(35)]
    world = rehearse([chosen_log(log, *swings) for log in plain()], VARIANTS["live"])
    for shard in (0, 1):
        triggers = said(world, "triggers", shard)
        asked = Counter((one["customer"], one["episode"]) for one in triggers)
        rearmed = Counter(one["customer"] for one in said(world, "decisions", shard) if one["what"] == "rearmed")
        assert len({one["id"] for one in triggers}) == len(triggers) > 20
        assert all(count == 1 or rearmed[customer] for (customer, _), count in asked.items())


def test_an_open_episode_ends_by_the_exit_in_force_and_opens_again_only_above_the_new_entry() -> None:
    told = replace(VARIANTS["live"], enter=0.35, exit=0.3)
    world = rehearse([chosen_log(plain()[0], (60, 1, HIGHER))], told)
    (change,) = changes_of(world, 0)
    open_then: set[str] = set()
    for one in said(world, "decisions", 0):
        customer = one.get("customer", "")
        if one["what"] == "episode_opened":
            assert customer not in open_then
            assert one["probability"] >= (0.7 if one["time"] > change["time"] else 0.35)
            open_then.add(customer)
        elif one["what"] in ("episode_closed", "erased"):
            open_then.discard(customer)


def test_the_record_holds_all_that_can_be_changed() -> None:
    written = json.loads(chosen_settings(START, 1))["data"]
    assert written.keys() - {"number", "at", "by"} == set(CHANGEABLE)
