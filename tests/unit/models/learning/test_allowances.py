"""Budgets are never passed, whatever versions come late, policies change and shards ask for."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.learning.allowances import AllowanceState, heard, held, issue
from models.outputs import BudgetPulse, Pulse
from models.settings import DAY, HOUR, MINUTE
from models.timeline.boundaries import UNTRAINED

STEP = 6 * HOUR


class Shard:
    """A shard as far as budgets go: takes up to what its version allows, and says so at each boundary."""

    def __init__(self, number: int, lot: int = 1) -> None:
        self.number, self.lot, self.version, self.lineage = number, lot, UNTRAINED, ""
        self.allowed: dict[int, int] = {}
        self.taken: dict[int, int] = {}
        self.unmet = 0

    def adopt(self, version: int, lineage: str, allowed: dict[int, list[int]]) -> None:
        self.version, self.lineage = version, lineage
        self.allowed = {start: units[self.number] for start, units in allowed.items()}

    def ask(self, period: int, units: int) -> bool:
        if self.taken.get(period, 0) + units > max(self.allowed.get(period, 0), self.taken.get(period, 0)):
            self.unmet += units
            return False
        self.taken[period] = self.taken.get(period, 0) + units
        return True

    def give_back(self, period: int, units: int) -> None:
        self.taken[period] = max(0, self.taken.get(period, 0) - units)

    def pulse(self, time: int, most: int, policy: int, quiet: bool = False) -> Pulse:
        period = time // DAY * DAY
        taken, tranche = self.taken.get(period, 0), -(-most // 4)
        one = BudgetPulse("gifts", most, tranche, period, period + DAY, taken, self.unmet, self.lot)
        self.unmet = 0
        return Pulse(self.number, time, policy, "a", self.version, self.lineage, quiet, (one,))


def taken(shards: list[Shard], period: int) -> int:
    return sum(shard.taken.get(period, 0) for shard in shards)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 60), st.booleans(), st.sampled_from([1, 1, 2, 5, 9]))
def test_all_shards_together_never_take_more_than_there_is(
    seed: int, shards: int, most: int, lowered: bool, lot: int
) -> None:
    """Versions come into force late or are left out; what is given back is taken again; the state is stored between."""
    random, state = Random(seed), None
    world, published = [Shard(number, lot) for number in range(shards)], list[tuple[int, dict[int, list[int]]]]()
    highest = dict[int, int]()
    for step in range(24):
        boundary, policy = step * STEP, 1 + (lowered and step >= 10)
        now_most = most if policy == 1 else max(1, most // 2)
        pulses = [shard.pulse(boundary, now_most, policy) for shard in world]
        state = heard(state, pulses, shards, "")
        state = msgspec.json.decode(msgspec.json.encode(state), type=AllowanceState)
        published.append((boundary, (issue(state, boundary, pulses, shards) or {}).get("gifts", {})))
        for shard in world:
            newer = [one for one in published if one[0] > shard.version]
            if newer and random.random() < 0.7:
                boundary_of, allowed = random.choice(newer)
                shard.adopt(boundary_of, "", allowed)
        period = boundary // DAY * DAY
        for _ in range(random.randrange(3 * most)):
            shard = random.choice(world)
            units = random.choice((1, 1, 2, 5))
            if not shard.ask(period, units) and random.random() < 0.2:
                shard.give_back(period, random.choice((1, 2)))
        limit = highest[period] = max(highest.get(period, 0), now_most)
        assert taken(world, period) <= limit
        assert sum(held(state.periods["gifts"][period], state.named)) <= limit


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 30), st.integers(-23, 23), st.sampled_from([1, 3, 7]))
def test_a_policy_with_other_days_does_not_let_a_budget_be_had_anew(
    seed: int, shards: int, most: int, hours: int, days: int
) -> None:
    """Shards hear of it at different times, in the middle of what was a day; its periods begin at another hour, or are
    longer."""
    random, state, world = Random(seed), None, [Shard(number) for number in range(shards)]
    hears = [random.randrange(4, 8) for _ in world]
    taken: list[tuple[int, int]] = []
    length = days * DAY

    def period(shard: Shard, time: int) -> tuple[int, int]:
        if time < hears[shard.number] * STEP + HOUR:
            return time // DAY * DAY, DAY
        return (time - hours * HOUR) // length * length + hours * HOUR, length

    for step in range(24):
        boundary, pulses = step * STEP, []
        for shard in world:
            (start, long), number = period(shard, boundary), 1 + (boundary >= hears[shard.number] * STEP + HOUR)
            told = BudgetPulse(
                "gifts", most, -(-most // 4), start, start + long, shard.taken.get(start, 0), shard.unmet
            )
            pulses.append(Pulse(shard.number, boundary, number, "a", shard.version, "", False, (told,)))
            shard.unmet = 0
        state = heard(state, pulses, shards, "")
        found = (issue(state, boundary, pulses, shards) or {}).get("gifts", {})
        for shard in world:
            if random.random() < 0.8:
                shard.adopt(boundary, "", found)
        for time in range(boundary, boundary + STEP, HOUR):
            for shard in random.sample(world, shards):
                for _ in range(random.randrange(most)):
                    if shard.ask(period(shard, time)[0], 1):
                        taken.append((time, 1))
    for begins in {period(shard, time)[0] for shard in world for time in range(2 * DAY, 24 * STEP, HOUR)} | {
        period(shard, hears[shard.number] * STEP + HOUR)[0] for shard in world
    }:
        since = max(begins, DAY)  # the day in which they hear of it; of days before the former policy had the say
        assert sum(units for time, units in taken if since <= time < begins + length) <= most


def test_what_one_shard_does_not_need_another_gets_once_its_pulse_shows_that_it_is_gone() -> None:
    state, world = None, [Shard(0), Shard(1)]
    world[1].unmet = 70  # it asks for much, and then takes none of it
    allowed, sums = [], []
    for step in range(4):
        pulses = [shard.pulse(step * STEP, 100, 1) for shard in world]
        state = heard(state, pulses, 2, "")
        found = (issue(state, step * STEP, pulses, 2) or {})["gifts"]
        for shard in world:
            shard.adopt(step * STEP, "", found)
        allowed.append(found[0])
        sums.append(sum(held(state.periods["gifts"][0], state.named)))
        for _ in range(90):
            world[0].ask(0, 1)
    assert allowed[0] == [13, 83]
    assert allowed[1] == [17, 13]  # lowered, and not given to the other before it is known to be gone
    assert allowed[3] == [87, 13]
    assert max(sums) <= 100
    assert world[0].taken == {0: 87}


def test_a_small_budget_goes_to_who_asks() -> None:
    state, world = None, [Shard(number) for number in range(4)]
    for step, handed_out in enumerate((0, 3, 4, 5)):
        pulses = [shard.pulse(step * STEP, 5, 1) for shard in world]
        state = heard(state, pulses, 4, "")
        found = (issue(state, step * STEP, pulses, 4) or {})["gifts"]
        assert found[0] == [0, 0, handed_out, 0]
        for shard in world:
            shard.adopt(step * STEP, "", found)
        for _ in range(3 if step == 0 else 4):
            world[2].ask(0, 1)
    assert world[2].taken == {0: 5}


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 400), st.integers(1, 90), st.integers(1, 40))
def test_of_what_all_ask_for_less_than_one_trigger_takes_is_left(
    seed: int, shards: int, most: int, lot: int, others: int
) -> None:
    """Rests of which no shard alone can do anything come together. Some actions take less than the dearest."""
    random, state, world = Random(seed), None, [Shard(number, min(lot, most)) for number in range(shards)]
    minutes, small = 2 * MINUTE, min(others, lot, most)
    for step in range(3 * most // world[0].lot + 6 * shards + 12):
        pulses = [shard.pulse(step * minutes, most, 1) for shard in world]
        state = heard(state, pulses, shards, "")
        found = (issue(state, step * minutes, pulses, shards) or {})["gifts"]
        for shard in world:
            shard.adopt(step * minutes, "", found)
            if step < 5 and random.random() < 0.3:
                shard.ask(0, small)
            for _ in range(random.randrange(1, 4)):
                shard.ask(0, shard.lot)
    assert most - world[0].lot < taken(world, 0) <= most


def test_history_is_handed_nothing_and_neither_is_the_time_of_another_learner() -> None:
    state, world = None, [Shard(0), Shard(1)]
    pulses = [shard.pulse(0, 100, 1, quiet=shard.number == 1) for shard in world]
    state = heard(state, pulses, 2, "")
    assert issue(state, 0, pulses, 2) == {"gifts": {0: [0, 0], DAY: [0, 0]}}
    world[0].version, world[0].lineage = STEP, "another"
    pulses = [shard.pulse(STEP, 100, 1) for shard in world]
    state = heard(state, pulses, 2, "")
    assert issue(state, STEP, pulses, 2) == {"gifts": {0: [0, 0], DAY: [0, 0]}}
    world[0].lineage = ""
    pulses = [shard.pulse(DAY, 100, 1) for shard in world]
    state = heard(state, pulses, 2, "")
    found = issue(state, DAY, pulses, 2)
    assert found is not None
    assert found["gifts"][DAY] == [0, 0]  # it was the next period while another's version was in force
    assert sum(found["gifts"][2 * DAY]) > 0


def test_a_learner_that_began_in_the_middle_hands_out_of_later_periods_only() -> None:
    world = [Shard(0)]
    pulses = [world[0].pulse(0, 100, 1)]
    state = heard(None, pulses, 1, "", late=True)
    assert issue(state, 0, pulses, 1) == {"gifts": {0: [0], DAY: [0]}}


def test_of_two_policies_the_higher_counts_and_periods_that_are_over_are_forgotten() -> None:
    world = [Shard(0), Shard(1)]
    pulses = [world[0].pulse(0, 100, 1), world[1].pulse(0, 8, 2)]
    state = heard(None, pulses, 2, "")
    found = issue(state, 0, pulses, 2)
    assert found is not None
    assert sum(found["gifts"][0]) <= 8
    for step in range(1, 20):
        pulses = [shard.pulse(step * STEP, 8, 2) for shard in world]
        state = heard(state, pulses, 2, "")
        issue(state, step * STEP, pulses, 2)
    assert state is not None
    assert list(state.periods["gifts"]) == [4 * DAY, 5 * DAY]


def test_nothing_told_is_nothing_allowed() -> None:
    assert heard(None, [], 3, "") is None
    assert issue(None, 0, [], 3) is None


@pytest.mark.parametrize("shards", [1, 2, 7])
def test_a_tranche_is_shared_evenly(shards: int) -> None:
    world = [Shard(number) for number in range(shards)]
    pulses = [shard.pulse(0, 1000, 1) for shard in world]
    found = issue(heard(None, pulses, shards, ""), 0, pulses, shards)
    assert found is not None
    assert set(found["gifts"][0]) == {-(-250 // shards)}
