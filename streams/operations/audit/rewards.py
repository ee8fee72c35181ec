"""Which reward of a policy's catalogue a customer is told of. From docs/loyalty.md."""

from __future__ import annotations

from streams.operations.audit.person import Person
from streams.operations.audit.policies import Policy


def chosen(policy: Policy, person: Person) -> dict[str, str] | None:
    """What a trigger says of it; None: there is none within reach."""
    balance = person.points.balance if person.points is not None else 0
    best: tuple[tuple[int, int, str], dict[str, str]] | None = None
    for name, reward in policy.rewards.items():
        code = reward.get("code", name)
        words = [name, code, *reward.get("likes", [])]
        stated = [n for n, one in enumerate(person.rewards) if one in words]
        key = (min(stated, default=len(person.rewards)), -int(reward["points"]), name)
        if reward["points"] <= balance and (best is None or key < best[0]):
            partner = {"partner": reward["partner"]} if "partner" in reward else {}
            best = key, {"reward": code, **partner}
    return best[1] if best is not None else None
