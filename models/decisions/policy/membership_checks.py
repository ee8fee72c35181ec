"""Whether the levels of a policy's loyalty programme make sense, and whether its conditions on them can be answered."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from models.decisions.policy.condition_checks import faults_of_condition
from models.decisions.policy.conditions import OF_MEMBERSHIP, PERSON_FIELDS
from models.decisions.policy.faults import Faults, positive, twice
from models.decisions.policy.membership_types import MembershipRules
from models.decisions.policy.parts import Condition
from models.decisions.policy.structure import Problem, meant
from models.decisions.policy.types import Policy
from models.decisions.policy.wording import one_of, shown

_NAMES: Final = ("membership_level", "paid_membership")


def faults_of_membership(policy: Policy) -> Faults:
    """All that is wrong with them."""
    rules = policy.membership
    for name, moment in policy.moment.items():
        if moment.sort != "membership":
            continue
        if rules is None:
            yield Problem(f"moment.{name}.sort", '"membership"', "give the policy a table [membership]: none is kept")
        if moment.change is None:
            yield Problem(f"moment.{name}.change", "", 'give the change that asks, such as "reached"')
        if moment.when is not None:
            yield from faults_of_condition(f"moment.{name}.when", moment.when, PERSON_FIELDS, policy.protected)
    yield from _asked(policy)
    if rules is not None:
        yield from _levels(policy, rules)
        yield from _paid(policy, rules)


def _levels(policy: Policy, rules: MembershipRules) -> Faults:
    yield from positive("membership.window", rules.window)
    yield from positive("membership.grace", rules.grace)
    if rules.counts == "points" and policy.points is None:
        yield Problem("membership.counts", '"points"', "give the policy a table [points], or let something else count")
    for n, (lower, higher) in enumerate(pairwise(rules.levels), 1):
        if higher.at <= lower.at:
            takes = f"give more than the level before it takes ({lower.name}: {lower.at:g})"
            yield Problem(f"membership.levels[{n}].at", f"{higher.at:g}", takes)
    yield from twice("membership.levels", [one.name for one in rules.levels])
    decimals = 2 if rules.counts == "spent" else 0
    for n, one in enumerate(rules.levels):
        if round(one.at, decimals) != one.at:
            at = round(one.at, decimals) or 1
            takes = f"give {'two decimals' if decimals else 'a whole number'}, such as {at:g}"
            yield Problem(f"membership.levels[{n}].at", f"{one.at:g}", takes)
        yield from _times(f"membership.levels[{n}].times", one.times, policy)


def _paid(policy: Policy, rules: MembershipRules) -> Faults:
    names = [one.name for one in rules.levels]
    yield from twice("membership.paid", [one.name for one in rules.paid])
    plans = [plan for one in rules.paid for plan in one.plans]
    yield from twice("membership.paid.plans", plans)
    for n, one in enumerate(rules.paid):
        if one.level is not None and one.level not in names:
            takes = f"{meant(one.level, names)}give one of membership.levels: {one_of(names)}"
            yield Problem(f"membership.paid[{n}].level", shown(one.level), takes)
        yield from _times(f"membership.paid[{n}].times", one.times, policy)


def _times(key: str, times: float, policy: Policy) -> Faults:
    if round(times, 2) != times:
        yield Problem(key, f"{times:g}", f"give two decimals at most, such as {round(times, 2):g}")
    if times != 1.0 and policy.points is None:
        yield Problem(key, f"{times:g}", "give the policy a table [points], or leave it out: nobody earns any")


def _asked(policy: Policy) -> Faults:
    """Conditions on the programme: there is one, and what they name."""
    rules = policy.membership
    levels = [one.name for one in rules.levels] if rules is not None else []
    paid = [one.name for one in rules.paid] if rules is not None else []
    for key, when in _conditions(policy):
        for one in _comparisons(when):
            if one.field not in OF_MEMBERSHIP:
                continue
            if rules is None:
                yield Problem(key, f"about {one.field}", "give the policy a table [membership]: none is kept")
            elif one.field in _NAMES and one.op in ("==", "!=", "in", "not in"):
                known = levels if one.field == "membership_level" else paid
                for name in one.value if isinstance(one.value, tuple) else (one.value,):
                    if name not in known:
                        takes = f"{meant(str(name), known)}give the name of one in [membership]"
                        yield Problem(key, f"about {one.field} {shown(name)}", takes)


def _conditions(policy: Policy) -> Iterator[tuple[str, Condition]]:
    for name, moment in policy.moment.items():
        if moment.when is not None and moment.sort in ("date", "points", "membership"):
            yield f"moment.{name}.when", moment.when
    asking = {f"action.{name}.when": one.when for name, one in policy.action.items()}
    asking |= {f"plan.{name}.when": one.when for name, one in policy.plan.items()}
    yield from ((key, when) for key, when in asking.items() if when is not None)
    for n, row in enumerate(policy.points.multiply if policy.points is not None else ()):
        yield f"points.multiply[{n}].when", row.when


def _comparisons(condition: Condition) -> Iterator[Condition]:
    for one in (*(condition.all or ()), *(condition.any or ()), *filter(None, (condition.not_,))):
        yield from _comparisons(one)
    if condition.field is not None:
        yield condition
