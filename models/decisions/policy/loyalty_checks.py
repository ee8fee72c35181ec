"""Whether the loyalty loop of a policy makes sense, and whether what is asked of it can be answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from models.decisions.policy.condition_checks import faults_of_condition
from models.decisions.policy.conditions import PERSON_FIELDS, named_in
from models.decisions.policy.faults import positive
from models.decisions.policy.parts import Condition
from models.decisions.policy.structure import Problem, meant
from models.decisions.policy.types import Policy
from models.decisions.policy.wording import shown
from models.loyalty.experiences import EXPERIENCES
from models.touchpoints.kinds import Kind

OF_LOOP: Final = ("stage", "loyalty_index", "spoke_well")
"""Fields of a customer that nobody has without the table."""


def faults_of_loyalty(policy: Policy) -> Iterator[Problem]:
    """All that is wrong with it."""
    loop = policy.loyalty
    for name, moment in policy.moment.items():
        if moment.sort == "spoke_well" and moment.when is not None:
            yield from faults_of_condition(f"moment.{name}.when", moment.when, PERSON_FIELDS, policy.protected)
    if loop is None:
        yield from _asked_without(policy)
        return
    for name in ("half_life", "advocate_for", "lapses_after", "won_back_for"):
        yield from positive(f"loyalty.{name}", getattr(loop, name))
    for language, words in loop.words.items():
        key = f"loyalty.words.{language}"
        if not (words.good or words.bad):
            yield Problem(key, "empty", "give the words that are good, and those that are bad")
        for word in words.bad:
            if word in words.good:
                yield Problem(f"{key}.bad", shown(word), "give it once: it is among the good ones, too")
    weighed = [Kind(kind).type for kind in EXPERIENCES]
    for name, weight in loop.weights.items():
        if name not in weighed:
            takes = f"{meant(name, weighed)}give a type of touchpoint that is an experience: {', '.join(weighed)}"
            yield Problem(f"loyalty.weights.{name}", shown(weight), takes)


def _asked_without(policy: Policy) -> Iterator[Problem]:
    takes = "give the policy a table [loyalty]: nobody has one"
    for name, moment in policy.moment.items():
        if moment.sort == "spoke_well":
            yield Problem(f"moment.{name}.sort", shown(moment.sort), "give the policy a table [loyalty]")
    asking: dict[str, Condition | None] = {f"action.{name}": one.when for name, one in policy.action.items()}
    asking |= {f"plan.{name}": one.when for name, one in policy.plan.items()}
    of_person = ("date", "points", "spoke_well")
    asking |= {f"moment.{name}": one.when for name, one in policy.moment.items() if one.sort in of_person}
    multiply = policy.points.multiply if policy.points is not None else ()
    asking |= {f"points.multiply[{n}]": row.when for n, row in enumerate(multiply)}
    for key, when in asking.items():
        for field in sorted(set(named_in(when)) & {*OF_LOOP} if when is not None else ()):
            yield Problem(f"{key}.when", f"about {field}", takes)
