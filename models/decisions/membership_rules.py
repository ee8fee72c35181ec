"""What decisions read of a policy's membership levels: times in ms, money in hundredths, kinds by number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from models.customer.contract import ACTIVE, ENDS, Contract
from models.decisions.points_rules import HUNDRED, Ends
from models.decisions.policy.membership_types import PaidMembership
from models.decisions.policy.parts import ms_of
from models.decisions.policy.types import Policy
from models.loyalty.membership import Membership, Steps
from models.outputs.membership_entry import HUNDREDTHS
from models.touchpoints.kinds import Kind

_TWO: Final = (Kind.PURCHASE, Kind.RETURN)


@dataclass(frozen=True, slots=True)
class LevelRules:
    """All of them. ends: when what counts lapses. times: hundredths by level, that of none first. paid: as the policy
    has it. kinds: that change what counts, by number; those of points are the ledger's. asks: moments, each with the
    change at which it asks."""

    steps: Steps
    ends: Ends
    times: tuple[int, ...]
    paid: tuple[PaidMembership, ...]
    kinds: frozenset[int]
    asks: tuple[tuple[str, str], ...]

    def amount(self, counted: int) -> float:
        """What counts, as the policy writes it."""
        return counted / HUNDRED if self.steps.counts == HUNDREDTHS else counted

    def paid_by(self, contract: Contract | None, now: int) -> PaidMembership | None:
        """The membership that a customer has paid for."""
        if contract is None or not (contract.state == ACTIVE or (contract.state == ENDS and now < contract.renews_at)):
            return None
        return next((one for one in self.paid if contract.plan in one.plans), None)

    def level(self, state: Membership, paid: PaidMembership | None) -> int:
        """The number of the level that a customer has: that which is earned, or paid for, the higher one."""
        floor = self.steps.number(paid.level) if paid is not None and paid.level else 0
        return max(self.steps.number(state.level), floor)

    def multiplied(self, state: Membership, paid: PaidMembership | None) -> int:
        """What points are multiplied by, hundredths."""
        by_level = self.times[self.level(state, paid)]
        return max(by_level, round(paid.times * HUNDRED)) if paid is not None else by_level


def level_rules(policy: Policy) -> LevelRules | None:
    """Of a policy; None: it keeps no levels."""
    rules = policy.membership
    if rules is None:
        return None
    unit = HUNDRED if rules.counts == HUNDREDTHS else 1
    levels = tuple((one.name, round(one.at * unit)) for one in rules.levels)
    return LevelRules(
        Steps(rules.counts, levels, ms_of(rules.grace)),
        Ends.of(policy, "0s" if rules.window is None else rules.window, "year" if rules.window is None else "rolling"),
        (HUNDRED, *(round(one.times * HUNDRED) for one in rules.levels)),
        rules.paid,
        frozenset() if rules.counts == "points" else frozenset(map(int, _TWO)),
        tuple((name, one.change) for name, one in policy.moment.items() if one.change is not None),
    )
