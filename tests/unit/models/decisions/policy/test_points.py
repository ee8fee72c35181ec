"""What is refused of the points of a policy, and when they expire: never too early, never at too many times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decisions.points_rules import points_rules
from models.decisions.policy.reading import read_policy
from models.loyalty.account import MAX_LOTS, NEVER_EXPIRES
from models.settings import DAY, HOUR
from tests.unit.models.decisions.policy.test_reading import SMALL, problems

EARN = '[points.earn.purchases]\ntouchpoints = ["purchase"]\npoints = 1\nper = 1.0\n'
KEPT = SMALL + "[points]\n" + EARN


def of(line: str) -> str:
    return KEPT.replace("[points]\n", f"[points]\n{line}\n")


def rule(line: str) -> str:
    return KEPT.replace("points = 1\n", f"points = 1\n{line}\n")


DATED = '[moment.end]\nsort = "date"\nfield = "points_expire"\n'
TWICE = 'multiply = [{ when = { field = "tier", op = "==", value = "top" }, times = 2 }]'
ENOUGH = '[moment.enough]\nsort = "points"\n'
POOR = 'when = { field = "points", op = "<", value = 1 }\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SMALL + "[points]", "points.earn is missing"),
        (SMALL + "[points]\n[points.earn]", "points.earn is {}"),
        (KEPT.replace('["purchase"]', '["purchas"]'), 'touchpoints[0] is "purchas"; did you mean "purchase"?'),
        (KEPT.replace('["purchase"]', '["return"]'), 'touchpoints[0] is "return"; leave it out: it spends points'),
        (KEPT.replace('["purchase"]', '["nps"]'), 'touchpoints[0] is "nps"; leave it out, or leave out `per`'),
        (KEPT.replace('["purchase"]', '["purchase", "purchase"]'), 'touchpoints[1] is "purchase"; give it once'),
        (KEPT.replace('["purchase"]', "[]"), "points.earn.purchases.touchpoints is empty"),
        (rule('when = { field = "rating", op = ">", value = 1 }'), 'when.field is "rating"; give one of'),
        (of('multiply = [{ when = { field = "risk", op = ">", value = 0.5 }, times = 2 }]'), 'when.field is "risk"'),
        (KEPT.replace('["purchase"]', '["erase_requested"]'), 'touchpoints[0] is "erase_requested"; leave it out: it'),
        (KEPT.replace('["purchase"]', '["coupon_redeemed"]'), "leave out `per`: its amount is not what the customer"),
        (KEPT.replace("per = 1.0", "per = 0.125"), "points.earn.purchases.per is 0.125; give two decimals at most"),
        (of(TWICE.replace("times = 2", "times = 1.125")), "points.multiply[0].times is 1.125; give two decimals at"),
        (of(TWICE), "points.multiply[0].when is about tier; give the policy a table [value]"),
        (of('expires_at = "month"'), "points.expires is missing; give how long points last before that month ends"),
        (of('expires = "0d"'), 'points.expires is "0d"; give a duration above zero'),
        (of('expires = "393d"\nexpires_at = "month"'), 'points.expires is "393d"; give 392d at most'),
        (SMALL + DATED, 'moment.end.field is "points_expire"; give the policy a table [points]'),
        (SMALL + ENOUGH + "reaches = 5", 'moment.enough.sort is "points"; give the policy a table [points]'),
        (KEPT + ENOUGH, "moment.enough.reaches is missing; give at how many points it asks"),
        (KEPT + ENOUGH + 'reaches = 5\ntouchpoints = ["nps"]', "leave it out: a balance asks here"),
        (KEPT + DATED + "reaches = 5", 'moment.end.reaches is 5; leave it out, or give sort = "points"'),
        (SMALL.replace("[action.sorry]\n", "[action.sorry]\n" + POOR), "action.sorry.when is about points; give"),
    ],
)
def test_what_makes_no_sense_is_named(text: str, told: str) -> None:
    assert told in "; ".join(problems(text))


def test_conditions_may_ask_for_points_where_they_are_kept() -> None:
    read_policy(KEPT.replace("[action.sorry]\n", "[action.sorry]\n" + POOR) + DATED + ENOUGH + "reaches = 5\n" + POOR)


LASTS = [
    *(f'expires = "{days}d"' for days in (1, 13, 14, 30, 90, 365, 730, 3650)),
    *(f'expires = "{days}d"\nexpires_at = "month"' for days in (0, 1, 90, 365, 392)),
    *(f'expires = "{days}d"\nexpires_at = "year"' for days in (0, 365, 3650)),
]


@given(
    st.sampled_from(LASTS), st.sampled_from(["", "Europe/Berlin", "Pacific/Auckland"]), st.integers(0, 40 * 365 * 24)
)
def test_points_last_as_long_as_they_should_and_a_record_has_room_for_all_that_are_ahead(
    lasts: str, zone: str, hour: int
) -> None:
    rules = points_rules(read_policy((f'zone = "{zone}"\n' if zone else "") + of(lasts)))
    assert rules is not None
    ends = rules.ends
    assert ends is not None
    now = 1_000_000_000_000 + hour * HOUR
    expires = rules.expiry(now)
    longest = {"rolling": ends.days, "month": 32, "year": 367}[ends.ends] * DAY
    assert now + ends.lasts < expires <= now + ends.lasts + longest + 2 * HOUR
    step = max(ends.lasts // 200, 6 * HOUR)
    ahead = {rules.expiry(time) for time in range(now - ends.lasts - longest, now + 1, step)}
    assert len({one for one in ahead if one > now}) <= MAX_LOTS
    assert rules.expiry(now, now + ends.lasts + 40 * DAY) > now + ends.lasts + 40 * DAY


def test_without_an_expiry_they_never_expire() -> None:
    rules = points_rules(read_policy(KEPT))
    assert rules is not None
    assert rules.expiry(1_000_000_000_000) == NEVER_EXPIRES
    assert points_rules(read_policy(SMALL)) is None
