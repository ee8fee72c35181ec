"""What a shard has taken of budgets, by the periods of the policy's zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from models.decisions.periods import Period, period_at
from models.decisions.policy.types import Action, Budget
from models.decisions.policy.units import most_units, units_of
from models.decisions.purse import Purse
from models.decisions.rules import rules_of
from models.decisions.standing import Spent, Standing, number_of
from models.decisions.standing_stored import pack_standing, unpack_standing
from models.settings import DAY, HOUR
from tests.unit.models.decisions.test_gates import NOW, out, policy

TWO = """
[budget.calls]
counts = "contacts"
most = 3
per = "day"

[budget.gifts]
counts = "money"
most = 10.0
per = "month"
"""
POLICY = policy(sold='budgets = ["calls", "gifts"]\nliability = 2.5', top=TWO)
RULES = rules_of(POLICY)
ACTION = RULES.actions["marketing"]
TODAY, MONTH = period_at("day", "Europe/Berlin", NOW).start, period_at("month", "Europe/Berlin", NOW).start


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


@pytest.mark.parametrize(
    ("per", "zone", "now", "start", "end"),
    [
        ("day", None, "2026-03-29T12:00", "2026-03-29T00:00", "2026-03-30T00:00"),
        ("day", "Europe/Berlin", "2026-03-29T12:00", "2026-03-28T23:00", "2026-03-29T22:00"),
        ("day", "Europe/Berlin", "2026-10-25T22:59", "2026-10-24T22:00", "2026-10-25T23:00"),
        ("week", "Europe/Berlin", "2026-03-29T12:00", "2026-03-22T23:00", "2026-03-29T22:00"),
        ("month", "Asia/Kathmandu", "2026-01-31T18:15", "2026-01-31T18:15", "2026-02-28T18:15"),
        ("month", None, "2028-02-29T00:00", "2028-02-01T00:00", "2028-03-01T00:00"),
        ("month", None, "2026-12-31T23:59", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("day", "Pacific/Apia", "2011-12-30T09:59", "2011-12-29T10:00", "2011-12-30T10:00"),  # there was no 30th
        ("day", "America/Sao_Paulo", "2018-11-04T12:00", "2018-11-04T03:00", "2018-11-05T02:00"),  # no midnight
    ],
)
def test_a_period_begins_and_ends_at_midnight_of_its_zone(per: str, zone: str, now: str, start: str, end: str) -> None:
    assert period_at(per, zone, ms(now)) == Period(ms(start), ms(end))
    assert period_at(per, zone, ms(start)).start == ms(start)
    assert period_at(per, zone, ms(end)).start == ms(end)
    assert period_at(per, zone, ms(end) - 1).start == ms(start)


def purse(calls: int, gifts: int) -> Purse:
    return Purse({"calls": {TODAY: calls}, "gifts": {MONTH: gifts}})


def test_what_is_taken_is_taken_of_all_its_budgets_or_waits() -> None:
    one = purse(calls=2, gifts=500)
    assert one.lacking(RULES, ACTION, NOW) == []
    assert one.reserve(RULES, ACTION, NOW) == (
        Spent(number_of("calls"), TODAY, 1, False),
        Spent(number_of("gifts"), MONTH, 250, True),
    )
    assert one.lacking(RULES, ACTION, NOW) == []
    one.reserve(RULES, ACTION, NOW)
    assert one.lacking(RULES, ACTION, NOW) == ["calls", "gifts"]
    one.demand(RULES, ACTION, NOW)
    one.demand(RULES, ACTION, NOW)
    assert one.unmet == {"calls": 2, "gifts": 500}
    assert one.reserved == {"calls": {TODAY: 2}, "gifts": {MONTH: 500}}


def test_a_new_day_has_calls_again_only_once_a_version_says_so() -> None:
    one = purse(calls=3, gifts=1000)
    assert one.lacking(RULES, ACTION, NOW + DAY) == ["calls"]
    one.allowed = {"calls": {TODAY + DAY: 1}, "gifts": {MONTH: 250}}
    assert one.lacking(RULES, ACTION, NOW + DAY) == []


def test_an_allowance_that_is_lowered_takes_back_nothing_that_was_taken() -> None:
    one = purse(calls=3, gifts=1000)
    one.reserve(RULES, ACTION, NOW)
    one.allowed = {}
    assert one.lacking(RULES, ACTION, NOW) == ["calls", "gifts"]
    assert one.reserved == {"calls": {TODAY: 1}, "gifts": {MONTH: 250}}


def test_what_is_given_back_can_be_taken_again_and_what_was_spent_after_all_is_charged() -> None:
    one = purse(calls=1, gifts=250)
    taken = one.reserve(RULES, ACTION, NOW)
    one.give_back(taken)
    assert one.lacking(RULES, ACTION, NOW) == []
    again = one.reserve(RULES, ACTION, NOW)
    one.charge(taken)
    assert one.reserved == {"calls": {TODAY: 2}, "gifts": {MONTH: 500}}
    one.give_back(again)
    assert one.lacking(RULES, ACTION, NOW) == ["calls", "gifts"]


def test_what_is_given_back_late_goes_to_its_own_period() -> None:
    one = purse(calls=1, gifts=250)
    taken = one.reserve(RULES, ACTION, NOW)
    one.allowed = {"calls": {TODAY + DAY: 1}, "gifts": {MONTH: 250}}  # the day is over: the version does not name it
    one.forget(RULES, NOW + DAY)
    assert one.reserved == {"gifts": {MONTH: 250}}
    one.give_back(taken)
    assert one.reserved == {"gifts": {MONTH: 0}}


def test_a_budget_that_is_named_again_within_a_month_is_not_had_anew() -> None:
    one = purse(calls=1, gifts=250)
    one.reserve(RULES, ACTION, NOW)
    without = rules_of(policy())
    one.forget(without, NOW + HOUR)
    assert one.reserved == {"calls": {TODAY: 1}, "gifts": {MONTH: 250}}
    one.allowed = {}
    one.forget(without, NOW + 33 * DAY)
    assert one.reserved == {}


def test_a_budget_that_is_for_a_time_by_the_day_is_not_had_anew_by_the_month() -> None:
    one = purse(calls=1, gifts=250)
    one.reserve(RULES, ACTION, NOW)
    one.allowed = {"gifts": {MONTH: 250, TODAY: 0}}
    daily = rules_of(policy(sold='budgets = ["gifts"]\nliability = 2.5', top=TWO.replace('"month"', '"day"')))
    one.forget(daily, NOW + DAY)
    assert one.reserved == {"gifts": {MONTH: 250}}  # the version in force names it until it is over
    one.allowed = {"gifts": {TODAY + DAY: 0}}
    one.forget(daily, NOW + DAY)
    assert one.reserved == {}


def test_a_copy_shares_nothing_that_changes() -> None:
    one = purse(calls=3, gifts=1000)
    other = one.copy()
    other.reserve(RULES, ACTION, NOW)
    assert one.reserved == {}
    one.become(other)
    assert one.reserved == {"calls": {TODAY: 1}, "gifts": {MONTH: 250}}


@pytest.mark.parametrize(
    ("keys", "units"),
    [
        ({"discount": 0.29}, 29),
        ({"discount": 0.291}, 30),
        ({"cost": 1.0, "discount": 2.0}, 300),
        ({"liability": 7.0}, 700),
    ],
)
def test_money_is_counted_in_hundredths_and_one_that_is_begun_counts(keys: dict[str, float], units: int) -> None:
    action = Action(kind="offer", moments=("risk",), content="x", **keys)
    assert units_of(action, "money") == units
    assert units_of(action, "contacts") == 1


def test_of_a_budget_what_is_over_a_hundredth_is_left() -> None:
    assert most_units(Budget(counts="money", most=0.299)) == 29
    assert most_units(Budget(counts="money", most=0.29)) == 29
    assert most_units(Budget(counts="contacts", most=40)) == 40


def test_what_was_taken_is_kept_with_the_trigger() -> None:
    spent = (Spent(7, TODAY, 1, False), Spent(8, MONTH, 2**31 - 1, True), Spent(9, MONTH, 3, True))
    first, second = out("marketing", NOW // 1000 * 1000)._replace(spent=spent), out("care", NOW // 1000 * 1000)
    standing = Standing(outstanding=[first, second, first._replace(stage=4)])
    assert unpack_standing(pack_standing(standing)) == standing
