"""One choice: scores, weights, caution, promise, draw, and what is written down of it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from models.decisions.choosing.caution import CLOSED, State, held, state
from models.decisions.choosing.domains import Domain, keyed
from models.decisions.choosing.numbers import Arm
from models.decisions.choosing.propensities import with_floors
from models.decisions.choosing.rules import ChoiceRules
from models.decisions.choosing.weights import ALONE, Score, best_of, scores_of, shares
from models.decisions.draw import drawn

_NEVER_BEST: Final = (*CLOSED, State.STOPPED)


class Candidate(NamedTuple):
    """An arm that the gates let pass.

    arm: what the version knows of it, or its prior. cost: money, of a contact and of what it takes from budgets at
    their price. stopped: the stop-loss holds it.
    """

    arm: Arm
    cost: float
    stopped: bool = False


class Reason(StrEnum):
    """Why what was drawn was drawn."""

    BEST = "best"
    """It has the highest score."""
    EXPLORED = "explored"
    """Another one scores higher; it fell by its own chance."""
    HELD_OUT = "held_out"
    """Leaving alone fell, although an action scores higher."""
    RATIONED = "rationed"
    """An action is expected to bring something, but less than unproven contact must."""
    NO_POSITIVE_VALUE = "no_positive_value"
    """No action is expected to bring more than it costs."""
    NONE_OPEN = "none_open"
    """No arm was open to this customer: leaving alone was certain."""


class Chosen(NamedTuple):
    """A choice, as it is written down; all in the order of the candidates.

    place: what was drawn, 0 for leaving alone, else one more than the candidate's place. chances: multiples of 2^-32,
    leaving alone first; they sum to `models.decisions.draw.ONE`. scores: money. states: how each arm stood.
    tried: the chance that arms which are not proven would have together if only `unproven_each` held them, as a
    multiple of 2^-32.
    """

    place: int
    chances: tuple[int, ...]
    scores: tuple[Score, ...]
    states: tuple[State, ...]
    reason: Reason
    tried: int = 0


def choose(
    candidates: Sequence[Candidate],
    features: Sequence[float],
    worth: float,
    rules: ChoiceRules,
    decision: bytes,
    *,
    launched: bool = True,
    unproven_price: float = 0.0,
    settled: bool = True,
    domain: Domain = Domain.CHOICE,
) -> Chosen:
    """Choose among leaving alone and the candidates.

    A customer of the lasting control group goes through it too: this is the would-be draw.

    Args:
        features: as `models.decisions.choosing.features.frozen` gives them.
        worth: the value at stake, money.
        decision: its id, which alone says what falls.
        launched: unproven arms are open to this customer.
        unproven_price: what an unproven arm must bring beside its cost, money (`models.learning.budget_price`).
        settled: the price keeps the mean chance of what is not proven; until it does each draw keeps it by itself.
        domain: `SHADOW` for the draw over actions in shadow mode.
    """
    scores = scores_of([(one.arm, one.cost) for one in candidates], features, worth)
    states = [
        state(one.arm, found, rules, launched=launched, stopped=one.stopped)
        for one, found in zip(candidates, scores, strict=True)
    ]
    weighed = _weighed(scores, states, rules, unproven_price)
    wished = _chances(weighed, states, rules, rules.unproven_each)
    chances = wished if settled else _chances(weighed, states, rules, rules.held_back().unproven_each)
    tried = sum(chance for chance, one in zip(wished[1:], states, strict=True) if one is State.UNPROVEN)
    place = drawn(chances, keyed(domain, decision))
    reason = _reason(place, scores, states, unproven_price)
    return Chosen(place, tuple(chances), tuple(scores), tuple(states), reason, tried)


def chances_of(
    scores: Sequence[Score], states: Sequence[State], rules: ChoiceRules, unproven_price: float = 0.0
) -> list[int]:
    """The chances of leaving alone and of each arm. A closed arm has none, not even its floor."""
    return _chances(_weighed(scores, states, rules, unproven_price), states, rules, rules.unproven_each)


def _weighed(scores: Sequence[Score], states: Sequence[State], rules: ChoiceRules, price: float) -> list[float]:
    """Shares of leaving alone and of each arm, before caution; what is closed or stopped has none."""
    priced = _priced(scores, states, price)
    # What is stopped has its floor alone: as the best it would take the others' shares with it.
    free = [place for place, one in enumerate(states) if one not in _NEVER_BEST]
    found = [0.0] * (len(states) + 1)
    for place, share in zip(
        (-1, *free), shares([ALONE, *(priced[place] for place in free)], rules.temper), strict=True
    ):
        found[place + 1] = share
    return found


def _chances(weighed: Sequence[float], states: Sequence[State], rules: ChoiceRules, most: float) -> list[int]:
    """most: of all unproven arms together."""
    cautious = held(weighed, states, most)
    if not any(one in CLOSED for one in states):
        return with_floors(cautious, rules.floor, rules.hold_out)
    open_ = [0, *(place for place, one in enumerate(states, start=1) if one not in CLOSED)]
    of_open = with_floors([cautious[place] for place in open_], rules.floor, rules.hold_out)
    chances = [0] * len(weighed)
    for place, chance in zip(open_, of_open, strict=True):
        chances[place] = chance
    return chances


def _priced(scores: Sequence[Score], states: Sequence[State], price: float) -> list[Score]:
    return [
        Score(found.mean - price, found.sd) if one is State.UNPROVEN else found
        for found, one in zip(scores, states, strict=True)
    ]


def _reason(place: int, scores: Sequence[Score], states: Sequence[State], price: float) -> Reason:
    if all(one in CLOSED for one in states):
        return Reason.NONE_OPEN
    priced = _priced(scores, states, price)
    best = best_of(
        [ALONE, *(ALONE if one in _NEVER_BEST else found for found, one in zip(priced, states, strict=True))]
    )
    if place != best:
        return Reason.EXPLORED if place else Reason.HELD_OUT
    if place:
        return Reason.BEST
    if any(found.mean > 0.0 and one is State.STOPPED for found, one in zip(scores, states, strict=True)):
        return Reason.HELD_OUT
    hopeful = any(found.mean > 0.0 and one is State.UNPROVEN for found, one in zip(scores, states, strict=True))
    return Reason.RATIONED if hopeful else Reason.NO_POSITIVE_VALUE
