"""Bad experiences, after which marketing rests, and conversations, during which it waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from models.decisions.contact import second_from
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.rules import rules_of
from models.decisions.standing import Standing
from models.touchpoints.kinds import Kind


def suffered(policy: PolicyInForce, standing: Standing, kind: int, data: Any, time: int) -> bool:
    """Let marketing rest after a bad experience; whether the touchpoint tells of one: a complaint, a severe case, a
    failed payment, a late delivery, a low rating."""
    if not is_bad(kind, data):
        return False
    standing.harmed_until = max(standing.harmed_until, second_from(time + rules_of(policy).bad_experience))
    return True


def is_bad(kind: int, data: Any) -> bool:
    """Whether a touchpoint tells of a bad experience."""
    bad = _BAD.get(kind)
    return bad is not None and bad(data)


def talked(policy: PolicyInForce, standing: Standing, kind: int, time: int) -> bool:
    """Let marketing wait while a conversation lasts; whether a touchpoint is part of one."""
    rules = rules_of(policy)
    if kind not in rules.talks:
        return False
    standing.talks_until = max(standing.talks_until, second_from(time + rules.talk_lasts))
    return True


_BAD: Final[dict[int, Callable[[Any], bool]]] = {
    Kind.COMPLAINT: lambda data: True,
    Kind.PAYMENT_FAILED: lambda data: True,
    Kind.DELIVERY_DELAYED: lambda data: True,
    Kind.CASE_OPENED: lambda data: data.severity in ("high", "critical"),
    Kind.NPS: lambda data: data.score <= 6,
    Kind.CSAT: lambda data: data.score <= 2,
    Kind.REVIEW: lambda data: data.rating <= 2,
}
BAD_EXPERIENCES: Final = frozenset(_BAD)
"""Kinds of touchpoints that may tell of one."""
