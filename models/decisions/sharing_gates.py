"""What stands against a shared moment with a customer: the gates of its action, and that they agree to it."""

from __future__ import annotations

from typing import NamedTuple

from models.decisions.agreement import against_sharing
from models.decisions.gates import Ask, Judged, customer_wide, judge
from models.decisions.given import Given
from models.decisions.hours import Opening
from models.decisions.rules import rules_of
from models.decisions.takings import is_held_by_budgets_alone
from models.decisions.waits import HOURS, opening_of

TOO_LATE, OTHER_SIDE, SHARES, ONE_CUSTOMER = "too_late", "other_side", "shares", "one_customer"
TAKEN_BACK, WENT_OUT, CONTROL, TEST, ONCE = "taken_back", "went_out", "control", "test", "once_per"
"""Why there is none, that is no gate's (`models.decisions.words`)."""


class Checked(NamedTuple):
    """An action, and what holds it as a code; empty: nothing does, and hour is that at which it may go out."""

    judged: Judged
    gate: str
    hour: Opening | None = None


def checked_for(given: Given, name: str, action: str, starts: int, channel: str = "") -> Checked:
    """Whether an action may go out from `starts` on; what budgets alone hold is demand that they could not meet.
    channel: on which they talked; empty: it is known that they agree to that."""
    now, person = given.now, given.person
    ask = Ask(given.policy, person, given.standing, now, name, now, "", given.shared, given.stops)
    judged = judge(ask, action)
    if channel and (gate := against_sharing(person, channel, now)):
        return Checked(judged, gate)
    if person.is_test(now):
        return Checked(judged, TEST)
    if was_of_late(given, name):
        return Checked(judged, ONCE)
    wide = customer_wide(ask)
    if wide is None and ask.purse is not None and is_held_by_budgets_alone(judged):
        ask.purse.demand(ask.rules, ask.rules.actions[action], now)
    if wide is not None or judged.held:
        return Checked(judged, wide.code if wide is not None else judged.held[0].code)
    hour = opening_of(ask, judged)
    ends = now + rules_of(given.policy).actions[action].expires
    if hour is None or hour.at > now or (hour.until and hour.until <= starts) or ends <= starts:
        return Checked(judged, HOURS)
    return Checked(judged, "", hour)


def was_of_late(given: Given, name: str) -> bool:
    rules = rules_of(given.policy).moments[name]
    last = given.standing.once.get(rules.number, 0) if rules.once_per else 0
    return bool(last) and given.now < last + rules.once_per
