"""The policy that an operator applied through the log: which is in force in a shard.

A record holds the whole policy, so what is in force never depends on which records a shard has seen before; of two the
higher number counts, and of two of one number, written by two operators at once, the higher hash. So a record that
comes twice, or after a newer one, changes nothing. A policy comes into force where its record stands: all due items
before it are done under the old one (models/timeline/pieces.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from msgspec import UNSET

from models.timeline.shard_state import PolicyName, ShardState
from models.touchpoints.types.reserved import PolicyChosenData


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """What a policy's record comes to, where it changes something or is refused.

    Attributes:
        policy: its name.
        by, reason: who applied it, and why.
        refused: why the record's text is no policy; then nothing changes.
    """

    policy: PolicyName
    by: str = ""
    reason: str = ""
    refused: str = ""


def at_record(state: ShardState, data: PolicyChosenData, refused: str) -> tuple[ShardState, PolicyChange | None]:
    """The state, and what changes, when the line comes to a policy's record.

    Args:
        state: before the record, every due item before it being done.
        data: of the record.
        refused: why it is no policy; empty: it is one.
    """
    name = PolicyName(data.number, data.sha256)
    change = PolicyChange(name, data.by or "", data.reason or "", refused)
    if refused:
        return state, change
    if state.policy is not UNSET and rank(name) <= rank(state.policy):
        return state, None
    return msgspec.structs.replace(state, policy=name), change


def rank(policy: PolicyName) -> tuple[int, str]:
    """The higher one counts."""
    return policy.number, policy.sha256
