"""Whether the points of a policy make sense, and whether its conditions on points can be answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from models.decisions.policy.condition_checks import faults_of_condition
from models.decisions.policy.conditions import OF_POINTS, PERSON_FIELDS, TOUCHPOINTS, fields_of, named_in, sort_of
from models.decisions.policy.parts import ms_of
from models.decisions.policy.points_types import Earns
from models.decisions.policy.structure import Problem, meant
from models.decisions.policy.types import Policy
from models.decisions.policy.wording import shown
from models.settings import DAY

LONGEST_BY_MONTH: Final = 392 * DAY
"""Lots that end with a month: a record has sixteen."""
_OF_CUSTOMER: Final = {name: wanted for name, wanted in PERSON_FIELDS.items() if name not in {"risk", *OF_POINTS}}
_OWN: Final = ("reward_redeemed", "reward_cancelled", "points_adjusted", "return")
"""What the ledger reads by itself."""
_PAID: Final = ("purchase", "subscription_")
"""Types, or how they begin, whose amount is what the customer pays."""
_OF_VALUE: Final = ("tier", "value")


def faults_of_points(policy: Policy) -> Iterator[Problem]:
    """All that is wrong with them."""
    points = policy.points
    for name, moment in policy.moment.items():
        if moment.sort == "points" and moment.reaches is None and not policy.reward:
            takes = "give at how many points it asks, such as 500, or the policy rewards, [reward.NAME]"
            yield Problem(f"moment.{name}.reaches", "", takes)
        if moment.sort == "points" and moment.when is not None:
            yield from faults_of_condition(f"moment.{name}.when", moment.when, PERSON_FIELDS, policy.protected)
    yield from _rewards(policy)
    if points is None:
        yield from _asked_without(policy)
        return
    for name, rule in points.earn.items():
        yield from _rule(f"points.earn.{name}", rule, policy)
    for n, row in enumerate(points.multiply):
        yield from faults_of_condition(f"points.multiply[{n}].when", row.when, _OF_CUSTOMER, policy.protected)
        yield from _hundredths(f"points.multiply[{n}].times", row.times)
        for field in sorted({*named_in(row.when)} & {*_OF_VALUE} if policy.value is None else ()):
            yield Problem(
                f"points.multiply[{n}].when", f"about {field}", "give the policy a table [value]: nobody has one"
            )
    lasts = None if points.expires is None else ms_of(points.expires)
    if lasts is None and points.expires_at != "rolling":
        yield Problem("points.expires", "", f'give how long points last before that {points.expires_at} ends, as "0d"')
    if lasts == 0 and points.expires_at == "rolling":
        yield Problem("points.expires", shown(points.expires), 'give a duration above zero, such as "365d"')
    if lasts is not None and lasts > LONGEST_BY_MONTH and points.expires_at == "month":
        takes = 'give 392d at most, or expires_at = "year" or "rolling": a record has sixteen lots'
        yield Problem("points.expires", shown(points.expires), takes)


def _rewards(policy: Policy) -> Iterator[Problem]:
    """The catalogue, and the actions that name what is in it."""
    codes = dict[str, str]()
    for name, reward in policy.reward.items():
        code = reward.code or name
        if code in codes:
            yield Problem(f"reward.{name}.code", shown(code), f"give another one: it is that of {codes[code]}")
        codes.setdefault(code, name)
        if policy.points is None:
            yield Problem(
                f"reward.{name}.points", f"{reward.points}", "give the policy a table [points]: none are kept"
            )
    for name, action in policy.action.items():
        if action.reward and not policy.reward:
            yield Problem(f"action.{name}.reward", "true", "give the policy rewards, [reward.NAME], or leave it out")
        for key in ("reward", "partner"):
            if action.reward and key in action.parameters:
                yield Problem(f"action.{name}.parameters.{key}", "given", "leave it out: that of the chosen reward is")


def _rule(key: str, rule: Earns, policy: Policy) -> Iterator[Problem]:
    if not rule.touchpoints:
        yield Problem(f"{key}.touchpoints", "empty", "give the types of touchpoints that earn, such as purchase")
    for n, name in enumerate(rule.touchpoints):
        at = f"{key}.touchpoints[{n}]"
        if name in rule.touchpoints[:n]:
            yield Problem(at, shown(name), "give it once")
        elif name == "erase_requested":
            yield Problem(at, shown(name), "leave it out: it closes the account")
        elif name in _OWN:
            yield Problem(at, shown(name), "leave it out: it spends points, gives them back or takes them")
        elif name not in TOUCHPOINTS:
            yield Problem(at, shown(name), f"{meant(name, TOUCHPOINTS)}give one of the types of touchpoints")
        elif rule.per is not None and sort_of(fields_of(name).get("amount", bool)) != "number":
            yield Problem(at, shown(name), "leave it out, or leave out `per`: it names no amount")
        elif rule.per is not None and not name.startswith(_PAID):
            yield Problem(at, shown(name), "leave it out, or leave out `per`: its amount is not what the customer pays")
    if rule.per is not None:
        yield from _hundredths(f"{key}.per", rule.per)
    if rule.when is not None:
        known = [fields_of(name) for name in rule.touchpoints if name in TOUCHPOINTS]
        fields = {name: wanted for one in known for name, wanted in one.items()}
        yield from faults_of_condition(f"{key}.when", rule.when, fields, policy.protected)


def _hundredths(key: str, number: float) -> Iterator[Problem]:
    """More decimals would be rounded away."""
    if round(number, 2) != number:
        yield Problem(key, f"{number:g}", f"give two decimals at most, such as {round(number, 2):g}")


def _asked_without(policy: Policy) -> Iterator[Problem]:
    """What goes by points where none are kept."""
    for name, moment in policy.moment.items():
        of_points = [("field", moment.field == "points_expire"), ("sort", moment.sort == "points")]
        for key in (key for key, asks in of_points if asks):
            told = shown(getattr(moment, key))
            yield Problem(f"moment.{name}.{key}", told, "give the policy a table [points]: none are kept")
    asking = {f"action.{name}": one.when for name, one in policy.action.items()}
    asking |= {f"plan.{name}": one.when for name, one in policy.plan.items()}
    asking |= {f"moment.{name}": one.when for name, one in policy.moment.items() if one.sort == "date"}
    for key, when in asking.items():
        named = {*named_in(when)} & {*OF_POINTS} if when is not None else set[str]()
        for field in sorted(named):
            yield Problem(f"{key}.when", f"about {field}", "give the policy a table [points]: none are kept")
