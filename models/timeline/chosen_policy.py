"""The policy that an operator applied through the log: which is in force in a shard, and which waits for its boundary.

A record holds the whole policy, so what is in force never depends on which records a shard has seen before; of two the
higher number counts, and of two of one number, written by two operators at once, the higher hash. So a record that
comes twice, or after a newer one, changes nothing. A record that names no time comes into force where it stands: all
due items before it are done under the old policy (models/timeline/pieces.py). One that names a time waits for the first
version boundary from then on; a newer record takes its place, whether that one waits or not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
from msgspec import UNSET

from models.timeline.shard_state import NO_TIME, PolicyName, ShardState, WaitingPolicy
from models.touchpoints.types.reserved import PolicyChosenData


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """What a policy's record, or the boundary that it waited for, comes to, where it changes something or is refused.

    Attributes:
        policy: its name.
        by, reason: who applied it, and why.
        refused: why the record's text is no policy; then nothing changes.
        waits: it comes into force at a boundary to come. at: from which log time (ms) on; 0: at its record.
        at_record: it happens at the piece's first record, not before it.
    """

    policy: PolicyName
    by: str = ""
    reason: str = ""
    refused: str = ""
    waits: bool = False
    at: int = 0
    at_record: bool = True

    @property
    def in_force(self) -> bool:
        """Whether it decides from here on."""
        return not self.refused and not self.waits


def at_record(state: ShardState, data: PolicyChosenData, refused: str) -> tuple[ShardState, PolicyChange | None]:
    """The state, and what changes, when the line comes to a policy's record.

    Args:
        state: before the record, every due item before it being done.
        data: of the record.
        refused: why it is no policy; empty: it is one.
    """
    name, at = PolicyName(data.number, data.sha256), data.at or 0
    change = PolicyChange(name, data.by or "", data.reason or "", refused, at=at)
    if refused:
        return state, change
    last = newest(state)
    if last is not None and rank(name) <= rank(last):
        return state, None
    if at > state.boundary:
        waiting = WaitingPolicy(data.number, data.sha256, at, change.by, change.reason)
        return msgspec.structs.replace(state, policy_waiting=waiting), replace(change, waits=True)
    since = UNSET if state.time == NO_TIME else state.time
    return msgspec.structs.replace(state, policy=name, policy_since=since, policy_waiting=UNSET), change


def at_boundary(state: ShardState) -> tuple[ShardState, PolicyChange | None]:
    """The same, when a shard's boundary brings its model version into force."""
    waiting = state.policy_waiting
    if waiting is UNSET or waiting.at > state.boundary:
        return state, None
    change = PolicyChange(waiting.name, waiting.by, waiting.reason, at=waiting.at, at_record=False)
    return msgspec.structs.replace(
        state, policy=waiting.name, policy_since=state.boundary, policy_waiting=UNSET
    ), change


def newest(state: ShardState) -> PolicyName | None:
    """The newest policy that a shard has read: it waits, or is in force."""
    if state.policy_waiting is not UNSET:
        return state.policy_waiting.name
    return None if state.policy is UNSET else state.policy


def rank(policy: PolicyName) -> tuple[int, str]:
    """The higher one counts."""
    return policy.number, policy.sha256
