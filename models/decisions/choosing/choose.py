"""One choice: scores, weights, caution, promise, draw, and what is written down of it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from models.decisions.choosing.caution import CLOSED, State, held, state
from models.decisions.choosing.domains import Domain, keyed
from models.decisions.choosing.numbers import Arm
from models.decisions.choosing.propensities import with_floors
from models.decisions.choosing.rules import ChoiceRules
from models.decisions.choosing.weights import ALONE, Score, best_of, score, shares
from models.decisions.draw import drawn


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
    NO_POSITIVE_VALUE = "no_positive_value"
    """No action is expected to bring more than it costs."""
    NONE_OPEN = "none_open"
    """No arm was open to this customer: leaving alone was certain."""


class Chosen(NamedTuple):
    """A choice, as it is written down; all in the order of the candidates.

    place: what was drawn, 0 for leaving alone, else one more than the candidate's place. chances: multiples of 2^-32,
    leaving alone first; they sum to `models.decisions.draw.ONE`. scores: money. states: how each arm stood.
    """

    place: int
    chances: tuple[int, ...]
    scores: tuple[Score, ...]
    states: tuple[State, ...]
    reason: Reason


def choose(
    candidates: Sequence[Candidate],
    features: Sequence[float],
    worth: float,
    rules: ChoiceRules,
    decision: bytes,
    *,
    launched: bool = True,
    domain: Domain = Domain.CHOICE,
) -> Chosen:
    """Choose among leaving alone and the candidates.

    A customer of the lasting control group goes through it too: this is the would-be draw.

    Args:
        features: as `models.decisions.choosing.features.frozen` gives them.
        worth: the value at stake, money.
        decision: its id, which alone says what falls.
        launched: unproven arms are open to this customer.
        domain: `SHADOW` for the draw over actions in shadow mode.
    """
    scores = [score(one.arm, features, worth, one.cost) for one in candidates]
    states = [
        state(one.arm, found, rules, launched=launched, stopped=one.stopped)
        for one, found in zip(candidates, scores, strict=True)
    ]
    chances = chances_of(scores, states, rules)
    place = drawn(chances, keyed(domain, decision))
    return Chosen(place, tuple(chances), tuple(scores), tuple(states), _reason(place, scores, states))


def chances_of(scores: Sequence[Score], states: Sequence[State], rules: ChoiceRules) -> list[int]:
    """The chances of leaving alone and of each arm. A closed arm has none, not even its floor."""
    open_ = [place for place, one in enumerate(states) if one not in CLOSED]
    weighed = shares([ALONE, *(scores[place] for place in open_)], rules.temper)
    cautious = held(weighed, [states[place] for place in open_], rules.unproven)
    found = with_floors(cautious, rules.floor, rules.hold_out)
    chances = [found[0]] + [0] * len(scores)
    for place, chance in zip(open_, found[1:], strict=True):
        chances[place + 1] = chance
    return chances


def _reason(place: int, scores: Sequence[Score], states: Sequence[State]) -> Reason:
    open_ = [ALONE if one in CLOSED else found for found, one in zip(scores, states, strict=True)]
    if all(one in CLOSED for one in states):
        return Reason.NONE_OPEN
    best = best_of([ALONE, *open_])
    if place == best:
        return Reason.BEST if place else Reason.NO_POSITIVE_VALUE
    return Reason.EXPLORED if place else Reason.HELD_OUT
