"""The draw among the actions that a risk moment may have: control, scores, chances, and what falls.

Chances are written down with the decision, so that they can be held against what came of it: they are multiples of
2^-32, sum to one, and none is below its floor. The draw itself is a function of the decision's id.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from models.decisions.person import Person
from models.decisions.policy.contact_types import ChannelRules
from models.decisions.policy.types import Action, Control
from models.numerics.shares import within

ONE: Final = 2**32
"""A chance of one: chances are counted in multiples of 2^-32."""


def unit_of(person: Person) -> bytes:
    """Who is drawn: the account where the customer has one, so that a household or business is treated alike."""
    return person.tail.account.encode() or person.customer


def exempt_by_standing(control: Control, person: Person, now: int) -> bool:
    """Whether the customer is never of the lasting control group by their plan, programme or tier at `now`, log time in
    ms: they may be by another."""
    if control.exempt_programmes and person.tail.programme in control.exempt_programmes:
        return True
    if control.exempt_plans and person.plan_at(now) in control.exempt_plans:
        return True
    return bool(control.exempt_tiers) and person.tier in control.exempt_tiers


def share_for(control: Control, person: Person, now: int) -> float:
    """The chance with which the customer is of the lasting control group. now: log time, ms."""
    exempt = control.exempt and person.customer_class in control.exempt
    return 0.0 if exempt or exempt_by_standing(control, person, now) else control.share


def in_control(control: Control, person: Person, now: int, inherited: bool = False) -> bool:
    """Whether the customer is of the lasting control group: the same answer for as long as the salt, their account and
    what they are exempt by stand. now: log time, ms. inherited: another id of theirs was
    (`models.decisions.standing.Standing`)."""
    share = share_for(control, person, now)
    return within(share, control.salt, unit_of(person)) or (inherited and share > 0.0)


def score(action: Action, channel: ChannelRules) -> float:
    """Money expected of an action by a channel, above leaving alone, by the policy's figures."""
    return action.effect - action.discount - action.cost - channel.cost


def chances(scores: Sequence[float], floor: float, hold_out: float) -> list[int]:
    """The chances of leaving alone and of each action.

    The best gets all, but what each is due at least: p <- (1 - sum f) p + f. Leaving alone scores 0; of equals the
    earlier is better, and leaving alone before all. Where the least chances sum to more than one, those of the actions
    share what leaving alone lets them.

    Args:
        scores: of the actions, in their order, money.
        floor: least chance of each. hold_out: least chance of leaving alone, where that is more.

    Returns:
        one more than there are scores, leaving alone first: multiples of 2^-32, they sum to `ONE`.

    >>> chances([0.5, 2.0], floor=0.25, hold_out=0.0)
    [1073741824, 1073741824, 2147483648]
    """
    count = len(scores)
    alone = min(int(max(floor, hold_out) * ONE), ONE)
    least = min(int(floor * ONE), (ONE - alone) // count) if count else 0
    found = [alone] + [least] * count
    best, most = 0, 0.0
    for place, value in enumerate(scores, start=1):
        if value > most:
            best, most = place, value
    found[best] += ONE - alone - least * count
    return found


def drawn(chances: Sequence[int], decision: bytes) -> int:
    """Which one falls, by the first 64 bits of blake2b of the decision's id. A chance of zero never does."""
    point = int.from_bytes(blake2b(decision).digest()[:8]) >> 32
    for place, chance in enumerate(chances):
        if point < chance:
            return place
        point -= chance
    raise ValueError(f"chances sum to less than one: {list(chances)}")
