"""The alarm: what is usual, when it fires, when it is over, and what is not learned then."""

from __future__ import annotations

import msgspec
import pytest

from models.decisions.alarm import alarmed_share, boundary_passed, under_new_policy
from models.decisions.policy.types import AlarmRules
from models.settings import DAY, HOUR, MINUTE, WEEK
from models.timeline.shared import MOST_SPANS, Alarm

RULES = AlarmRules()
BEGIN = 1_790_000_000_000 // WEEK * WEEK
LONGEST = 10 * WEEK


class Watch:
    """A shard's alarm, moved on boundary by boundary."""

    def __init__(self, rules: AlarmRules = RULES, step: int = 6 * HOUR) -> None:
        self.rules, self.step, self.now = rules, step, BEGIN
        self.touchpoints = self.episodes = 0
        self.alarm = boundary_passed(Alarm(), rules, BEGIN, 0, 0, LONGEST)

    def pass_by(self, came: int = 1000, opened: int = 100) -> Alarm:
        self.now += self.step
        self.touchpoints += came
        self.episodes += opened
        self.alarm = boundary_passed(self.alarm, self.rules, self.now, self.touchpoints, self.episodes, LONGEST)
        return self.alarm

    def usual_weeks(self, weeks: int, came: int = 1000, opened: int = 100) -> None:
        for _ in range(weeks * WEEK // self.step):
            assert not self.pass_by(came, opened).holds


def test_nothing_is_said_before_the_usual_is_known() -> None:
    watch = Watch()
    watch.usual_weeks(1)
    assert not watch.pass_by(0, 10_000).holds


def test_too_few_touchpoints_hold_marketing_until_there_are_enough() -> None:
    watch = Watch()
    watch.usual_weeks(3)
    assert not watch.pass_by(310).holds
    assert watch.pass_by(290).arrivals == watch.now - watch.step  # it was too quiet from the last boundary on
    since = watch.alarm.arrivals
    assert watch.pass_by(440).arrivals == since  # above where it began, below where it ends
    assert not watch.pass_by(460).holds
    assert watch.alarm.spans == ((since, since + 3 * watch.step),)


def test_more_episodes_than_usual_add_up() -> None:
    watch = Watch()
    watch.usual_weeks(3)
    assert not watch.pass_by(opened=150).holds  # five standard deviations, less the slack
    assert not watch.pass_by(opened=150).holds
    assert not watch.pass_by(opened=150).holds
    assert watch.pass_by(opened=150).crossings == watch.now
    assert watch.pass_by().holds
    quiet = 0
    while watch.pass_by().holds:
        quiet += 1
    assert 3 < quiet < 20


def test_a_single_flood_fires_at_once() -> None:
    watch = Watch()
    watch.usual_weeks(3)
    assert watch.pass_by(opened=250).crossings == watch.now


def test_what_is_small_is_no_alarm() -> None:
    watch = Watch()
    watch.usual_weeks(3, came=40, opened=1)
    assert not watch.pass_by(0, 30).holds


def test_parts_of_the_week_have_their_own_usual() -> None:
    watch = Watch()
    for _ in range(3):
        for slot in range(28):
            assert not watch.pass_by(10 if slot % 4 == 0 else 1000).holds
    for slot in range(28):
        assert not watch.pass_by(10 if slot % 4 == 0 else 1000).holds


def test_an_alarmed_time_is_not_usual() -> None:
    watch = Watch()
    watch.usual_weeks(3)
    before = watch.alarm.usual
    for _ in range(28):
        watch.pass_by(0, 0)
    assert [msgspec.structs.replace(one, left=0) for one in watch.alarm.usual] == list(before)
    assert {one.left for one in watch.alarm.usual} == {1}
    assert watch.alarm.holds


@pytest.mark.parametrize(("came", "opened"), [(200, 100), (1000, 250), (100, 300)])
def test_what_has_been_so_for_two_weeks_is_the_usual(came: int, opened: int) -> None:
    """Less came from then on, or more customers are at risk: no alarm may hold for ever."""
    watch = Watch()
    watch.usual_weeks(3)
    held = [watch.pass_by(came, opened).holds for _ in range(6 * 28)]
    assert all(held[: 2 * 28 - 1])
    assert not any(held[3 * 28 :])
    assert watch.pass_by(came // 5, opened).holds  # and is watched as the former one was


def test_a_part_of_the_week_that_differs_every_week_stops_being_an_alarm() -> None:
    """Clocks that go back move a part of the day by an hour."""
    watch = Watch()
    watch.usual_weeks(3)
    held = [[watch.pass_by(200 if slot == 5 else 1000).holds for slot in range(28)] for _ in range(5)]
    assert [sum(week) for week in held] == [1, 1, 0, 0, 0]


def test_weeks_are_weeks_however_often_a_boundary_comes() -> None:
    watch = Watch(step=10 * MINUTE)
    watch.usual_weeks(1)
    assert not watch.pass_by(0, 10_000).holds
    watch = Watch(step=10 * MINUTE)
    watch.usual_weeks(2)
    assert watch.pass_by(0).holds


def test_where_boundaries_are_weeks_it_is_off() -> None:
    watch = Watch(step=WEEK)
    watch.usual_weeks(8)
    assert not watch.pass_by(0, 100_000).holds
    assert watch.alarm.usual == ()


def test_how_much_of_a_window_was_alarmed() -> None:
    alarm = Alarm(spans=((10, 20), (40, 60)))
    assert alarmed_share(alarm, 0, 100) == 0.3
    assert alarmed_share(alarm, 15, 50) == 15 / 35
    assert alarmed_share(alarm, 60, 100) == 0.0
    holds = msgspec.structs.replace(alarm, arrivals=50)
    assert alarmed_share(holds, 0, 100) == 0.7  # 10 to 20, 40 to 100: nothing counts twice


def test_spans_that_no_window_reaches_any_more_are_forgotten_and_many_are_joined() -> None:
    watch = Watch(step=DAY)
    watch.usual_weeks(3)
    for _ in range(3 * MOST_SPANS):
        watch.pass_by(0)
        watch.pass_by(1000)
    assert 0 < len(watch.alarm.spans) <= MOST_SPANS
    assert watch.alarm.spans[0][1] > watch.now - LONGEST
    for _ in range(LONGEST // DAY + 1):
        watch.pass_by()
    assert watch.alarm.spans == ()


def test_a_new_policy_learns_anew_how_many_episodes_are_usual_and_keeps_what_comes() -> None:
    watch = Watch()
    watch.usual_weeks(3)
    watch.pass_by(290)
    since = watch.alarm.arrivals
    assert since
    watch.alarm = under_new_policy(watch.alarm, watch.now + 1)
    assert not watch.alarm.holds
    assert watch.alarm.spans == ((since, watch.now + 1),)
    assert not watch.pass_by(opened=100_000).crossings  # other levels: nothing is known of them yet
    assert watch.pass_by(290).arrivals
