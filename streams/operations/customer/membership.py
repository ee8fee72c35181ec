"""A customer's level of the loyalty programme for people: the level, what counts, and what comes next."""

from __future__ import annotations

from typing import Any

from models.customer.contract import unpack_contract
from models.customer.record import Record
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.rules import rules_of
from models.loyalty.membership import Membership
from models.loyalty.membership_stored import unpack_membership
from models.outputs.membership_entry import HUNDREDTHS
from streams.operations.customer.person import iso


def membership_view(record: Record, policy: PolicyInForce | None, now: int) -> dict[str, Any] | None:
    """JSON types only; None: there is no level, nothing counts, and nothing is paid for. What has lapsed is there until
    that is said, half an hour at most.

    Args:
        record: decoded.
        policy: in force; None: it is not known, so that neither is what the next level takes, or what is paid for.
        now: log time, ms.
    """
    tail = record.tail
    rules = rules_of(policy).membership if policy is not None else None
    state = unpack_membership(tail.membership)
    contract = unpack_contract(tail.contract) if tail.contract else None
    paid = rules.paid_by(contract, now) if rules is not None else None
    if not tail.membership and paid is None:
        return None
    found: dict[str, Any] = {
        "level": state.level or None,
        "earned": state.level or None,
        "paid": paid.name if paid is not None else None,
        "counts": state.counts or None,
        "counted": _amount(state.counted, state.counts),
        "lost_at": iso(state.until),
        "lapses": [f"{_amount(amount, state.counts):,} on {iso(at)}" for at, amount in sorted(state.lots.items())],
    }
    if rules is not None:
        steps, number = rules.steps, rules.steps.number(state.level)
        found["level"] = steps.named(rules.level(state, paid)) or None
        found["points_times"] = rules.multiplied(state, paid) / 100
        found["next_level"] = steps.levels[number][0] if number < len(steps.levels) else None
        found["to_next"] = rules.amount(state.to_next(steps)) or None
        found["ends"] = iso(state.ends(steps))
    return found


def is_above_paid(record: Record, policy: PolicyInForce | None, now: int) -> bool:
    """Whether the level that was earned is above the one that comes with what is paid for, so that they lose something
    when it ends. Arguments as of `membership_view`."""
    rules = rules_of(policy).membership if policy is not None else None
    if rules is None:
        return True
    contract = unpack_contract(record.tail.contract) if record.tail.contract else None
    state, paid = unpack_membership(record.tail.membership), rules.paid_by(contract, now)
    return rules.steps.number(state.level) > rules.level(Membership(), paid)


def _amount(counted: int, counts: str) -> float:
    return counted / 100 if counts == HUNDREDTHS else counted
