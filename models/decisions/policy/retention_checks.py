"""Whether what a policy says of how long topics are kept leaves what is needed to start again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import structs

from models.decisions.policy.retention_types import periods_of
from models.decisions.policy.structure import Problem
from models.decisions.policy.types import Policy
from models.decisions.policy.wording import shown
from models.settings import DAY

LEAST_EXAMPLES: Final = 42 * DAY
"""ms: what the learner needs to learn again from one of its states of the last five weeks."""


def faults_of_retention(policy: Policy) -> Iterator[Problem]:
    """Each by key, value and what to give."""
    told, periods = structs.asdict(policy.retention), periods_of(policy.retention)
    for role, period in periods.items():
        key, value = f"retention.{role}", shown(told[role])
        if period < DAY:
            yield Problem(key, value, 'give a day at least, such as "400d"')
        elif role == "examples" and period < LEAST_EXAMPLES:
            yield Problem(key, value, 'give "42d" at least: the learner reads them again from its stored states')
        elif role in ("triggers", "decisions", "deadletters") and period < periods.get("touchpoints", 0):
            takes = f"give at least as long as retention.touchpoints ({told['touchpoints']})"
            yield Problem(key, value, takes)
