"""Policies, differences and proposals as plain data: `--json` of `retention policy`, and the console's page."""

from __future__ import annotations

from typing import Any

from models.decisions.policy.differences import differences
from models.decisions.policy.in_force import PolicyInForce
from streams.operations.policy.changes import Put


def named(policy: PolicyInForce | None) -> dict[str, Any] | None:
    """For machines."""
    return None if policy is None else {"name": policy.name, "number": policy.number, "sha256": policy.sha256}


def differing(old: PolicyInForce | None, new: PolicyInForce) -> dict[str, list[Any]]:
    """By key, the old and the new value."""
    found = differences(None if old is None else old.policy, new.policy)
    return {key: list(values) for key, values in found.items()}


def proposal_data(put: Put) -> dict[str, Any]:
    """For machines."""
    one = put.proposal
    return {
        "name": one.name,
        "number": one.number,
        "sha256": one.sha256,
        "base": None if one.base is None else one.base.short,
        "by": one.by,
        "reason": one.reason,
        "rolls_back": one.rolls_back or None,
        "sections": list(put.sections),
        "approvers": list(one.approvers),
        "lacks": [lack.words for lack in put.lacks],
        "outdated": put.outdated,
    }
