"""What a step of a customer comes to in the ledger of points, by the rules of the policy in force."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

import msgspec

from models.customer.moments import whole
from models.decisions.comes import comes
from models.decisions.given import Given, Said, Touched
from models.decisions.person import Person, value_of
from models.decisions.points_rules import HUNDRED, EarnRules, PointsRules
from models.decisions.policy.conditions import holds
from models.decisions.rules import rules_of
from models.loyalty.account import MOST_POINTS, Account, Earned
from models.loyalty.booking import NOT_WHOLE, REDEEMED, adjust, advance, cancel, earn, refuse, spend, take_back
from models.loyalty.stored import number_of
from models.outputs.ledger_entry import LedgerEntry
from models.settings import HOUR, SECOND
from models.touchpoints.kinds import Kind

SPREAD: Final = HOUR // 2
"""Points of many customers expire at one time: it is booked within so long of it, or at the next touchpoint."""
MOST_CENTS: Final = 2**63 - 1
LOW: Final = 2**32 - 1


def spread_of(phase: int) -> int:
    """How much later an expiry is looked at, by the customer's phase: ms, whole seconds."""
    return phase % SPREAD // SECOND * SECOND


def cents_of(amount: float) -> int:
    """An amount of money as whole hundredths, the nearest; of two the one further from zero, by the digits as written.

    >>> cents_of(19.99), cents_of(0.615)
    (1999, 62)
    """
    return min(int(Decimal(repr(amount)).scaleb(2).to_integral_value(ROUND_HALF_UP)), MOST_CENTS)


def earned_by(rule: EarnRules, data: Any, times: int) -> int:
    """Points that a touchpoint earns by a rule, rounded down. times: ten-thousandths."""
    if not rule.per:
        return min(rule.points * times // HUNDRED**2, MOST_POINTS + 1)
    amount = getattr(data, "amount", None) or 0.0
    return min(rule.points * cents_of(amount) * times // (rule.per * HUNDRED**2), MOST_POINTS + 1)


def book(
    account: Account, rules: PointsRules | None, person: Person, touch: Touched | None, now: int
) -> list[LedgerEntry]:
    """Let time pass in an account, then let a touchpoint change it; what was booked, in order.

    Args:
        account: changed. Afterwards nothing in it is due any more.
        rules: of the policy in force; None: it keeps no points, and only time passes.
        person: the customer, as of before.
        touch: the touchpoint of the step; None: a timer.
        now: log time, ms.
    """
    said = advance(account, now)
    if rules is not None and touch is not None and touch.kind in rules.kinds:
        told = _booked(account, rules, person, touch, now)
        said += [msgspec.structs.replace(one, cause=touch.id) for one in told]
        said += advance(account, now)  # what was earned long ago
    return said


def ask_by_points(given: Given, before: int) -> Iterator[Said]:
    """Let moments ask that come with a balance. before: what it was, points."""
    rules, person, now = rules_of(given.policy).points, given.person, given.now
    for name, when in rules.reached(before, person.points.balance) if rules is not None else ():
        if not given.history and (when is None or holds(when, lambda field: value_of(person, field, now))):
            yield from comes(given, name, now)


def _booked(account: Account, rules: PointsRules, person: Person, touch: Touched, now: int) -> list[LedgerEntry]:
    data, kind = touch.data, touch.kind
    if kind == Kind.RETURN:
        return take_back(account, number_of(data.order_id), cents_of(data.amount), rules.may_owe)
    if kind == Kind.REWARD_REDEEMED:
        if not data.points.is_integer():
            return [refuse(account, NOT_WHOLE)]
        number = number_of(data.redemption_id or data.reward)
        if data.redemption_id and any(one.reward == number for one in account.drawn):
            return [refuse(account, REDEEMED, int(data.points))]
        return spend(account, now, int(data.points), number, whole(touch.time) + rules.cancels_within)
    if kind == Kind.REWARD_CANCELLED:
        return cancel(account, now, number_of(data.redemption_id or data.reward))
    if kind == Kind.POINTS_ADJUSTED:
        return adjust(account, now, data.points, rules.expiry(min(whole(touch.time), now)))
    return _earned(account, rules, person, touch, now)


def _earned(account: Account, rules: PointsRules, person: Person, touch: Touched, now: int) -> list[LedgerEntry]:
    time, data, said = min(whole(touch.time), now), touch.data, list[LedgerEntry]()
    order = number_of(getattr(data, "order_id", None)) or touch.number
    times = next(
        (one for when, one in rules.multiply if holds(when, lambda field: value_of(person, field, now))), HUNDRED
    )
    levels = person.levels
    times *= HUNDRED if levels is None else levels.multiplied(person.membership, person.paid(now))
    cents = cents_of(getattr(data, "amount", None) or 0.0)
    for rule in rules.earn:
        if touch.kind not in rule.kinds:
            continue
        if rule.when is not None and not holds(rule.when, lambda field: getattr(data, field, None)):
            continue
        points = earned_by(rule, data, times)
        if not points:
            continue
        active_at, back = time + rule.pending, cents if touch.kind == Kind.PURCHASE else 0
        until = max(time + rules.returns_within, active_at) if back else active_at
        one = Earned(order, active_at, until, rules.expiry(time, active_at), points, back, touch.number & LOW)
        said += [msgspec.structs.replace(entry, rule=rule.name) for entry in earn(account, now, one)]
    return said
