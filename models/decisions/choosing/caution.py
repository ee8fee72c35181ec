"""What an arm may not do before it has shown itself: proof, cap, launch, ceiling, stop-loss."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from models.decisions.choosing.domains import Domain, in_share
from models.decisions.choosing.numbers import Arm
from models.decisions.choosing.rules import FIRST_COHORT, ChoiceRules
from models.decisions.choosing.weights import Score


class State(StrEnum):
    """How an arm stands in a draw."""

    PROVEN = "proven"
    """Enough of its contacts were learned from, and it is likely better than leaving alone here: no cap."""
    UNPROVEN = "unproven"
    """Under the cap, with all others that are not proven."""
    STOPPED = "stopped"
    """The stop-loss holds: its floor, and no more."""
    NOT_LAUNCHED = "not_launched"
    """Not proven, and the customer is outside the share that unproven arms are open to: no chance."""
    FULL = "full"
    """Not proven, and as many of its contacts are open as may be: no chance."""


CLOSED = (State.NOT_LAUNCHED, State.FULL)


def state(arm: Arm, score: Score, rules: ChoiceRules, *, launched: bool, stopped: bool = False) -> State:
    """How an arm stands for a customer. launched: they are in the launch share. stopped: by the stop-loss."""
    if stopped:
        return State.STOPPED
    if arm.learned >= rules.proof_contacts and score.mean - rules.kappa * score.sd > 0.0:
        return State.PROVEN
    if not launched:
        return State.NOT_LAUNCHED
    if rules.open_contacts is not None and arm.opened - arm.matured >= rules.open_contacts:
        return State.FULL
    return State.UNPROVEN


def held(shares: Sequence[float], states: Sequence[State], most: float) -> list[float]:
    """Shares after stop-loss and cap; what is taken goes to leaving alone. shares: leaving alone first, one more than
    there are states. most: of all unproven arms together.

    >>> held([0.0, 0.5, 0.5], [State.UNPROVEN, State.PROVEN], 0.25)
    [0.25, 0.25, 0.5]
    """
    unproven = 0.0
    for share, one in zip(shares[1:], states, strict=True):
        if one is State.UNPROVEN:
            unproven = unproven + share
    factor = most / unproven if unproven > most else 1.0
    found = [0.0]
    contact = 0.0
    for share, one in zip(shares[1:], states, strict=True):
        kept = 0.0 if one is State.STOPPED else share * factor if one is State.UNPROVEN else share
        found.append(kept)
        contact = contact + kept
    found[0] = max(1.0 - contact, 0.0)
    return found


def launch_share(draws: float, unproven: float, cohort: int = FIRST_COHORT) -> float:
    """The share of customers that unproven arms are open to until a first cohort has matured.

    draws: that are expected within one response window. unproven: the cap, which is the most contact there is.

    >>> launch_share(55_000, 0.30), launch_share(1_000, 0.30)
    (0.12121212121212122, 1.0)
    """
    contacts = draws * unproven
    return min(cohort / contacts, 1.0) if contacts > 0.0 else 1.0


def launched(share: float, salt: str, unit: bytes, learned: int, cohort: int = FIRST_COHORT) -> bool:
    """Whether unproven arms are open to a customer. learned: contacts of all arms that were ever learned from."""
    return learned >= cohort or in_share(share, Domain.LAUNCH, salt.encode(), unit)
