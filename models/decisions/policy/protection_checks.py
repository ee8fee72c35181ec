"""What no policy may do to a customer: draw who gets a notice, sell to who is leaving, give ever more discounts, make
personal prices without a word, or do by itself what a person has to decide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from models.decisions.policy.contact_types import Cap
from models.decisions.policy.faults import Faults
from models.decisions.policy.limits_told import caps_of
from models.decisions.policy.parts import ms_of
from models.decisions.policy.structure import Problem
from models.decisions.policy.types import Action, Policy
from models.decisions.policy.wording import shown
from models.settings import DAY
from models.touchpoints.kinds import Kind

YEAR: Final = 365 * DAY
PERSONAL_PRICE: Final = "personal_price"
"""The notice that a price is worked out for the customer."""
_LEAVING: Final = Kind.CANCEL_STARTED.type
_CANCELLED: Final = Kind.SUBSCRIPTION_CANCELLED.type


def faults_of_protection(policy: Policy) -> Faults:
    """All of it."""
    yield from _notices_drawn(policy)
    yield from _while_leaving(policy)
    yield from _never_ending(policy)
    yield from _discounts(policy)
    for name, action in policy.action.items():
        yield from _personal(f"action.{name}", action, policy)
        if action.significant and not action.human:
            takes = "give true: it is `significant`, so a person has to do it"
            yield Problem(f"action.{name}.human", "false", takes)


def _notices_drawn(policy: Policy) -> Faults:
    """A message about what the customer has is no arm of a draw: chance would keep it from some of them."""
    risk = {name for name, moment in policy.moment.items() if moment.sort == "risk"}
    for name, action in policy.action.items():
        if action.kind == "service" and action.purpose == "marketing" and risk & {*action.moments}:
            takes = (
                "give another kind, or a moment of touchpoints: a legal notice, a renewal, a price or an expiry is due "
                "to everybody, and actions at the risk moment are drawn"
            )
            yield Problem(f"action.{name}.kind", shown(action.kind), takes)


def _while_leaving(policy: Policy) -> Faults:
    """Who has begun to cancel may be made one offer, in the same session."""
    for name, moment in policy.moment.items():
        selling = [
            one for one, action in policy.action.items() if action.purpose == "marketing" and name in action.moments
        ]
        if _LEAVING not in moment.touchpoints or not selling:
            continue
        key, why = f"moment.{name}", f"{selling[0]} is marketing, and {_LEAVING} asks here"
        session = policy.contract.session
        if ms_of(moment.within) > ms_of(session):
            takes = f"give at most {shown(session)}, `contract.session`: {why}, so it must go out in the same session"
            yield Problem(f"{key}.within", shown(moment.within), takes)
        if moment.once_per is None:
            yield Problem(f"{key}.once_per", "", f'give a duration such as "30d": {why}, and one offer is enough')
    for name, plan in policy.plan.items():
        asks = [one for one in plan.moments if one in policy.moment and _LEAVING in policy.moment[one].touchpoints]
        for n, step in enumerate(plan.steps if asks else ()):
            action = policy.action.get(step.action)
            sells = action is not None and action.purpose == "marketing"
            if sells and ms_of(step.after) < ms_of(policy.contract.cancelling):
                takes = (
                    f"leave it out: it is marketing, and {_LEAVING} begins the plan; the one offer of the same session "
                    f"is an action that names the moment {asks[0]}"
                )
                yield Problem(f"plan.{name}.steps[{n}].action", shown(step.action), takes)


def _never_ending(policy: Policy) -> Faults:
    """Nothing is sold step by step to who has cancelled, unless the cancellation is what the plan began with."""
    for name, plan in policy.plan.items():
        actions = [policy.action[step.action] for step in plan.steps if step.action in policy.action]
        begins = {
            one for moment in plan.moments if moment in policy.moment for one in policy.moment[moment].touchpoints
        }
        sells = any(action.purpose == "marketing" for action in actions)
        if sells and _CANCELLED not in begins and _CANCELLED not in plan.ends_with:
            takes = f'give "{_CANCELLED}" among them: a cancellation ends what is sold step by step'
            yield Problem(f"plan.{name}.ends_with", shown(plan.ends_with), takes)


def _discounts(policy: Policy) -> Faults:
    giving = {
        name: action
        for name, action in policy.action.items()
        if action.discount and action.purpose == "marketing" and action.mode != "off"
    }
    each = {name: _most_a_year(policy, name) for name in giving}
    most = min(
        sum(each.values()), *(_most_of(cap) for cap in caps_of(policy.contact).values() if _counts_all(cap)), _UNBOUNDED
    )
    if most > policy.contact.discounts:
        told = ", ".join(name if many >= _UNBOUNDED else f"{name} {many}" for name, many in each.items())
        can = "any number" if most >= _UNBOUNDED else str(most)
        gives = f"a customer can have {can} in 12 months ({told})"
        takes = f"give more, or `once_per` or a cap to what gives discounts: {gives}"
        yield Problem("contact.discounts", str(policy.contact.discounts), takes)


_UNBOUNDED: Final = 10**9


def _most_a_year(policy: Policy, name: str) -> int:
    """How often a customer can have an action in 12 months, as the policy's limits of it and its moments say."""
    action = policy.action[name]
    bounds = [_often(action.once_per)]
    asked = sum(_asked(policy, moment) for moment in action.moments)
    for plan in policy.plan.values():
        begun = min(sum(_asked(policy, moment) for moment in plan.moments), _often(plan.once_per))
        asked += begun * sum(step.action == name for step in plan.steps)
    second = any(one.then is not None and one.then.action == name for one in policy.action.values())
    bounds.append(asked + (_times(policy.choice.window) if second else 0))
    bounds += [_most_of(cap) for cap in caps_of(policy.contact).values() if _counts(cap, action) and not cap.countries]
    return min(bounds)


def _asked(policy: Policy, moment: str) -> int:
    """How often a moment can trigger in 12 months."""
    asks = policy.moment.get(moment)
    if asks is None:
        return 0  # told elsewhere
    return _often(policy.choice.window if asks.sort == "risk" else asks.once_per)


def _often(once_per: str | None) -> int:
    return _UNBOUNDED if once_per is None else _times(once_per)


def _counts_all(cap: Cap) -> bool:
    return cap.purpose == "marketing" and cap.kind is None and cap.channel is None and not cap.countries


def _counts(cap: Cap, action: Action) -> bool:
    """Whether a cap counts every contact that the action makes."""
    fits = cap.kind in (None, action.kind) and (cap.channel is None or action.channels == (cap.channel,))
    return cap.purpose == action.purpose and fits


def _most_of(cap: Cap) -> int:
    return cap.most * _times(cap.within)


def _times(duration: str) -> int:
    """How often something can be in 12 months of which there is one in so long."""
    length = ms_of(duration)
    return -(-YEAR // length) if length else _UNBOUNDED


def _personal(key: str, action: Action, policy: Policy) -> Faults:
    """A personal price says so, in every language in which it is told."""
    if not action.personal_price:
        return
    if PERSONAL_PRICE not in action.notices:
        takes = f'give "{PERSONAL_PRICE}" among them: whoever gets a price of their own is told'
        yield Problem(f"{key}.notices", shown(action.notices), takes)
        return
    notice = policy.notice.get(PERSONAL_PRICE)
    if notice is None:
        yield Problem(
            f"notice.{PERSONAL_PRICE}", "", f"give a table, and in it the languages of the notice: {key} has it"
        )
        return
    if notice.languages and not action.languages:
        takes = f"name the languages of the text, those of notice.{PERSONAL_PRICE} at most"
        yield Problem(f"{key}.languages", "", takes)
    written = {language.lower() for language in notice.languages}
    for n, language in enumerate(action.languages if written else ()):
        told = language.lower()
        if not any(told == one or told.startswith(f"{one}-") for one in written):
            takes = f"write the notice in it too, and add it to notice.{PERSONAL_PRICE}.languages"
            yield Problem(f"{key}.languages[{n}]", shown(language), takes)


def never_together(policy: Policy) -> Iterator[str]:
    """Remarks on caps that let one of several actions out and never two of them."""
    for key, cap in caps_of(policy.contact).items():
        counted = [
            name
            for name, action in policy.action.items()
            if action.mode != "off" and _counts(cap, action) and _lets(cap, action) == 1
        ]
        if len(counted) > 1:
            told = f"{', '.join(counted[:-1])} and {counted[-1]}"
            yield f"{key}.most: {told} can never go out within {cap.within} of each other: it lets one out"


def _lets(cap: Cap, action: Action) -> int:
    return cap.most - (cap.reserve if action.priority < cap.reserve_for else 0)
