"""Renewals by what was decided last before them: without use, and cancelled soon after."""

from __future__ import annotations

from msgspec.structs import replace

from models.settings import DAY
from streams.cli.lift import lines_told
from streams.operations.lift import Terms, read_all, report_of
from streams.operations.lift.renewals import ALONE, CONTROL, NOBODY, Renewals
from tests.unit.streams.operations.test_lift import World


def told(found: Renewals, arm: str) -> tuple[int, int, int]:
    one = found.arms[arm]
    return one.renewals, one.without_use, one.cancelled


def test_each_renewal_counts_for_the_last_decision_before_it() -> None:
    found = Renewals()
    answers = [(10 * DAY, "offer"), (50 * DAY, ALONE), (90 * DAY, CONTROL)]
    renewed = [5 * DAY, 10 * DAY, 49 * DAY, 60 * DAY, 95 * DAY]
    found.take(answers, renewed, cancelled=[65 * DAY, 126 * DAY], used=[48 * DAY, 60 * DAY], now=200 * DAY)
    assert told(found, NOBODY) == (1, 1, 0)
    assert told(found, "offer") == (2, 1, 1)
    assert told(found, ALONE) == (1, 0, 1)
    assert told(found, CONTROL) == (1, 1, 0)  # used 35 days before, cancelled 31 days after


def test_what_is_too_young_is_left_out_and_use_that_nobody_tells_of_is_not_known() -> None:
    found = Renewals()
    found.take([(DAY, "offer")], [2 * DAY, 80 * DAY], [], [], now=100 * DAY)
    assert found.data() == {
        "tells_of_use": False,
        "days": 30,
        "arms": {"offer": {"renewals": 1, "without_use": None, "cancelled": 0}},
    }


def test_the_report_reads_them_from_the_topics_and_leaves_tests_out() -> None:
    world = World()
    world.decide(1, "anna", "offer")
    world.decide(1, "ben", "offer", control=True)
    world.decide(1, "tester", "offer")
    world.decisions[-1] = replace(world.decisions[-1], test=True)
    for customer in ("anna", "ben", "tester"):
        world.touch(60, customer, "subscription_renewed", plan="plus")
    world.touch(59, "ben", "visit")
    world.touch(70, "ben", "subscription_cancelled", plan="plus")
    report = report_of(read_all([world.end(120)], Terms()), Terms())
    assert report.data()["renewals"]["arms"] == {
        "control group": {"renewals": 1, "without_use": 0, "cancelled": 1},
        "offer": {"renewals": 1, "without_use": 1, "cancelled": 0},
    }
    lines = "\n".join(lines_told(report))
    assert "  offer: 1, 1 without use, 0 cancelled soon after" in lines
    none = report_of(read_all([World().end(120)], Terms()), Terms())
    assert "Renewals: the topics tell of none that is old enough" in "\n".join(lines_told(none))
