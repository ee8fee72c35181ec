"""Whether the tiers of value of a policy make sense."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from models.decisions.policy.faults import among
from models.decisions.policy.structure import Problem
from models.decisions.policy.types import Policy
from models.decisions.policy.wording import shown


def faults_of_values(policy: Policy) -> Iterator[Problem]:
    """All that is wrong with them."""
    rules, exempt = policy.value, policy.control.exempt_tiers
    if rules is None:
        if exempt:
            yield Problem("control.exempt_tiers", shown(exempt), "add [value]: without it nobody is in a tier")
        return
    yield from among(
        "control.exempt_tiers", exempt, [*(tier.name for tier in rules.tiers), rules.rest], "the tiers of [value]"
    )
    for n, (higher, lower) in enumerate(pairwise(rules.tiers), 1):
        if lower.share <= higher.share:
            takes = f"give more than the tier above has ({higher.name}: {higher.share:g}): it is the share down to here"
            yield Problem(f"value.tiers[{n}].share", f"{lower.share:g}", takes)
    names = [*(tier.name for tier in rules.tiers), rules.rest]
    for n, name in enumerate(names):
        if name in names[:n]:
            key = f"value.tiers[{n}].name" if n < len(rules.tiers) else "value.rest"
            yield Problem(key, shown(name), "give each tier a name of its own")
