"""Whether what a policy says of the learned choice makes sense."""

from __future__ import annotations

from collections.abc import Iterator

from models.decisions.policy.parts import ms_of
from models.decisions.policy.structure import Problem
from models.decisions.policy.types import Choice, Policy
from models.decisions.policy.wording import shown
from models.settings import DAY

OF_LEARNED = ("unproven", "unproven_each", "kappa", "temper", "forget", "price_step", "launch", "harm", "tolerated")


def faults_of_choice(policy: Policy) -> Iterator[Problem]:
    """All that is wrong with it."""
    choice, standard = policy.choice, Choice()
    if not choice.learned:
        for name in OF_LEARNED:
            value = getattr(choice, name)
            if value != getattr(standard, name):
                takes = "leave it out, or give choice.learned = true: by figures alone it counts for nothing"
                yield Problem(f"choice.{name}", shown(value), takes)
        return
    if policy.value is None:
        takes = "give a [value] beside it: what a customer brings in a window must be known, to say what was kept of it"
        yield Problem("choice.learned", "true", takes)
    if ms_of(choice.forget) < 7 * DAY:
        yield Problem("choice.forget", shown(choice.forget), 'give at least "7d": less forgets before a window is over')
    if ms_of(choice.price_step) < DAY:
        takes = 'give at least "1d": of less too few draws say what is wanted'
        yield Problem("choice.price_step", shown(choice.price_step), takes)
