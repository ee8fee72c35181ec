"""What a policy says about the learned choice: how bold it is, and what it promises whatever was learned."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

PROOF_CONTACTS: Final = 200
"""Contacts of an arm's own that were learned from, before it may count as proven. With fewer the policy's figures
speak, and where they are too hopeful an arm would be proven before anybody was contacted: with
figures of ten percent on all rows."""
FIRST_COHORT: Final = 2_000
"""Contacts of the first cohort. Nothing is learned before a response window has ended; until so many contacts have
matured, arms that are not proven are open to a share of customers only."""
FLOOR_OUTCOMES: Final = 2_000
"""Outcomes learned from, by weight, until which each arm has its whole floor in the draw."""
LEAST_FLOOR: Final = 0.2
"""The share of its floor that each arm keeps, however much was learned."""


class ChoiceRules(NamedTuple):
    """temper: of the weights, in standard deviations of a difference; a small one stays near the best.

    floor: least chance of each arm in the draw, until much is known (`after`). hold_out: least chance of leaving alone,
    where that is more.
    unproven: the mean chance of arms together that are not proven, over all draws in which one is open; a price on them
    keeps it, so that it goes to whom it is expected to help most. unproven_each: at most this chance of them in one
    draw; until the price has settled it is `unproven` where that is less. kappa: an arm
    is proven where its mean is that many standard deviations above zero (.3: better than nothing with 62 %), and
    `proof_contacts` of its own contacts were learned from. open_contacts: an arm that is not proven is closed while so
    many of its contacts are open.
    """

    temper: float = 0.15
    floor: float = 0.01
    hold_out: float = 0.05
    unproven: float = 0.30
    unproven_each: float = 1.0
    kappa: float = 0.3
    proof_contacts: int = PROOF_CONTACTS
    open_contacts: int | None = None

    def after(self, outcomes: float) -> ChoiceRules:
        """What they are once so many outcomes were learned: floors shrink as the error of what is known does.

        A floor buys knowledge of an arm that is never best. Ten times the outcomes make a chance of .01 worth less than
        it costs; a fifth of it stays, so that an arm whose effect changes is found out.
        """
        if outcomes <= FLOOR_OUTCOMES:
            return self
        return self._replace(floor=self.floor * max(LEAST_FLOOR, math.sqrt(FLOOR_OUTCOMES / outcomes)))

    def held_back(self) -> ChoiceRules:
        """With what is not proven held to its mean chance in every draw."""
        return self._replace(unproven_each=min(self.unproven_each, self.unproven))


def problems(rules: ChoiceRules) -> list[str]:
    """What is wrong with them, in words; nothing if they can be used."""
    found = [
        f"{name} is {value!r}; it must be {least} to {most}"
        for name, value, least, most in (
            ("temper", rules.temper, 0.01, 10.0),
            ("floor", rules.floor, 0.0, 0.1),
            ("hold_out", rules.hold_out, 0.0, 1.0),
            ("unproven", rules.unproven, 0.0, 1.0),
            ("unproven_each", rules.unproven_each, 0.0, 1.0),
            ("kappa", rules.kappa, 0.0, 10.0),
            ("proof_contacts", rules.proof_contacts, 0, 1_000_000),
        )
        if not least <= value <= most
    ]
    if rules.open_contacts is not None and rules.open_contacts < 1:
        found.append(f"open_contacts is {rules.open_contacts!r}; it must be at least 1, or left out")
    return found
