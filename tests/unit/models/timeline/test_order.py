"""Ticks, boundaries and places."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.customer.record import hash_of
from models.customer.schedule import phase_of
from models.settings import DAY, HOUR, EngineSettings
from models.timeline.boundaries import boundary_at, version_for
from models.timeline.order import Stage, stage_of, time_of, timer_position
from tests.reference.calendar import begins_example, next_tick
from tests.support.logs import START

times = st.integers(0, 4_102_444_800_000)  # up to 2100
stages = st.sampled_from(list(Stage))
hashes = st.integers(0, 2**64 - 1)
settings = st.builds(
    EngineSettings,
    horizon=st.sampled_from([28 * DAY, 91 * DAY, 30 * DAY + 1]),
    lateness=st.sampled_from([0, HOUR, 2 * DAY]),
    anchor=st.sampled_from([0, START, START + 12_345]),
    phase=st.sampled_from(["spread", "aligned"]),
    boundary=st.sampled_from([HOUR, DAY, 7 * DAY, 14 * DAY]),
    version_delay=st.sampled_from([0, HOUR, 3 * DAY]),
)


@given(times, stages, times, stages)
def test_places_are_ordered_by_time_and_then_by_stage(t: int, s: Stage, u: int, r: Stage) -> None:
    assert (timer_position(t, s) < timer_position(u, r)) == ((t, s) < (u, r))
    assert float(timer_position(t, s)) == timer_position(t, s)  # the due set keeps float64
    assert (time_of(float(timer_position(t, s))), stage_of(float(timer_position(t, s)))) == (t, s)


@given(settings, times)
def test_the_boundary_is_the_last_one_not_after_the_time(given: EngineSettings, time: int) -> None:
    boundary = boundary_at(given, time)
    assert boundary <= time < boundary + given.boundary
    assert (boundary - given.anchor) % given.boundary == 0
    assert boundary_at(given, boundary) == boundary


@given(settings, times)
def test_the_version_in_force_is_that_of_the_last_boundary_before_the_delay(given: EngineSettings, time: int) -> None:
    boundary = boundary_at(given, time)
    version = version_for(given, boundary)
    assert version <= boundary - given.version_delay < version + given.boundary


@given(settings, hashes, times)
def test_the_next_tick_is_the_first_of_the_customers_own_after_now(
    given: EngineSettings, customer: int, time: int
) -> None:
    tick = next_tick(given, customer, time)
    assert time < tick <= time + given.tick
    assert (tick - given.anchor - phase_of(given, customer)) % given.tick == 0
    assert next_tick(given, customer, tick) == tick + given.tick


@given(hashes)
def test_an_aligned_customer_ticks_at_the_anchor_and_a_spread_one_at_a_whole_second(customer: int) -> None:
    spread = EngineSettings()
    assert phase_of(replace(spread, phase="aligned"), customer) == 0
    assert 0 <= phase_of(spread, customer) < spread.tick
    assert phase_of(spread, customer) % 1_000 == 0


def test_phases_spread_customers_over_the_whole_tick() -> None:
    phases = [phase_of(EngineSettings(), hash_of(b"c-%d" % i)) for i in range(7_000)]
    per_day = [sum(phase // DAY == day for phase in phases) for day in range(7)]
    assert min(per_day) > 850


@given(settings, hashes, times)
def test_a_customer_has_one_open_label_of_a_sort_at_most(given: EngineSettings, customer: int, time: int) -> None:
    for sort in (given.horizon, given.tick):
        _one_at_a_time(given, customer, time, sort)


def _one_at_a_time(given: EngineSettings, customer: int, time: int, sort: int) -> None:
    tick, taken = next_tick(given, customer, time), []
    window = sort + given.lateness
    for _ in range(60):
        if begins_example(given, customer, tick, sort):
            taken.append(tick)
        tick += given.tick
    assert len(taken) >= 60 * given.tick // (window + given.tick) - 1
    for earlier, later in pairwise(taken):
        assert window <= later - earlier < window + given.tick


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"horizon": 0}, "horizon is 0"),
        ({"tick": 999}, "tick is 999 ms"),
        ({"boundary": -1}, "boundary is -1"),
        ({"lateness": -1}, "lateness is -1"),
        ({"version_delay": -1}, "version_delay is -1"),
        ({"enter": 0.5, "exit": 0.6}, "exit 0.6 and enter 0.5"),
        ({"enter": 1.0}, "enter 1.0"),
        ({"exit": 0.0}, "exit 0.0"),
        ({"enter": float("nan")}, "enter nan"),
        ({"phase": "random"}, "phase is 'random'"),
        ({"boundary": 5 * DAY}, "one must be a multiple of the other"),
        ({"piece_items": 0}, "piece_items is 0"),
        ({"trigger_life": 0}, "trigger_life is 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(changes: dict[str, int], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        EngineSettings(**changes)  # type: ignore[arg-type]  # wrong on purpose


def test_all_that_decides_is_named_and_nothing_else() -> None:
    one = EngineSettings()
    assert one.deciding() == replace(one, piece_items=7).deciding()
    assert set(one.deciding()) == set(EngineSettings.__slots__) - {"piece_items", "duplicate_window", "forget_after"}
    assert replace(one, duplicate_window=7).deciding() == {**one.deciding(), "duplicate_window": 7}
