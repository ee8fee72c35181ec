"""Which gates may hold an action as the policy is: those that could hold nobody are not asked of any customer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from models.customer.restrictions import MARKETING
from models.decisions.ask import Held
from models.decisions.basis import NO_BASIS, REFUSED
from models.decisions.gate_table import OF_ACTION, OF_CHANNEL, OF_CUSTOMER, TABLE, Row
from models.decisions.rule_types import ActionRules, Rules

Gates = tuple[Callable[..., Held | None], ...]


class MayHold(NamedTuple):
    """The gates of an action, of customers for its purpose, and of its channels for its purpose."""

    action: Gates
    customer: Gates
    channel: Gates


def may_hold(rules: Rules, action: ActionRules) -> MayHold:
    """Worked out once for each action of a policy."""
    found = rules.gates.get(action.name)
    if found is None:
        found = rules.gates[action.name] = MayHold(*(_asked(rules, action, of) for of in MayHold._fields))
    return found


def gates_of(rows: Iterable[Row]) -> Gates:
    """Their functions, each once."""
    return tuple(dict.fromkeys(row.gate for row in rows))


def _asked(rules: Rules, action: ActionRules, of: str) -> Gates:
    rows = (row for row in TABLE if row.of == of and action.purpose in row.stops)
    return gates_of(row for row in rows if not _is_open(row, rules, action))


def _is_open(row: Row, rules: Rules, action: ActionRules) -> bool:
    found = OPEN.get((row.of, row.code))
    return found is not None and found(rules, action)


def _never_frozen(rules: Rules, action: ActionRules) -> bool:
    rows = (row for row in rules.frozen if action.purpose in row.purposes)
    return not any(not row.kinds or action.kind in row.kinds for row in rows)


def _rests_on_nothing(rules: Rules, action: ActionRules) -> bool:
    rows = (row for row in rules.policy.basis if row.purpose == action.purpose)
    return action.purpose != MARKETING and all(row.needs == "nothing" for row in rows)


def _at_all_hours(rules: Rules, action: ActionRules) -> bool:
    """Marketing is bound by the quiet hours that a customer states, too."""
    binding = (row for row in rules.policy.contact.hours if row.countries or row.channels)
    on_ours = (row for row in binding if not (row.channels and action.channels) or {*row.channels} & {*action.channels})
    return action.purpose != MARKETING and not any(on_ours)


OPEN: Final[dict[tuple[str, str], Callable[[Rules, ActionRules], bool]]] = {
    (OF_ACTION, "off"): lambda rules, action: not action.off,
    (OF_ACTION, "shadow"): lambda rules, action: not action.shadow,
    (OF_ACTION, "rollout"): lambda rules, action: action.rollout >= 1.0,
    (OF_ACTION, "dates"): lambda rules, action: not (action.starts or action.ends),
    (OF_ACTION, "wrong_level"): lambda rules, action: not action.levels,
    (OF_ACTION, "wrong_class"): lambda rules, action: not action.classes,
    (OF_ACTION, "condition"): lambda rules, action: action.when is None and not action.reward,
    (OF_ACTION, "for_a_person"): lambda rules, action: not action.human and action.purpose != MARKETING,
    (OF_ACTION, "unwanted_topic"): lambda rules, action: action.topic is None,
    (OF_ACTION, "no_content"): lambda rules, action: not action.languages,
    (OF_ACTION, "frozen"): _never_frozen,
    (OF_ACTION, "held"): lambda rules, action: not any(plan.holds for plan in rules.plans.values()),
    (OF_ACTION, "promotion_open"): lambda rules, action: not action.promotion,
    (OF_ACTION, "promotion_used"): lambda rules, action: not action.promotion,
    (OF_ACTION, "cap"): lambda rules, action: not action.limits,
    (OF_ACTION, "once_per"): lambda rules, action: not action.once_per,
    (OF_ACTION, "unprofitable"): lambda rules, action: action.liability <= 0.0 or rules.policy.value is None,
    (OF_ACTION, "budget"): lambda rules, action: not action.budgets,
    (OF_CUSTOMER, "ad_free"): lambda rules, action: not (rules.policy.ad_free.programmes or rules.policy.ad_free.plans),
    (OF_CUSTOMER, "cool_down"): lambda rules, action: not rules.cool_down,
    (OF_CHANNEL, REFUSED): _rests_on_nothing,
    (OF_CHANNEL, NO_BASIS): _rests_on_nothing,
    (OF_CHANNEL, "after_outcomes"): lambda rules, action: not rules.rests_on,
    (OF_CHANNEL, "hours_never"): _at_all_hours,
}
"""When a gate holds nobody, by what it is of and its code; one that is not here is always asked."""
