"""Whether a policy's budgets make sense, and what its actions take of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from models.decisions.policy.parts import ms_of
from models.decisions.policy.structure import Problem, meant
from models.decisions.policy.types import Action, Budget, Policy
from models.decisions.policy.units import most_units, units_of
from models.decisions.policy.wording import one_of, shown
from models.decisions.standing_layout import MOST_SPENT
from models.settings import DAY, WEEK

_SHORTEST: Final = {"day": DAY, "week": WEEK, "month": 28 * DAY}


def faults_of_budgets(policy: Policy) -> Iterator[Problem]:
    """Each by key, value and what to give."""
    for name, budget in policy.budget.items():
        yield from _of_budget(f"budget.{name}", budget)
    for name, action in policy.action.items():
        yield from _of_action(f"action.{name}", action, policy)


def _of_budget(key: str, budget: Budget) -> Iterator[Problem]:
    if budget.most < 1:
        yield Problem(f"{key}.most", f"{budget.most:g}", "give at least 1")
    elif budget.counts == "contacts" and budget.most != int(budget.most):
        yield Problem(f"{key}.most", f"{budget.most:g}", "give a whole number of contacts")
    if not 0 < ms_of(budget.tranche) <= _SHORTEST[budget.per]:
        takes = f"give a duration above zero, of its period, a {budget.per}, at most"
        yield Problem(f"{key}.tranche", shown(budget.tranche), takes)


def _of_action(key: str, action: Action, policy: Policy) -> Iterator[Problem]:
    if action.liability is not None and action.liability < action.discount + action.cost:
        takes = f"give at least its discount and cost, {action.discount + action.cost:g}"
        yield Problem(f"{key}.liability", f"{action.liability:g}", takes)
    if action.budgets and action.purpose != "marketing":
        takes = f'leave it out, or give purpose "marketing": what is {action.purpose} never waits for money'
        yield Problem(f"{key}.budgets", shown(action.budgets), takes)
    for n, name in enumerate(action.budgets):
        if name in action.budgets[:n]:
            yield Problem(f"{key}.budgets[{n}]", shown(name), "give it once")
        elif name not in policy.budget:
            near = meant(name, policy.budget)
            known = one_of(policy.budget) if policy.budget else "the name of a table [budget.NAME]; there is none"
            yield Problem(f"{key}.budgets[{n}]", shown(name), f"{near}give {known}")
        else:
            yield from _taken(key, action, name, policy.budget[name])


def _taken(key: str, action: Action, name: str, budget: Budget) -> Iterator[Problem]:
    units = units_of(action, budget.counts)
    if not units:
        takes = f"give what a trigger can cost at most: budget {name} counts money"
        yield Problem(f"{key}.liability", "0", takes)
    elif units > MOST_SPENT:
        yield Problem(f"{key}.liability", f"{units / 100:g}", f"give at most {MOST_SPENT // 100}")
    elif units > most_units(budget):
        takes = f"give at most what a whole period of budget {name} has, {budget.most:g}"
        yield Problem(f"{key}.liability", f"{units / 100:g}", takes)
